import { ErrorCode } from "@ottla/protocol";
import type { DescribedConsumerGroup, GroupRequest } from "../group-requests.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { assignorName } from "./target-assignment.ts";

type DescribeConsumerGroups = Extract<GroupRequest, { type: "describeConsumerGroups" }>;
type DescribedMember = DescribedConsumerGroup["members"][number];
type DescribedAssignment = DescribedMember["assignment"];

/** Kafka's number for a member that speaks the consumer protocol. */
const MEMBER_TYPE_CONSUMER = 1;

/** ConsumerGroupDescribe: state and members of groups of the consumer protocol. */
export function describeConsumerGroups(
  context: CoordinatorContext,
  step: Step,
  { groupIds, ticket }: DescribeConsumerGroups,
): void {
  const described = groupIds.map((groupId) => describe(context, groupId));
  step.tellWhenCommitted(ticket, described, (errorCode) =>
    groupIds.map((groupId) => describeConsumerGroupError(groupId, errorCode)),
  );
}

/** The answer that gives a group an error. */
export function describeConsumerGroupError(
  groupId: string,
  errorCode: number,
  errorMessage: string | null = null,
): DescribedConsumerGroup {
  const unknown = { groupState: "", groupEpoch: 0, assignmentEpoch: 0, assignorName: "", members: [] };
  return { ...unknown, groupId, errorCode, errorMessage };
}

function describe(context: CoordinatorContext, groupId: string): DescribedConsumerGroup {
  const group = context.groups.get(groupId);
  if (group?.type !== "consumer") {
    const problem = group === undefined ? "not found" : "is not a consumer group";
    return describeConsumerGroupError(groupId, ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} ${problem}.`);
  }
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.targetEpoch,
    assignorName: assignorName(context, group),
    members: [...group.members.values()].map((member) => describeMember(context, group, member)),
  };
}

function describeMember(context: CoordinatorContext, group: ConsumerGroup, member: ConsumerMember): DescribedMember {
  const { memberId, instanceId, rackId, epoch, clientId, clientHost } = member;
  const { subscribedTopicNames, subscribedTopicRegex, assigned } = member;
  return {
    memberId,
    instanceId,
    rackId,
    memberEpoch: epoch,
    clientId,
    clientHost,
    subscribedTopicNames,
    subscribedTopicRegex,
    assignment: describeAssignment(context, assigned),
    targetAssignment: describeAssignment(context, group.targetOf(memberId)),
    memberType: MEMBER_TYPE_CONSUMER,
  };
}

type AnyAssignment = ReadonlyMap<string, readonly number[] | ReadonlyMap<number, number>>;

/** Topics that are gone have no name to be told by. */
function describeAssignment({ topics }: CoordinatorContext, assignment: AnyAssignment): DescribedAssignment {
  return {
    topicPartitions: [...assignment].flatMap(([topicId, partitions]) => {
      const topic = topics.byId(topicId);
      if (topic === undefined) return [];
      const numbers = partitions instanceof Map ? [...partitions.keys()] : [...(partitions as readonly number[])];
      return [{ topicId, topicName: topic.name, partitions: numbers }];
    }),
  };
}
