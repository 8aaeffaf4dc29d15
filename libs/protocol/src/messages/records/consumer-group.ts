import { array, bigint64, bytes, int8, int32, int64, string, struct, uuid } from "../../schema/field.ts";
import { type Infer, message } from "../../schema/message.ts";
import { coordinatorRecord } from "./coordinator-record.ts";

/** A group of the consumer protocol. */
export const consumerGroupPartitionMetadataKey = message(
  { name: "ConsumerGroupPartitionMetadataKey", validVersions: "0" },
  { groupId: string() },
);

/** Partition counts of the subscribed topics; superseded by the metadata hash. */
export const consumerGroupPartitionMetadataValue = message(
  { name: "ConsumerGroupPartitionMetadataValue", validVersions: "0", flexibleVersions: "0+" },
  {
    topics: array({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array({ partition: int32(), racks: array(string()) }),
    }),
  },
);

/** Type 4 of `__consumer_offsets`. */
export const consumerGroupPartitionMetadataRecord = coordinatorRecord({
  type: 4,
  name: "ConsumerGroupPartitionMetadata",
  key: consumerGroupPartitionMetadataKey,
  value: consumerGroupPartitionMetadataValue,
});

/** A group of the consumer protocol (KIP-848). */
export const consumerGroupMetadataKey = message(
  { name: "ConsumerGroupMetadataKey", validVersions: "0" },
  { groupId: string() },
);

/** The epoch of the group. */
export const consumerGroupMetadataValue = message(
  { name: "ConsumerGroupMetadataValue", validVersions: "0", flexibleVersions: "0+" },
  { epoch: int32(), metadataHash: bigint64({ tag: 0, default: 0n }) },
);

/** Type 3 of `__consumer_offsets`. */
export const consumerGroupMetadataRecord = coordinatorRecord({
  type: 3,
  name: "ConsumerGroupMetadata",
  key: consumerGroupMetadataKey,
  value: consumerGroupMetadataValue,
});

/** A member of a group. */
export const consumerGroupMemberMetadataKey = message(
  { name: "ConsumerGroupMemberMetadataKey", validVersions: "0" },
  { groupId: string(), memberId: string() },
);

/** What the member subscribes to and how it is configured. */
export const consumerGroupMemberMetadataValue = message(
  { name: "ConsumerGroupMemberMetadataValue", validVersions: "0", flexibleVersions: "0+" },
  {
    instanceId: string({ nullable: "0+" }),
    rackId: string({ nullable: "0+" }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string({ nullable: "0+" }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    serverAssignor: string({ nullable: "0+" }),
    classicMemberMetadata: struct(
      { sessionTimeoutMs: int32(), supportedProtocols: array({ name: string(), metadata: bytes() }) },
      { nullable: "0+", tag: 0 },
    ),
  },
);

/** Type 5 of `__consumer_offsets`. */
export const consumerGroupMemberMetadataRecord = coordinatorRecord({
  type: 5,
  name: "ConsumerGroupMemberMetadata",
  key: consumerGroupMemberMetadataKey,
  value: consumerGroupMemberMetadataValue,
});

/** A group of the consumer protocol. */
export const consumerGroupTargetAssignmentMetadataKey = message(
  { name: "ConsumerGroupTargetAssignmentMetadataKey", validVersions: "0" },
  { groupId: string() },
);

/** The epoch of the target assignment. */
export const consumerGroupTargetAssignmentMetadataValue = message(
  { name: "ConsumerGroupTargetAssignmentMetadataValue", validVersions: "0", flexibleVersions: "0+" },
  { assignmentEpoch: int32(), assignmentTimestamp: int64({ tag: 0, default: 0 }) },
);

/** Type 6 of `__consumer_offsets`. */
export const consumerGroupTargetAssignmentMetadataRecord = coordinatorRecord({
  type: 6,
  name: "ConsumerGroupTargetAssignmentMetadata",
  key: consumerGroupTargetAssignmentMetadataKey,
  value: consumerGroupTargetAssignmentMetadataValue,
});

/** A member of a group. */
export const consumerGroupTargetAssignmentMemberKey = message(
  { name: "ConsumerGroupTargetAssignmentMemberKey", validVersions: "0" },
  { groupId: string(), memberId: string() },
);

/** The partitions that the member shall have. */
export const consumerGroupTargetAssignmentMemberValue = message(
  { name: "ConsumerGroupTargetAssignmentMemberValue", validVersions: "0", flexibleVersions: "0+" },
  { topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }) },
);

/** Type 7 of `__consumer_offsets`. */
export const consumerGroupTargetAssignmentMemberRecord = coordinatorRecord({
  type: 7,
  name: "ConsumerGroupTargetAssignmentMember",
  key: consumerGroupTargetAssignmentMemberKey,
  value: consumerGroupTargetAssignmentMemberValue,
});

/** A member of a group. */
export const consumerGroupCurrentMemberAssignmentKey = message(
  { name: "ConsumerGroupCurrentMemberAssignmentKey", validVersions: "0" },
  { groupId: string(), memberId: string() },
);

const topicPartitionsFields = {
  topicId: uuid(),
  partitions: array(int32()),
  assignmentEpochs: array(int32(), { nullable: "0+", tag: 0 }),
} as const;

/** The partitions that the member has or is giving up. */
export const consumerGroupCurrentMemberAssignmentValue = message(
  { name: "ConsumerGroupCurrentMemberAssignmentValue", validVersions: "0", flexibleVersions: "0+" },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(topicPartitionsFields),
    partitionsPendingRevocation: array(topicPartitionsFields),
  },
);

/** Type 8 of `__consumer_offsets`. */
export const consumerGroupCurrentMemberAssignmentRecord = coordinatorRecord({
  type: 8,
  name: "ConsumerGroupCurrentMemberAssignment",
  key: consumerGroupCurrentMemberAssignmentKey,
  value: consumerGroupCurrentMemberAssignmentValue,
});

/** A regular expression that members of a group subscribe to. */
export const consumerGroupRegularExpressionKey = message(
  { name: "ConsumerGroupRegularExpressionKey", validVersions: "0" },
  { groupId: string(), regularExpression: string() },
);

/** The topics that the expression matched. */
export const consumerGroupRegularExpressionValue = message(
  { name: "ConsumerGroupRegularExpressionValue", validVersions: "0", flexibleVersions: "0+" },
  { topics: array(string()), version: int64(), timestamp: int64() },
);

/** Type 16 of `__consumer_offsets`. */
export const consumerGroupRegularExpressionRecord = coordinatorRecord({
  type: 16,
  name: "ConsumerGroupRegularExpression",
  key: consumerGroupRegularExpressionKey,
  value: consumerGroupRegularExpressionValue,
});

export interface ConsumerGroupPartitionMetadataKey extends Infer<typeof consumerGroupPartitionMetadataKey> {}
export interface ConsumerGroupPartitionMetadataValue extends Infer<typeof consumerGroupPartitionMetadataValue> {}
export interface ConsumerGroupMetadataKey extends Infer<typeof consumerGroupMetadataKey> {}
export interface ConsumerGroupMetadataValue extends Infer<typeof consumerGroupMetadataValue> {}
export interface ConsumerGroupMemberMetadataKey extends Infer<typeof consumerGroupMemberMetadataKey> {}
export interface ConsumerGroupMemberMetadataValue extends Infer<typeof consumerGroupMemberMetadataValue> {}
export interface ConsumerGroupTargetAssignmentMetadataKey
  extends Infer<typeof consumerGroupTargetAssignmentMetadataKey> {}
export interface ConsumerGroupTargetAssignmentMetadataValue
  extends Infer<typeof consumerGroupTargetAssignmentMetadataValue> {}
export interface ConsumerGroupTargetAssignmentMemberKey extends Infer<typeof consumerGroupTargetAssignmentMemberKey> {}
export interface ConsumerGroupTargetAssignmentMemberValue
  extends Infer<typeof consumerGroupTargetAssignmentMemberValue> {}
export interface ConsumerGroupCurrentMemberAssignmentKey
  extends Infer<typeof consumerGroupCurrentMemberAssignmentKey> {}
export interface ConsumerGroupCurrentMemberAssignmentValue
  extends Infer<typeof consumerGroupCurrentMemberAssignmentValue> {}
export interface ConsumerGroupRegularExpressionKey extends Infer<typeof consumerGroupRegularExpressionKey> {}
export interface ConsumerGroupRegularExpressionValue extends Infer<typeof consumerGroupRegularExpressionValue> {}
