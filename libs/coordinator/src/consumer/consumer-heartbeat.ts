import { type ConsumerGroupHeartbeatRequest, ErrorCode } from "@ottla/protocol";
import { appendGroupTombstone } from "../classic/group-metadata-record.ts";
import type { ConsumerHeartbeatAnswer, GroupClient, GroupRequest } from "../group-requests.ts";
import { newMemberId } from "../member-id.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import {
  type ConsumerMember,
  JOIN_EPOCH,
  type MemberMetadata,
  subscriptionKey,
  vacantMember,
} from "./consumer-member.ts";
import { appendMember, appendMemberTombstones, appendProgress, appendTarget } from "./consumer-records.ts";
import { endDeadlines, startSession, watchRevocation } from "./deadlines.ts";
import { dropRegexIfUnused } from "./fence.ts";
import { bumpEpoch, followTopics, resolveRegex } from "./group-epoch.ts";
import { checkHeartbeat } from "./heartbeat-validation.ts";
import { leave } from "./leave.ts";
import { checkMemberEpoch, checkReleased, staticMember, unknownMember } from "./member-checks.ts";
import { type ReportedPartitions, reconcile, sameOwned } from "./reconcile.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { updateTarget } from "./target-assignment.ts";

type Heartbeat = Extract<GroupRequest, { type: "consumerHeartbeat" }>;

/** ConsumerGroupHeartbeat (KIP-848): how a member joins, stays, follows its assignment and leaves. */
export function consumerHeartbeat(context: CoordinatorContext, step: Step, heartbeat: Heartbeat): void {
  const { request, client, ticket } = heartbeat;
  const answer =
    checkHeartbeat(context.config, request, client.apiVersion) ?? answerHeartbeat(context, step, heartbeat);
  if ("errorMessage" in answer) {
    step.reply(ticket, consumerHeartbeatError(answer.errorCode, answer.errorMessage));
    return;
  }
  step.replyWhenCommitted(ticket, answer, (errorCode) => consumerHeartbeatError(errorCode));
}

/** A heartbeat refused. */
export function consumerHeartbeatError(errorCode: number, errorMessage: string | null = null): ConsumerHeartbeatAnswer {
  return { throttleTimeMs: 0, errorCode, errorMessage, memberEpoch: 0, heartbeatIntervalMs: 0 };
}

function answerHeartbeat(
  context: CoordinatorContext,
  step: Step,
  { request, client }: Heartbeat,
): ConsumerHeartbeatAnswer | Refusal {
  if (request.memberEpoch < JOIN_EPOCH) return leave(context, step, request);
  const isJoin = request.memberEpoch === JOIN_EPOCH;
  const memberId = request.memberId === "" ? newMemberId("", context.random) : request.memberId;
  const present = context.groups.get(request.groupId);
  const refused = checkGroup(context, request.groupId, isJoin);
  if (refused !== null) return refused;
  if (isJoin && present?.type !== "consumer") {
    if (present?.isInLog === true) appendGroupTombstone(step, request.groupId);
    return joinNewGroup(context, step, request, client, memberId);
  }
  const group = context.groups.consumer(request.groupId)!;
  if (group.members.size >= context.config.groupConsumerMaxSize && !group.members.has(memberId)) {
    return refusal(
      ErrorCode.GROUP_MAX_SIZE_REACHED,
      `The consumer group has reached its maximum capacity of ${context.config.groupConsumerMaxSize} members.`,
    );
  }
  const reported = reportedPartitions(request);
  const before = admit(context, step, group, request, memberId, reported);
  if ("refused" in before) return before.refused;
  return attend(context, step, group, request, client, before, reported);
}

/** A group of the other protocol gives way while it is empty; that of a live one would be an online migration. */
function checkGroup({ groups }: CoordinatorContext, groupId: string, isJoin: boolean): Refusal | null {
  const group = groups.get(groupId);
  if (group === undefined) {
    return isJoin ? null : refusal(ErrorCode.GROUP_ID_NOT_FOUND, `Consumer group ${groupId} not found.`);
  }
  if (group.state === "Dead") return refusal(ErrorCode.COORDINATOR_NOT_AVAILABLE, `Group ${groupId} is being deleted.`);
  if (group.type === "consumer") return null;
  if (isJoin && group.isEmpty && group.pendingMembers.size === 0) return null;
  return refusal(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`);
}

function joinNewGroup(
  context: CoordinatorContext,
  step: Step,
  request: ConsumerGroupHeartbeatRequest,
  client: GroupClient,
  memberId: string,
): ConsumerHeartbeatAnswer {
  const newcomer = newMember(memberId, request, client);
  appendMember(step, request.groupId, memberId, newcomer);
  const group = context.groups.consumer(request.groupId)!;
  return attend(context, step, group, request, client, { member: group.members.get(memberId)!, isChanged: true }, null);
}

/** A member that may go on, and whether the group is no longer what it was before it came. */
interface Admitted {
  readonly member: ConsumerMember;
  readonly isChanged: boolean;
}

function admit(
  context: CoordinatorContext,
  step: Step,
  group: ConsumerGroup,
  request: ConsumerGroupHeartbeatRequest,
  memberId: string,
  reported: ReportedPartitions,
): Admitted | { readonly refused: Refusal } {
  const { instanceId, memberEpoch } = request;
  if (memberEpoch !== JOIN_EPOCH) {
    const member = instanceId === null ? group.members.get(memberId) : staticMember(group, instanceId, memberId);
    if (member === undefined) return { refused: unknownMember(group, memberId) };
    if ("refused" in member) return member;
    return admitKnown(member, memberEpoch, reported);
  }
  const known = group.members.get(memberId);
  const holder = instanceId === null ? undefined : group.staticMember(instanceId);
  if (holder !== undefined && instanceId !== null) {
    const refused = checkReleased(holder, memberId, instanceId);
    if (refused !== null) return { refused };
    return { member: replaceStatic(context, step, group, holder, memberId), isChanged: false };
  }
  return known === undefined
    ? { member: vacantMember(memberId), isChanged: true }
    : admitKnown(known, memberEpoch, reported);
}

function admitKnown(
  member: ConsumerMember,
  epoch: number,
  reported: ReportedPartitions,
): Admitted | { readonly refused: Refusal } {
  const refused = checkMemberEpoch(member, epoch, reported);
  return refused === null ? { member, isChanged: false } : { refused };
}

/** A static member that has left for a while is back, or another has come in its place: it gets all that was its. */
function replaceStatic(
  context: CoordinatorContext,
  step: Step,
  group: ConsumerGroup,
  holder: ConsumerMember,
  memberId: string,
): ConsumerMember {
  const { groupId } = group;
  const target = group.targetOf(holder.memberId);
  if (holder.memberId !== memberId) {
    appendMemberTombstones(step, groupId, holder.memberId);
    endDeadlines(context, group, holder.memberId);
    appendMember(step, groupId, memberId, holder);
    appendTarget(step, groupId, memberId, target);
  }
  appendProgress(step, groupId, memberId, { ...holder, epoch: JOIN_EPOCH, previousEpoch: JOIN_EPOCH });
  return group.members.get(memberId)!;
}

/** Takes in what the member says, brings the group up to date, and the member a step closer to its target. */
function attend(
  context: CoordinatorContext,
  step: Step,
  group: ConsumerGroup,
  request: ConsumerGroupHeartbeatRequest,
  client: GroupClient,
  { member: before, isChanged }: Admitted,
  reported: ReportedPartitions,
): ConsumerHeartbeatAnswer {
  const { memberId } = before;
  const metadata = updatedMetadata(before, request, client);
  const isResubscribed = isChanged || subscriptionKey(metadata) !== subscriptionKey(before);
  if (isChanged || metadata !== before) appendMember(step, group.groupId, memberId, metadata);
  if (isResubscribed) {
    const { subscribedTopicRegex: regex } = metadata;
    if (regex !== "" && !group.resolvedRegexes.has(regex)) resolveRegex(context, step, group, regex);
    if (regex !== before.subscribedTopicRegex) dropRegexIfUnused(step, group, before.subscribedTopicRegex);
    bumpEpoch(context, step, group);
  }
  followTopics(context, step, group);
  updateTarget(context, step, group);
  bringForward(context, step, group, memberId, reported);
  startSession(context, step, group, memberId);
  const after = group.members.get(memberId)!;
  const tellsAssignment = isFullRequest(request) || !sameOwned(after.assigned, before.assigned);
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    memberId,
    memberEpoch: after.epoch,
    heartbeatIntervalMs: context.config.groupConsumerHeartbeatIntervalMs(group.groupId),
    assignment: tellsAssignment ? assignmentOf(after) : null,
  };
}

function bringForward(
  context: CoordinatorContext,
  step: Step,
  group: ConsumerGroup,
  memberId: string,
  reported: ReportedPartitions,
): void {
  const member = group.members.get(memberId)!;
  const target = {
    epoch: group.targetEpoch,
    partitions: group.targetOf(memberId),
    ownerOf: (topicId: string, partition: number) => group.ownerOf(topicId, partition),
  };
  const progress = reconcile(member, target, reported);
  if (progress === member) return;
  appendProgress(step, group.groupId, memberId, progress);
  watchRevocation(context, step, group, group.members.get(memberId)!);
}

function reportedPartitions({ topicPartitions }: ConsumerGroupHeartbeatRequest): ReportedPartitions {
  return topicPartitions && new Map(topicPartitions.map(({ topicId, partitions }) => [topicId, new Set(partitions)]));
}

/** A member that tells everything wants to be told everything: it joins, or is not sure of what it knows. */
function isFullRequest(request: ConsumerGroupHeartbeatRequest): boolean {
  const { memberEpoch, rebalanceTimeoutMs, topicPartitions, subscribedTopicNames, subscribedTopicRegex } = request;
  if (memberEpoch === JOIN_EPOCH) return true;
  const tellsSubscription = subscribedTopicNames !== null || subscribedTopicRegex !== null;
  return rebalanceTimeoutMs !== -1 && tellsSubscription && topicPartitions !== null;
}

function assignmentOf({ assigned }: ConsumerMember): NonNullable<ConsumerHeartbeatAnswer["assignment"]> {
  return {
    topicPartitions: [...assigned].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions.keys()] })),
  };
}

function newMember(memberId: string, request: ConsumerGroupHeartbeatRequest, client: GroupClient): MemberMetadata {
  return updatedMetadata(vacantMember(memberId), request, client);
}

/** What is null in the request stays as it was. @returns `before` itself where nothing is new */
function updatedMetadata(
  before: ConsumerMember,
  request: ConsumerGroupHeartbeatRequest,
  { clientId, clientHost }: GroupClient,
): MemberMetadata {
  const { instanceId, rackId, rebalanceTimeoutMs, serverAssignor } = request;
  const names = request.subscribedTopicNames && [...new Set(request.subscribedTopicNames)].sort();
  const isSameNames = names === null || names.join() === before.subscribedTopicNames.join();
  const after: MemberMetadata = {
    instanceId: instanceId ?? before.instanceId,
    rackId: rackId ?? before.rackId,
    clientId,
    clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : rebalanceTimeoutMs,
    subscribedTopicNames: isSameNames ? before.subscribedTopicNames : names,
    subscribedTopicRegex: request.subscribedTopicRegex ?? before.subscribedTopicRegex,
    serverAssignor: serverAssignor ?? before.serverAssignor,
  };
  const keys = Object.keys(after) as (keyof MemberMetadata)[];
  return keys.every((key) => after[key] === before[key]) ? before : after;
}
