import { ProtocolError, ZERO_UUID } from "@ottla/protocol";
import {
  consumerGroupPartitionMetadataRecord,
  coordinatorRecordType,
  type GroupMetadataKey,
  type GroupMetadataValue,
  groupMetadataRecord,
  legacyOffsetCommitRecord,
  type OffsetCommitKey,
  type OffsetCommitValue,
  offsetCommitRecord,
} from "@ottla/protocol/internal";
import type { EncodedRecord } from "../shard/coordinator-shard.ts";
import {
  type ConsumerGroupRecord,
  decodeConsumerGroupRecord,
  encodeConsumerGroupRecord,
} from "./consumer-group-record.ts";

/** A record of `__consumer_offsets` that this coordinator writes and reads. Without a value it is a tombstone. */
export type GroupRecord =
  | { readonly type: "offsetCommit"; readonly key: OffsetCommitKey; readonly value: OffsetCommitValue | null }
  | { readonly type: "groupMetadata"; readonly key: GroupMetadataKey; readonly value: GroupMetadataValue | null }
  | ConsumerGroupRecord;

/**
 * A record that was written by something newer, for a protocol that is not known here, or that makes no sense.
 * It is passed over: the other groups of its partition must not suffer for it.
 */
export interface UnknownGroupRecord {
  readonly type: "unknown";
  readonly reason: string;
}

/** Kafka writes the highest version that older brokers can read too; v4 is the first with tagged fields. */
const GROUP_METADATA_VALUE_VERSION = 3;

/** v1 alone carries an expiry time of the offset's own, v4 the topic's id. */
function offsetCommitValueVersion(value: OffsetCommitValue): number {
  if (value.expireTimestamp !== -1) return 1;
  return value.topicId === ZERO_UUID ? 3 : 4;
}

export function encodeGroupRecord(record: GroupRecord): EncodedRecord {
  if (record.type === "offsetCommit") {
    const { key, value } = record;
    return {
      key: offsetCommitRecord.encodeKey(key),
      value: value && offsetCommitRecord.encodeValue(value, offsetCommitValueVersion(value)),
    };
  }
  if (record.type !== "groupMetadata") return encodeConsumerGroupRecord(record);
  const { key, value } = record;
  return {
    key: groupMetadataRecord.encodeKey(key),
    value: value && groupMetadataRecord.encodeValue(value, GROUP_METADATA_VALUE_VERSION),
  };
}

/** Reads a record from the log. Its byte members are views over `key` and `value`. */
export function decodeGroupRecord(key: Uint8Array, value: Uint8Array | null): GroupRecord | UnknownGroupRecord {
  try {
    return decodeKnown(key, value);
  } catch (error) {
    if (error instanceof ProtocolError) return { type: "unknown", reason: error.message };
    throw error;
  }
}

function decodeKnown(key: Uint8Array, value: Uint8Array | null): GroupRecord | UnknownGroupRecord {
  const type = coordinatorRecordType(key);
  switch (type) {
    case legacyOffsetCommitRecord.type:
      return {
        type: "offsetCommit",
        key: legacyOffsetCommitRecord.decodeKey(key),
        value: value && offsetCommitRecord.decodeValue(value).value,
      };
    case offsetCommitRecord.type:
      return {
        type: "offsetCommit",
        key: offsetCommitRecord.decodeKey(key),
        value: value && offsetCommitRecord.decodeValue(value).value,
      };
    case groupMetadataRecord.type:
      return {
        type: "groupMetadata",
        key: groupMetadataRecord.decodeKey(key),
        value: value && groupMetadataRecord.decodeValue(value).value,
      };
    case consumerGroupPartitionMetadataRecord.type:
      return { type: "unknown", reason: "partition metadata of consumer groups, which the metadata hash has replaced" };
    default:
      return (
        decodeConsumerGroupRecord(type, key, value) ?? {
          type: "unknown",
          reason: `records of type ${type} are not known`,
        }
      );
  }
}
