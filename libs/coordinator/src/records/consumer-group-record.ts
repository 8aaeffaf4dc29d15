import {
  type ConsumerGroupCurrentMemberAssignmentKey,
  type ConsumerGroupCurrentMemberAssignmentValue,
  type ConsumerGroupMemberMetadataKey,
  type ConsumerGroupMemberMetadataValue,
  type ConsumerGroupMetadataKey,
  type ConsumerGroupMetadataValue,
  type ConsumerGroupRegularExpressionKey,
  type ConsumerGroupRegularExpressionValue,
  type ConsumerGroupTargetAssignmentMemberKey,
  type ConsumerGroupTargetAssignmentMemberValue,
  type ConsumerGroupTargetAssignmentMetadataKey,
  type ConsumerGroupTargetAssignmentMetadataValue,
  consumerGroupCurrentMemberAssignmentRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupRegularExpressionRecord,
  consumerGroupTargetAssignmentMemberRecord,
  consumerGroupTargetAssignmentMetadataRecord,
} from "@ottla/protocol/internal";
import type { EncodedRecord } from "../shard/coordinator-shard.ts";

interface Kind<Type extends string, Key, Value> {
  readonly type: Type;
  readonly key: Key;
  readonly value: Value | null;
}

/** A record of a group of the consumer protocol. Without a value it is a tombstone. */
export type ConsumerGroupRecord =
  | Kind<"consumerGroup", ConsumerGroupMetadataKey, ConsumerGroupMetadataValue>
  | Kind<"consumerMember", ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue>
  | Kind<"consumerTargetEpoch", ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue>
  | Kind<"consumerTarget", ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue>
  | Kind<"consumerProgress", ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue>
  | Kind<"consumerRegex", ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue>;

const kinds = {
  consumerGroup: consumerGroupMetadataRecord,
  consumerMember: consumerGroupMemberMetadataRecord,
  consumerTargetEpoch: consumerGroupTargetAssignmentMetadataRecord,
  consumerTarget: consumerGroupTargetAssignmentMemberRecord,
  consumerProgress: consumerGroupCurrentMemberAssignmentRecord,
  consumerRegex: consumerGroupRegularExpressionRecord,
} as const;

/** All of these have one version so far. */
const VALUE_VERSION = 0;

/** The codec of a kind, its types put aside: `type` says which they are. */
interface AnyCodec {
  readonly type: number;
  encodeKey(key: unknown): Uint8Array;
  encodeValue(value: unknown, version: number): Uint8Array;
  decodeKey(bytes: Uint8Array): unknown;
  decodeValue(bytes: Uint8Array): { readonly value: unknown };
}

const codecs = new Map<ConsumerGroupRecord["type"], AnyCodec>(
  Object.entries(kinds).map(([type, codec]) => [type as ConsumerGroupRecord["type"], codec as unknown as AnyCodec]),
);

export function encodeConsumerGroupRecord({ type, key, value }: ConsumerGroupRecord): EncodedRecord {
  const codec = codecs.get(type)!;
  return { key: codec.encodeKey(key), value: value && codec.encodeValue(value, VALUE_VERSION) };
}

/** The record, or undefined where its type is none of these. */
export function decodeConsumerGroupRecord(
  typeNumber: number,
  key: Uint8Array,
  value: Uint8Array | null,
): ConsumerGroupRecord | undefined {
  for (const [type, codec] of codecs) {
    if (codec.type !== typeNumber) continue;
    return {
      type,
      key: codec.decodeKey(key),
      value: value && codec.decodeValue(value).value,
    } as ConsumerGroupRecord;
  }
  return undefined;
}
