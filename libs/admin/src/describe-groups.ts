import type { ClusterClient } from "@ottla/client/internal";
import {
  type ConsumerGroupDescribeResponse,
  consumerGroupDescribeApi,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  type DescribeGroupsResponse,
  decodeConsumerProtocol,
  describeGroupsApi,
  ErrorCode,
  KafkaError,
} from "@ottla/protocol";
import { HEALED_BY_COORDINATOR } from "./groups.ts";
import { codeToRetry, resultsOf } from "./partial-failure.ts";
import { type BulkOptions, mapAll } from "./progress.ts";
import type { TopicPartition } from "./topic-partitions.ts";

/** A group as `describeGroups` gives it. */
export interface GroupDescription {
  /** The id of the group. */
  readonly groupId: string;
  /** `"consumer"` for groups of the protocol of KIP-848, whose brokers assign partitions; `"classic"` for the others. */
  readonly type: "classic" | "consumer";
  /**
   * Of a classic group `"Empty"`, `"PreparingRebalance"`, `"CompletingRebalance"` or `"Stable"`; of a consumer group
   * `"Empty"`, `"Assigning"`, `"Reconciling"` or `"Stable"`.
   */
  readonly state: string;
  /** `"consumer"` for consumers; empty for a group that only ever committed offsets. */
  readonly protocolType: string;
  /** The assignor that the group has agreed on; empty without members. */
  readonly assignor: string;
  /** Of a consumer group: grows with its members' subscriptions; -1 for a classic one. */
  readonly groupEpoch: number;
  /** Of a consumer group: the `groupEpoch` that the target assignment is for; -1 for a classic one. */
  readonly assignmentEpoch: number;
  /** Its members at this moment. */
  readonly members: readonly GroupMemberDescription[];
}

/** A member as `describeGroups` gives it. */
export interface GroupMemberDescription {
  /** The id that the member has in the group. */
  readonly memberId: string;
  /** For static members (KIP-345), else null. */
  readonly groupInstanceId: string | null;
  /** The member's `client.id`. */
  readonly clientId: string;
  /** The address that the member connects from, such as `/127.0.0.1`. */
  readonly clientHost: string;
  /** Null for members without, and where the broker does not tell. */
  readonly rackId: string | null;
  /** What it reads. Empty while a classic group rebalances, and for members that are not consumers. */
  readonly assignment: readonly TopicPartition[];
  /** Of a member of a consumer group: what it shall read; else null. */
  readonly targetAssignment: readonly TopicPartition[] | null;
  /** The topics that it has subscribed to by name. Empty for members that are not consumers. */
  readonly subscribedTopics: readonly string[];
  /** Of a member of a consumer group: the regular expression that it has subscribed by; else null. */
  readonly subscribedTopicRegex: string | null;
  /** Of a member of a consumer group: the epoch of the assignment that it has; -1 for a classic one. */
  readonly memberEpoch: number;
}

type ClassicGroup = DescribeGroupsResponse["groups"][number];
type ConsumerGroup = ConsumerGroupDescribeResponse["groups"][number];
type Answer =
  | { readonly type: "classic"; readonly group: ClassicGroup }
  | { readonly type: "consumer"; readonly group: ConsumerGroup };

export async function describeGroups(
  client: ClusterClient,
  groupIds: readonly string[],
  { onProgress, ...call }: BulkOptions,
): Promise<GroupDescription[]> {
  const answers = await mapAll(groupIds, onProgress, (groupId) => describeGroup(client, groupId, call));
  return resultsOf(
    "describeGroups",
    answers,
    ({ group }) => ({ resource: group.groupId, errorCode: codeOf(group), errorMessage: group.errorMessage }),
    (answer) => (answer.type === "classic" ? toClassic(answer.group) : toConsumer(answer.group)),
  );
}

/** Most groups are classic ones; what is none may be a consumer group, where the broker knows of those. */
async function describeGroup(client: ClusterClient, groupId: string, call: BulkOptions): Promise<Answer> {
  const group = await describeClassic(client, groupId, call);
  if (codeOf(group) !== ErrorCode.GROUP_ID_NOT_FOUND) return { type: "classic", group };
  try {
    const consumerGroup = await describeConsumer(client, groupId, call);
    const isKnown = consumerGroup.errorCode !== ErrorCode.GROUP_ID_NOT_FOUND;
    if (isKnown && consumerGroup.errorCode !== ErrorCode.UNSUPPORTED_VERSION) {
      return { type: "consumer", group: consumerGroup };
    }
  } catch (error) {
    if (!(error instanceof KafkaError) || error.code !== "UNSUPPORTED_VERSION") throw error;
  }
  return { type: "classic", group };
}

async function describeClassic(client: ClusterClient, groupId: string, call: BulkOptions): Promise<ClassicGroup> {
  const request = { groups: [groupId], includeAuthorizedOperations: false };
  const { groups } = await client.ask({ group: groupId }, describeGroupsApi, request, {
    ...call,
    errorOf: (response) => codeToRetry(response.groups, HEALED_BY_COORDINATOR),
  });
  return groups[0] ?? saidNothing(groupId);
}

async function describeConsumer(client: ClusterClient, groupId: string, call: BulkOptions): Promise<ConsumerGroup> {
  const request = { groupIds: [groupId], includeAuthorizedOperations: false };
  const { groups } = await client.ask({ group: groupId }, consumerGroupDescribeApi, request, {
    ...call,
    errorOf: (response) => codeToRetry(response.groups, HEALED_BY_COORDINATOR),
  });
  return groups[0] ?? saidNothing(groupId);
}

function saidNothing(groupId: string): never {
  throw KafkaError.fromCode(ErrorCode.UNKNOWN_SERVER_ERROR, `The broker said nothing of group "${groupId}"`);
}

/** Brokers before Kafka 4.0 call a group that does not exist dead. */
function codeOf({ errorCode, groupState }: { readonly errorCode: number; readonly groupState: string }): number {
  return errorCode === ErrorCode.NONE && groupState === "Dead" ? ErrorCode.GROUP_ID_NOT_FOUND : errorCode;
}

function toClassic({ groupId, groupState, protocolType, protocolData, members }: ClassicGroup): GroupDescription {
  return {
    ...{ groupId, type: "classic", state: groupState, protocolType, assignor: protocolData },
    ...{ groupEpoch: -1, assignmentEpoch: -1 },
    members: members.map((member) => toClassicMember(member, protocolType === "consumer")),
  };
}

function toClassicMember(member: ClassicGroup["members"][number], isConsumer: boolean): GroupMemberDescription {
  const { memberId, groupInstanceId, clientId, clientHost, memberAssignment, memberMetadata } = member;
  const assigned =
    isConsumer && memberAssignment.length > 0
      ? decodeConsumerProtocol(consumerProtocolAssignment, memberAssignment).assignedPartitions
      : [];
  const subscription =
    isConsumer && memberMetadata.length > 0
      ? decodeConsumerProtocol(consumerProtocolSubscription, memberMetadata)
      : undefined;
  return {
    ...{ memberId, groupInstanceId, clientId, clientHost, memberEpoch: -1 },
    rackId: subscription?.rackId ?? null,
    assignment: assigned.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))),
    targetAssignment: null,
    subscribedTopics: subscription?.topics ?? [],
    subscribedTopicRegex: null,
  };
}

function toConsumer(group: ConsumerGroup): GroupDescription {
  const { groupId, groupState, assignorName, groupEpoch, assignmentEpoch, members } = group;
  return {
    ...{ groupId, type: "consumer", state: groupState, protocolType: "consumer", assignor: assignorName },
    ...{ groupEpoch, assignmentEpoch },
    members: members.map((member) => ({
      ...{ memberId: member.memberId, groupInstanceId: member.instanceId, rackId: member.rackId },
      ...{ clientId: member.clientId, clientHost: member.clientHost, memberEpoch: member.memberEpoch },
      assignment: toPartitions(member.assignment),
      targetAssignment: toPartitions(member.targetAssignment),
      subscribedTopics: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex === "" ? null : member.subscribedTopicRegex,
    })),
  };
}

function toPartitions({ topicPartitions }: ConsumerGroup["members"][number]["assignment"]): TopicPartition[] {
  return topicPartitions.flatMap(({ topicName, partitions }) =>
    partitions.map((partition) => ({ topic: topicName, partition })),
  );
}
