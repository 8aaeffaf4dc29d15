import { array, bytes, int32, int64, string, uuid } from "../../schema/field.ts";
import { type Infer, message } from "../../schema/message.ts";
import { coordinatorRecord } from "./coordinator-record.ts";

/** As OffsetCommitKey, as written by Kafka before 0.9. */
export const legacyOffsetCommitKey = message(
  { name: "LegacyOffsetCommitKey", validVersions: "0" },
  { group: string(), topic: string(), partition: int32() },
);

/** As OffsetCommitValue, as written by Kafka before 0.9. */
export const legacyOffsetCommitValue = message(
  { name: "LegacyOffsetCommitValue", validVersions: "0" },
  { offset: int64(), metadata: string(), commitTimestamp: int64() },
);

/** Type 0 of `__consumer_offsets`. */
export const legacyOffsetCommitRecord = coordinatorRecord({
  type: 0,
  name: "LegacyOffsetCommit",
  key: legacyOffsetCommitKey,
  value: legacyOffsetCommitValue,
});

/** One partition of a group. */
export const offsetCommitKey = message(
  { name: "OffsetCommitKey", validVersions: "0" },
  { group: string(), topic: string(), partition: int32() },
);

/** The offset that the group has committed for the partition. */
export const offsetCommitValue = message(
  { name: "OffsetCommitValue", validVersions: "0-4", flexibleVersions: "4+" },
  {
    offset: int64(),
    leaderEpoch: int32({ versions: "3+", ignorable: true, default: -1 }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64({ versions: "1", ignorable: true, default: -1 }),
    topicId: uuid({ versions: "4+", tag: 0, ignorable: true }),
  },
);

/** Type 1 of `__consumer_offsets`. */
export const offsetCommitRecord = coordinatorRecord({
  type: 1,
  name: "OffsetCommit",
  key: offsetCommitKey,
  value: offsetCommitValue,
});

/** A group of the classic protocol. */
export const groupMetadataKey = message({ name: "GroupMetadataKey", validVersions: "0" }, { group: string() });

/** Members, generation and assignments of a classic group. */
export const groupMetadataValue = message(
  { name: "GroupMetadataValue", validVersions: "0-4", flexibleVersions: "4+" },
  {
    protocolType: string(),
    generation: int32(),
    protocol: string({ nullable: "0+" }),
    leader: string({ nullable: "0+" }),
    currentStateTimestamp: int64({ versions: "2+", ignorable: true, default: -1 }),
    members: array({
      memberId: string(),
      groupInstanceId: string({ versions: "3+", nullable: "3+", ignorable: true, default: null }),
      clientId: string(),
      clientHost: string(),
      rebalanceTimeout: int32({ versions: "1+", ignorable: true, default: -1 }),
      sessionTimeout: int32(),
      subscription: bytes(),
      assignment: bytes(),
    }),
  },
);

/** Type 2 of `__consumer_offsets`. */
export const groupMetadataRecord = coordinatorRecord({
  type: 2,
  name: "GroupMetadata",
  key: groupMetadataKey,
  value: groupMetadataValue,
});

export interface LegacyOffsetCommitKey extends Infer<typeof legacyOffsetCommitKey> {}
export interface LegacyOffsetCommitValue extends Infer<typeof legacyOffsetCommitValue> {}
export interface OffsetCommitKey extends Infer<typeof offsetCommitKey> {}
export interface OffsetCommitValue extends Infer<typeof offsetCommitValue> {}
export interface GroupMetadataKey extends Infer<typeof groupMetadataKey> {}
export interface GroupMetadataValue extends Infer<typeof groupMetadataValue> {}
