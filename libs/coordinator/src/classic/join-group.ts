import { ErrorCode, type JoinGroupRequest } from "@ottla/protocol";
import type { GroupClient, GroupRequest } from "../group-requests.ts";
import { newMemberId } from "../member-id.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import { joinAnswer, joinError } from "./answers.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { ClassicMember, type MemberDetails, type MemberProtocol } from "./classic-member.ts";
import { checkMember } from "./classic-validation.ts";
import { discardIfUnused } from "./delete-group.ts";
import { completeJoinIfPossible, dropMember, rebalance, removePendingMember } from "./rebalance.ts";
import { replaceConsumerGroup } from "./replace-consumer-group.ts";
import { keepSessionAlive, startSession } from "./sessions.ts";
import { replaceStaticMember } from "./static-member.ts";

type JoinGroup = Extract<GroupRequest, { type: "joinGroup" }>;

/** From this version on a dynamic member learns its id before it counts as one (KIP-394). */
const MEMBER_ID_REQUIRED_VERSION = 4;

/**
 * How long a member that joins for the first time waits for the others. It cannot send heartbeats, and a client that
 * gives up and joins anew would otherwise leave one member behind each time. Kafka's constant.
 */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60_000;

/** JoinGroup: the answer comes when the group has a new generation, or at once when there is nothing to wait for. */
export function joinGroup(context: CoordinatorContext, step: Step, join: JoinGroup): void {
  const { request, ticket } = join;
  const malformed = checkRequest(context, request);
  const group = malformed === ErrorCode.NONE ? groupToJoin(context, step, request) : malformed;
  if (typeof group === "number") {
    step.reply(ticket, joinError(request.memberId, group));
    return;
  }
  const refusal = checkGroup(group, request);
  if (refusal !== ErrorCode.NONE) step.reply(ticket, joinError(request.memberId, refusal));
  else if (!hasRoomFor(context, group, request.memberId)) turnAway(context, step, group, join);
  else if (request.memberId === "") joinNewMember(context, step, group, join);
  else joinExistingMember(context, step, group, join);
  discardIfUnused(context, group);
}

function checkRequest({ config }: CoordinatorContext, { groupId, sessionTimeoutMs }: JoinGroupRequest): number {
  if (groupId === "") return ErrorCode.INVALID_GROUP_ID;
  const isAllowed =
    sessionTimeoutMs >= config.groupMinSessionTimeoutMs && sessionTimeoutMs <= config.groupMaxSessionTimeoutMs;
  return isAllowed ? ErrorCode.NONE : ErrorCode.INVALID_SESSION_TIMEOUT;
}

/**
 * A member that says it has an id already cannot be of a group that is not there. A group of the consumer protocol gives
 * way while it is empty; that of a live one would be an online migration.
 * @returns the group, or the error code that stands against joining it
 */
function groupToJoin(context: CoordinatorContext, step: Step, request: JoinGroupRequest): ClassicGroup | number {
  const group = context.groups.get(request.groupId);
  const isNewMember = request.memberId === "";
  if (group?.type === "classic") return group;
  if (group !== undefined && !group.isEmpty) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  if (!isNewMember) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (group === undefined) return context.groups.create(request.groupId, step.wallMs);
  return replaceConsumerGroup(context, step, group);
}

function checkGroup(group: ClassicGroup, request: JoinGroupRequest): number {
  if (group.state === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const isSupported = group.supportsProtocols(request.protocolType, request.protocols);
  return isSupported ? ErrorCode.NONE : ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
}

/**
 * Members of the group may stay in it, up to `group.max.size` (which may have been lowered): while they join again,
 * those that come last are the ones too many.
 */
function hasRoomFor({ config }: CoordinatorContext, group: ClassicGroup, memberId: string): boolean {
  if (group.state === "Empty") return true;
  const member = group.members.get(memberId);
  if (group.state === "PreparingRebalance") {
    return member?.hasJoined === true || group.joinedMemberCount < config.groupMaxSize;
  }
  return member !== undefined || group.members.size < config.groupMaxSize;
}

function turnAway(context: CoordinatorContext, step: Step, group: ClassicGroup, { request, ticket }: JoinGroup): void {
  step.reply(ticket, joinError("", ErrorCode.GROUP_MAX_SIZE_REACHED));
  const member = group.members.get(request.memberId);
  if (member === undefined) {
    removePendingMember(context, step, group, request.memberId);
  } else {
    dropMember(context, step, group, member);
    completeJoinIfPossible(context, step, group);
  }
}

function joinNewMember(context: CoordinatorContext, step: Step, group: ClassicGroup, join: JoinGroup): void {
  const { request, client, ticket } = join;
  const { groupInstanceId } = request;
  const memberId = newMemberId(groupInstanceId ?? client.clientId, context.random);
  if (groupInstanceId !== null) {
    const holder = group.members.get(group.staticMemberId(groupInstanceId) ?? "");
    if (holder === undefined) addMember(context, step, group, memberId, join);
    else replaceStaticMember(context, step, group, holder, memberId, detailsOf(request, client), join);
  } else if (client.apiVersion >= MEMBER_ID_REQUIRED_VERSION) {
    group.pendingMembers.add(memberId);
    startSession(context, step, group, memberId, request.sessionTimeoutMs);
    step.reply(ticket, joinError(memberId, ErrorCode.MEMBER_ID_REQUIRED));
  } else {
    addMember(context, step, group, memberId, join);
  }
}

function addMember(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  memberId: string,
  join: JoinGroup,
): void {
  const { request, client, ticket } = join;
  const member = new ClassicMember(memberId, request.groupInstanceId, detailsOf(request, client));
  member.isNew = true;
  member.isIdKnown = request.memberId !== "" || request.groupInstanceId !== null;
  if (group.initialRebalance !== null) group.hasNewMembers = true;
  group.addMember(member, request.protocolType);
  group.putJoin(member, ticket);
  startSession(context, step, group, memberId, NEW_MEMBER_JOIN_TIMEOUT_MS);
  rebalance(context, step, group, `a member joined: ${memberId}${reasonOf(request)}`);
}

function joinExistingMember(context: CoordinatorContext, step: Step, group: ClassicGroup, join: JoinGroup): void {
  const { request, ticket } = join;
  if (group.pendingMembers.has(request.memberId) && request.groupInstanceId === null) {
    addMember(context, step, group, request.memberId, join);
    return;
  }
  const refusal = checkMember(group, request);
  const member = group.members.get(request.memberId);
  if (member === undefined || refusal !== ErrorCode.NONE) {
    step.reply(ticket, joinError(request.memberId, refusal));
  } else if (mustRebalanceFor(group, member, distinctProtocols(request))) {
    rejoin(context, step, group, member, join);
  } else {
    // It may have missed the answer to its last JoinGroup: it gets the present generation, and can go on to SyncGroup.
    member.isNew = false;
    keepSessionAlive(context, step, group, member.memberId);
    step.reply(ticket, joinAnswer(group, member));
  }
}

/**
 * While the group prepares a rebalance every join is part of it. Later one only counts when it says something new,
 * or comes from the leader of a stable group, which asks for a new assignment that way.
 */
function mustRebalanceFor(group: ClassicGroup, member: ClassicMember, protocols: readonly MemberProtocol[]): boolean {
  if (group.state === "PreparingRebalance" || !member.hasSameProtocols(protocols)) return true;
  return group.state === "Stable" && group.isLeader(member.memberId);
}

function rejoin(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  member: ClassicMember,
  { request, client, ticket }: JoinGroup,
): void {
  group.updateMember(member, detailsOf(request, client));
  const earlier = group.putJoin(member, ticket);
  if (earlier !== null) step.reply(earlier, joinError(member.memberId, ErrorCode.REBALANCE_IN_PROGRESS));
  rebalance(context, step, group, `a member joined again: ${member.memberId}${reasonOf(request)}`);
}

function detailsOf(request: JoinGroupRequest, client: GroupClient): MemberDetails {
  const { sessionTimeoutMs, rebalanceTimeoutMs } = request;
  return {
    clientId: client.clientId,
    clientHost: client.clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    sessionTimeoutMs,
    protocols: distinctProtocols(request).map(({ name, metadata }) => ({ name, metadata: metadata.slice() })),
  };
}

/** A name that is given twice would count twice when the members vote. */
function distinctProtocols({ protocols }: JoinGroupRequest): readonly MemberProtocol[] {
  const names = new Set<string>();
  return protocols.filter(({ name }) => names.size < names.add(name).size);
}

function reasonOf({ reason }: JoinGroupRequest): string {
  return reason === null || reason === "" ? "" : ` (${reason})`;
}
