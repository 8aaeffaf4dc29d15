import { INT64_MAX } from "../bytes/int64.ts";
import {
  array,
  int8,
  int16,
  int32,
  int64,
  records,
  type StructIn,
  type StructOut,
  string,
  struct,
  uuid,
} from "../schema/field.ts";

export const fetchPartitionFields = {
  partition: int32(),
  currentLeaderEpoch: int32({ versions: "9+", ignorable: true, default: -1 }),
  fetchOffset: int64(),
  lastFetchedEpoch: int32({ versions: "12+", default: -1 }),
  logStartOffset: int64({ versions: "5+", ignorable: true, default: -1 }),
  partitionMaxBytes: int32(),
  replicaDirectoryId: uuid({ versions: "17+", tag: 0, ignorable: true }),
  highWatermark: int64({ versions: "18+", tag: 1, ignorable: true, default: INT64_MAX }),
};

export const fetchTopicFields = {
  topic: string({ versions: "0-12", ignorable: true }),
  topicId: uuid({ versions: "13+", ignorable: true }),
  partitions: array(fetchPartitionFields),
};

export const forgottenTopicFields = {
  topic: string({ versions: "7-12", ignorable: true }),
  topicId: uuid({ versions: "13+", ignorable: true }),
  partitions: array(int32()),
};

/** The members of a FetchRequest. */
export const fetchRequestFields = {
  clusterId: string({ versions: "12+", nullable: "12+", tag: 0, ignorable: true, default: null }),
  replicaId: int32({ versions: "0-14", default: -1 }),
  replicaState: struct(
    { replicaId: int32({ default: -1 }), replicaEpoch: int64({ default: -1 }) },
    { versions: "15+", tag: 1 },
  ),
  maxWaitMs: int32(),
  minBytes: int32(),
  maxBytes: int32({ default: 0x7fffffff }),
  isolationLevel: int8({ default: 0 }),
  sessionId: int32({ versions: "7+", ignorable: true, default: 0 }),
  sessionEpoch: int32({ versions: "7+", ignorable: true, default: -1 }),
  topics: array(fetchTopicFields),
  forgottenTopicsData: array(forgottenTopicFields, { versions: "7+" }),
  rackId: string({ versions: "11+", ignorable: true, default: "" }),
};

export const abortedTransactionFields = { producerId: int64(), firstOffset: int64() };

export const fetchResponsePartitionFields = {
  partitionIndex: int32(),
  errorCode: int16(),
  highWatermark: int64(),
  lastStableOffset: int64({ default: -1 }),
  logStartOffset: int64({ versions: "5+", ignorable: true, default: -1 }),
  divergingEpoch: struct(
    { epoch: int32({ default: -1 }), endOffset: int64({ default: -1 }) },
    { versions: "12+", tag: 0 },
  ),
  currentLeader: struct(
    { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
    { versions: "12+", tag: 1 },
  ),
  snapshotId: struct({ endOffset: int64({ default: -1 }), epoch: int32({ default: -1 }) }, { versions: "12+", tag: 2 }),
  abortedTransactions: array(abortedTransactionFields, { nullable: "4+" }),
  preferredReadReplica: int32({ versions: "11+", default: -1 }),
  records: records({ nullable: "0+" }),
};

export const fetchResponseTopicFields = {
  topic: string({ versions: "0-12", ignorable: true }),
  topicId: uuid({ versions: "13+", ignorable: true }),
  partitions: array(fetchResponsePartitionFields),
};

/** The members of a FetchResponse. */
export const fetchResponseFields = {
  throttleTimeMs: int32(),
  errorCode: int16({ versions: "7+", ignorable: true }),
  sessionId: int32({ versions: "7+", default: 0 }),
  responses: array(fetchResponseTopicFields),
  nodeEndpoints: array(
    { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: "16+", default: null }) },
    { versions: "16+", tag: 0 },
  ),
};

export interface FetchRequestPartition extends StructOut<typeof fetchPartitionFields> {}
export interface FetchRequestTopic extends StructOut<typeof fetchTopicFields> {}
export interface ForgottenTopic extends StructOut<typeof forgottenTopicFields> {}
export interface FetchRequest extends StructOut<typeof fetchRequestFields> {}
export interface FetchRequestPartitionInput extends StructIn<typeof fetchPartitionFields> {}
export interface FetchRequestTopicInput extends StructIn<typeof fetchTopicFields> {}
export interface ForgottenTopicInput extends StructIn<typeof forgottenTopicFields> {}
export interface FetchRequestInput extends StructIn<typeof fetchRequestFields> {}

export interface AbortedTransaction extends StructOut<typeof abortedTransactionFields> {}
export interface FetchResponsePartition extends StructOut<typeof fetchResponsePartitionFields> {}
export interface FetchResponseTopic extends StructOut<typeof fetchResponseTopicFields> {}
export interface FetchResponse extends StructOut<typeof fetchResponseFields> {}
export interface FetchResponsePartitionInput extends StructIn<typeof fetchResponsePartitionFields> {}
export interface FetchResponseTopicInput extends StructIn<typeof fetchResponseTopicFields> {}
export interface FetchResponseInput extends StructIn<typeof fetchResponseFields> {}
