import { ErrorCode } from "@ottla/protocol";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import { joinAnswer, joinError, syncAnswer, syncError } from "./answers.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { type ClassicMember, NO_BYTES } from "./classic-member.ts";
import { type Assignments, appendGroupMetadata } from "./group-metadata-record.ts";
import { endSession, startSession } from "./sessions.ts";

const NO_ASSIGNMENTS: Assignments = new Map();

/** What members have for asking for their assignment however short their rebalance timeout: clients that leave that out send 0. */
const SYNC_TIME_MIN_MS = 1_000;

/** The members or what they say have changed: a rebalance begins, or the one under way may be able to go on. */
export function rebalance(context: CoordinatorContext, step: Step, group: ClassicGroup, reason: string): void {
  if (group.canRebalance) prepareRebalance(context, step, group, reason);
  else completeJoinIfPossible(context, step, group);
}

/** Has every member join again. */
export function prepareRebalance(context: CoordinatorContext, step: Step, group: ClassicGroup, reason: string): void {
  context.logger.info("group rebalances", { groupId: group.groupId, generationId: group.generationId, reason });
  if (group.state === "CompletingRebalance") refuseSyncs(context, step, group, ErrorCode.REBALANCE_IN_PROGRESS);
  group.pendingSyncs.clear();
  context.deadlines.cancel(group.syncDeadline);
  const isInitial = group.state === "Empty";
  group.transitionTo("PreparingRebalance", step.wallMs);
  if (isInitial) startInitialRebalance(context, step, group);
  else if (group.haveAllMembersJoined) completeJoin(context, step, group);
  else context.deadlines.schedule(group.joinDeadline, step.monotonicMs + group.rebalanceTimeoutMs);
}

/** More members are likely to come: give them time. */
function startInitialRebalance(context: CoordinatorContext, step: Step, group: ClassicGroup): void {
  const delayMs = context.config.groupInitialRebalanceDelayMs;
  group.initialRebalance = { delayMs, remainingMs: Math.max(group.rebalanceTimeoutMs - delayMs, 0) };
  group.hasNewMembers = false;
  context.deadlines.schedule(group.joinDeadline, step.monotonicMs + delayMs);
}

/** The time for members to join is over, or an initial rebalance's delay is. */
export function onJoinDeadline(context: CoordinatorContext, step: Step, group: ClassicGroup): void {
  if (group.state !== "PreparingRebalance") return;
  const initial = group.initialRebalance;
  if (initial === null || !group.hasNewMembers || initial.remainingMs === 0) {
    completeJoin(context, step, group);
    return;
  }
  const delayMs = Math.min(context.config.groupInitialRebalanceDelayMs, initial.remainingMs);
  group.hasNewMembers = false;
  group.initialRebalance = { delayMs, remainingMs: Math.max(initial.remainingMs - initial.delayMs, 0) };
  context.deadlines.schedule(group.joinDeadline, step.monotonicMs + delayMs);
}

/** Goes on to the next generation as soon as every member has joined; an initial rebalance waits out its delay. */
export function completeJoinIfPossible(context: CoordinatorContext, step: Step, group: ClassicGroup): void {
  if (group.state !== "PreparingRebalance" || !group.haveAllMembersJoined) return;
  if (group.initialRebalance === null) completeJoin(context, step, group);
}

/** Opens the next generation with the members that have joined and the static ones, who may be away for a while. */
function completeJoin(context: CoordinatorContext, step: Step, group: ClassicGroup): void {
  context.deadlines.cancel(group.joinDeadline);
  for (const member of [...group.members.values()]) {
    if (!member.hasJoined && member.groupInstanceId === null) dropMember(context, step, group, member);
  }
  if (group.members.size > 0 && !group.electJoinedLeader()) {
    // Only static members are left and none has joined: wait on, until one does or its session ends.
    context.deadlines.schedule(group.joinDeadline, step.monotonicMs + group.rebalanceTimeoutMs);
    return;
  }
  group.initialRebalance = null;
  group.startNextGeneration(step.wallMs);
  if (group.isEmpty) becomeEmpty(context, step, group);
  else announceGeneration(context, step, group);
}

/**
 * Should the record be lost, the log still has the generation before. Loaded from it, its members would be missed
 * and removed once more, so nothing needs to be taken back.
 */
function becomeEmpty(context: CoordinatorContext, step: Step, group: ClassicGroup): void {
  const { groupId, generationId } = group;
  context.logger.info("group is empty", { groupId, generationId });
  appendGroupMetadata(step, group, NO_ASSIGNMENTS);
  step.whenCommitted({
    committed: () => {},
    failed: (_, errorCode) =>
      context.logger.warn("an empty group was not stored", { groupId, generationId, errorCode }),
  });
}

function announceGeneration(context: CoordinatorContext, step: Step, group: ClassicGroup): void {
  const { groupId, generationId, members } = group;
  context.logger.info("group has a new generation", { groupId, generationId, members: members.size });
  for (const member of members.values()) {
    group.pendingSyncs.add(member.memberId);
    const ticket = group.takeJoin(member);
    if (ticket === null) continue;
    step.reply(ticket, joinAnswer(group, member));
    member.isNew = false;
    member.isIdKnown = true;
    startSession(context, step, group, member.memberId, member.details.sessionTimeoutMs);
  }
  const timeMs = Math.max(group.rebalanceTimeoutMs, SYNC_TIME_MIN_MS);
  context.deadlines.schedule(group.syncDeadline, step.monotonicMs + timeMs);
}

/** Members that have not asked for their assignment in time are out. */
export function onSyncDeadline(context: CoordinatorContext, step: Step, group: ClassicGroup): void {
  if (group.state !== "CompletingRebalance" && group.state !== "Stable") return;
  if (group.pendingSyncs.size === 0) return;
  for (const memberId of [...group.pendingSyncs]) {
    const member = group.members.get(memberId);
    if (member !== undefined) dropMember(context, step, group, member);
  }
  prepareRebalance(context, step, group, "members did not ask for their assignment in time");
}

/** The leader's assignment is in the log: every member may have its part. */
export function becomeStable(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  assigned: Assignments,
): void {
  group.transitionTo("Stable", step.wallMs);
  for (const member of group.members.values()) {
    member.assignment = assigned.get(member.memberId) ?? NO_BYTES;
    answerSync(context, step, group, member, ErrorCode.NONE);
  }
}

/** Nobody gets an assignment of this generation. */
export function refuseSyncs(context: CoordinatorContext, step: Step, group: ClassicGroup, errorCode: number): void {
  for (const member of group.members.values()) {
    member.assignment = NO_BYTES;
    answerSync(context, step, group, member, errorCode);
  }
}

/** Who waited was excused from heartbeats; from here on they are due again. */
function answerSync(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  member: ClassicMember,
  errorCode: number,
): void {
  const ticket = member.syncTicket;
  if (ticket === null) return;
  member.syncTicket = null;
  step.reply(ticket, errorCode === ErrorCode.NONE ? syncAnswer(group, member) : syncError(errorCode));
  startSession(context, step, group, member.memberId, member.details.sessionTimeoutMs);
}

/** Takes a member out without looking at what that means for the group. If it waits for an answer, it learns so. */
export function dropMember(context: CoordinatorContext, step: Step, group: ClassicGroup, member: ClassicMember): void {
  const joinTicket = group.takeJoin(member);
  if (joinTicket !== null) step.reply(joinTicket, joinError("", ErrorCode.UNKNOWN_MEMBER_ID));
  if (member.syncTicket !== null) step.reply(member.syncTicket, syncError(ErrorCode.UNKNOWN_MEMBER_ID));
  member.syncTicket = null;
  endSession(context, group, member.memberId);
  group.removeMember(member.memberId);
}

/** Whoever waits for an answer of this group gets this error. */
export function dismissWaiting(step: Step, group: ClassicGroup, errorCode: number): void {
  for (const member of group.members.values()) {
    const joinTicket = group.takeJoin(member);
    if (joinTicket !== null) step.reply(joinTicket, joinError(member.memberId, errorCode));
    if (member.syncTicket !== null) step.reply(member.syncTicket, syncError(errorCode));
    member.syncTicket = null;
  }
}

/** Takes a member out of the group, which then rebalances. */
export function removeMember(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  member: ClassicMember,
  reason: string,
): void {
  dropMember(context, step, group, member);
  rebalance(context, step, group, reason);
}

/** Forgets an id that was given out and not used. The others wait for it no longer. */
export function removePendingMember(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  memberId: string,
): void {
  endSession(context, group, memberId);
  group.removeMember(memberId);
  completeJoinIfPossible(context, step, group);
}
