import { array, int8, int32, string, uuid } from "../../schema/field.ts";
import { message } from "../../schema/message.ts";
import { type MetadataRecordOf, metadataRecord } from "./metadata-record.ts";

/** A topic was created. */
export const topicRecord = metadataRecord(
  2,
  message({ name: "TopicRecord", validVersions: "0", flexibleVersions: "0+" }, { name: string(), topicId: uuid() }),
);

/** A partition with its whole state. */
export const partitionRecord = metadataRecord(
  3,
  message(
    { name: "PartitionRecord", validVersions: "0-2", flexibleVersions: "0+" },
    {
      partitionId: int32({ default: -1 }),
      topicId: uuid(),
      replicas: array(int32()),
      isr: array(int32()),
      removingReplicas: array(int32()),
      addingReplicas: array(int32()),
      leader: int32({ default: -1 }),
      leaderRecoveryState: int8({ tag: 0, default: 0 }),
      leaderEpoch: int32({ default: -1 }),
      partitionEpoch: int32({ default: -1 }),
      directories: array(uuid(), { versions: "1+" }),
      eligibleLeaderReplicas: array(int32(), { versions: "2+", nullable: "2+", tag: 1, default: null }),
      lastKnownElr: array(int32(), { versions: "2+", nullable: "2+", tag: 2, default: null }),
    },
  ),
);

/** What has changed in a partition; members that are left out stay as they are. */
export const partitionChangeRecord = metadataRecord(
  5,
  message(
    { name: "PartitionChangeRecord", validVersions: "0-2", flexibleVersions: "0+" },
    {
      partitionId: int32({ default: -1 }),
      topicId: uuid(),
      isr: array(int32(), { nullable: "0+", tag: 0, default: null }),
      leader: int32({ tag: 1, default: -2 }),
      replicas: array(int32(), { nullable: "0+", tag: 2, default: null }),
      removingReplicas: array(int32(), { nullable: "0+", tag: 3, default: null }),
      addingReplicas: array(int32(), { nullable: "0+", tag: 4, default: null }),
      leaderRecoveryState: int8({ tag: 5, default: -1 }),
      directories: array(uuid(), { versions: "1+", nullable: "1+", tag: 8, default: null }),
      eligibleLeaderReplicas: array(int32(), { versions: "2+", nullable: "2+", tag: 6, default: null }),
      lastKnownElr: array(int32(), { versions: "2+", nullable: "2+", tag: 7, default: null }),
    },
  ),
);

/** A topic was deleted. */
export const removeTopicRecord = metadataRecord(
  9,
  message({ name: "RemoveTopicRecord", validVersions: "0", flexibleVersions: "0+" }, { topicId: uuid() }),
);

/** Eligible leader replicas were cleared (KIP-966). */
export const clearElrRecord = metadataRecord(
  28,
  message({ name: "ClearElrRecord", validVersions: "0", flexibleVersions: "0+" }, { topicName: string() }),
);

export interface TopicRecord extends MetadataRecordOf<typeof topicRecord> {}
export interface PartitionRecord extends MetadataRecordOf<typeof partitionRecord> {}
export interface PartitionChangeRecord extends MetadataRecordOf<typeof partitionChangeRecord> {}
export interface RemoveTopicRecord extends MetadataRecordOf<typeof removeTopicRecord> {}
export interface ClearElrRecord extends MetadataRecordOf<typeof clearElrRecord> {}
