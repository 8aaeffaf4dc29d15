import type { CallOptions } from "@ottla/client";
import { type ClusterClient, toKafkaError } from "@ottla/client/internal";
import {
  consumerProtocolAssignment,
  decodeConsumerProtocol,
  deleteGroupsApi,
  describeGroupsApi,
  ErrorCode,
  listGroupsApi,
} from "@ottla/protocol";
import { checkResources, codeToRetry } from "./partial-failure.ts";
import type { TopicPartition } from "./topic-partitions.ts";

/** A group as `listGroups` gives it. */
export interface GroupListing {
  readonly groupId: string;
  /** `"consumer"` for consumers; empty for a group that only ever committed offsets. */
  readonly protocolType: string;
  /** Kafka's name of the state, such as `"Stable"`; empty from brokers before Kafka 2.6. */
  readonly state: string;
  /** `"classic"` or `"consumer"`; empty from brokers before Kafka 3.8. */
  readonly type: string;
}

export interface ListGroupsOptions extends CallOptions {
  /** Only groups in one of these states. */
  readonly states?: readonly string[];
  /** Only groups of one of these types. */
  readonly types?: readonly string[];
}

/** A group as `describeGroups` gives it. */
export interface GroupDescription {
  readonly groupId: string;
  /** `"Empty"`, `"PreparingRebalance"`, `"CompletingRebalance"` or `"Stable"`. */
  readonly state: string;
  readonly protocolType: string;
  /** The assignor that the group has agreed on; empty without members. */
  readonly assignor: string;
  readonly members: readonly GroupMemberDescription[];
}

export interface GroupMemberDescription {
  readonly memberId: string;
  /** For static members (KIP-345), else null. */
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Empty while the group rebalances, and for members that are not consumers. */
  readonly assignment: readonly TopicPartition[];
}

/** Errors after which the group's coordinator is looked up, and asked again. */
export const HEALED_BY_COORDINATOR = [
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
];

type DescribedMember = {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly memberAssignment: Uint8Array;
};

/** Asks every broker: each knows the groups that it coordinates. */
export async function listGroups(
  client: ClusterClient,
  { states = [], types = [], ...call }: ListGroupsOptions,
): Promise<GroupListing[]> {
  const { brokers } = await client.metadata.refresh(client.deadline("listGroups", call));
  const request = { statesFilter: states, typesFilter: types };
  const answers = [...brokers.keys()].map((broker) => client.ask({ broker }, listGroupsApi, request, call));
  return (await Promise.all(answers))
    .flatMap(({ groups }) => groups)
    .map(({ groupId, protocolType, groupState, groupType }) => ({
      groupId,
      protocolType,
      state: groupState,
      type: groupType,
    }))
    .sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
}

export async function describeGroups(
  client: ClusterClient,
  groupIds: readonly string[],
  options: CallOptions,
): Promise<GroupDescription[]> {
  const described = await Promise.all(groupIds.map((groupId) => describeGroup(client, groupId, options)));
  checkResources(
    "describeGroups",
    described.map(({ groupId, groupState, errorCode, errorMessage }) => {
      return { resource: groupId, errorCode: errorCode || missingGroupCode(groupState), errorMessage };
    }),
  );
  return described.map(({ groupId, groupState, protocolType, protocolData, members }) => ({
    groupId,
    state: groupState,
    protocolType,
    assignor: protocolData,
    members: members.map((member) => toMember(member, protocolType)),
  }));
}

/** Brokers before Kafka 4.0 call a group that does not exist dead. */
function missingGroupCode(groupState: string): number {
  return groupState === "Dead" ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE;
}

async function describeGroup(client: ClusterClient, groupId: string, options: CallOptions) {
  const request = { groups: [groupId], includeAuthorizedOperations: false };
  const { groups } = await client.ask({ group: groupId }, describeGroupsApi, request, {
    ...options,
    errorOf: (response) => codeToRetry(response.groups, HEALED_BY_COORDINATOR),
  });
  const [group] = groups;
  if (group === undefined) throw toKafkaError(new Error(`the broker said nothing of group ${groupId}`));
  return group;
}

function toMember(member: DescribedMember, protocolType: string): GroupMemberDescription {
  const { memberId, groupInstanceId, clientId, clientHost, memberAssignment } = member;
  const isConsumer = protocolType === "consumer" && memberAssignment.length > 0;
  const assignment = isConsumer
    ? decodeConsumerProtocol(consumerProtocolAssignment, memberAssignment).assignedPartitions
    : [];
  return {
    memberId,
    groupInstanceId,
    clientId,
    clientHost,
    assignment: assignment.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))),
  };
}

export async function deleteGroups(
  client: ClusterClient,
  groupIds: readonly string[],
  options: CallOptions,
): Promise<void> {
  const results = await Promise.all(
    groupIds.map(async (groupId) => {
      const response = await client.ask(
        { group: groupId },
        deleteGroupsApi,
        { groupsNames: [groupId] },
        {
          ...options,
          errorOf: (response) => codeToRetry(response.results, HEALED_BY_COORDINATOR),
        },
      );
      return response.results.map((result) => ({ ...result, resource: result.groupId }));
    }),
  );
  checkResources("deleteGroups", results.flat());
}
