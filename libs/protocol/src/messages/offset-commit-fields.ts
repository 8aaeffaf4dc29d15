import { array, int32, int64, type StructIn, type StructOut, string, uuid } from "../schema/field.ts";

export const offsetCommitPartitionFields = {
  partitionIndex: int32(),
  committedOffset: int64(),
  committedLeaderEpoch: int32({ versions: "6+", ignorable: true, default: -1 }),
  committedMetadata: string({ nullable: "0+" }),
};

export const offsetCommitTopicFields = {
  name: string({ versions: "0-9", ignorable: true }),
  topicId: uuid({ versions: "10+", ignorable: true }),
  partitions: array(offsetCommitPartitionFields),
};

/** The members of an OffsetCommitRequest. */
export const offsetCommitRequestFields = {
  groupId: string(),
  generationIdOrMemberEpoch: int32({ default: -1 }),
  memberId: string(),
  groupInstanceId: string({ versions: "7+", nullable: "7+", default: null }),
  retentionTimeMs: int64({ versions: "2-4", ignorable: true, default: -1 }),
  topics: array(offsetCommitTopicFields),
};

export interface OffsetCommitRequestPartition extends StructOut<typeof offsetCommitPartitionFields> {}
export interface OffsetCommitRequestTopic extends StructOut<typeof offsetCommitTopicFields> {}
export interface OffsetCommitRequest extends StructOut<typeof offsetCommitRequestFields> {}
export interface OffsetCommitRequestTopicInput extends StructIn<typeof offsetCommitTopicFields> {}
export interface OffsetCommitRequestInput extends StructIn<typeof offsetCommitRequestFields> {}
