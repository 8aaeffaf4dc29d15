import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import { Deadline } from "../shard/deadlines.ts";
import type { Step } from "../shard/step.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember } from "./consumer-member.ts";

/** From now on the member has the group's session timeout until it is taken for dead. */
export function startSession(context: CoordinatorContext, step: Step, group: ConsumerGroup, memberId: string): void {
  let session = group.sessions.get(memberId);
  if (session === undefined) {
    session = new Deadline({ type: "consumerSession", groupId: group.groupId, memberId });
    group.sessions.set(memberId, session);
  }
  const timeoutMs = context.config.groupConsumerSessionTimeoutMs(group.groupId);
  context.deadlines.schedule(session, step.monotonicMs + timeoutMs);
}

/** A member that has been told to give partitions up has its rebalance timeout for that; others have no such limit. */
export function watchRevocation(
  context: CoordinatorContext,
  step: Step,
  group: ConsumerGroup,
  { memberId, state, epoch, rebalanceTimeoutMs }: ConsumerMember,
): void {
  const before = group.rebalanceDeadlines.get(memberId);
  if (before !== undefined) context.deadlines.cancel(before);
  group.rebalanceDeadlines.delete(memberId);
  if (state !== "unrevoked") return;
  const deadline = new Deadline({
    type: "consumerRebalance" as const,
    groupId: group.groupId,
    memberId,
    memberEpoch: epoch,
  });
  group.rebalanceDeadlines.set(memberId, deadline);
  context.deadlines.schedule(deadline, step.monotonicMs + rebalanceTimeoutMs);
}

/** Gives every member its deadlines that has none: after loading, and when members are back that were taken out. */
export function startDeadlines(context: CoordinatorContext, step: Step, group: ConsumerGroup): void {
  for (const member of group.members.values()) {
    if (!group.sessions.has(member.memberId)) startSession(context, step, group, member.memberId);
    const isWatched = group.rebalanceDeadlines.has(member.memberId);
    if (isWatched !== (member.state === "unrevoked")) watchRevocation(context, step, group, member);
  }
}

export function endDeadlines(context: CoordinatorContext, group: ConsumerGroup, memberId: string): void {
  for (const deadlines of [group.sessions, group.rebalanceDeadlines]) {
    const deadline = deadlines.get(memberId);
    if (deadline !== undefined) context.deadlines.cancel(deadline);
    deadlines.delete(memberId);
  }
}
