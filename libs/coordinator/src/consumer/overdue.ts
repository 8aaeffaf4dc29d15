import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { fenceMember } from "./fence.ts";

/** Nothing was heard of a member for its session timeout. */
export function onSessionDeadline(
  context: CoordinatorContext,
  step: Step,
  group: ConsumerGroup,
  memberId: string,
): void {
  group.sessions.delete(memberId);
  const member = group.members.get(memberId);
  if (member !== undefined) fenceMember(context, step, group, member, "its session has run out");
}

/** A member has kept partitions that it was to give up. */
export function onRebalanceDeadline(
  context: CoordinatorContext,
  step: Step,
  group: ConsumerGroup,
  memberId: string,
  memberEpoch: number,
): void {
  group.rebalanceDeadlines.delete(memberId);
  const member = group.members.get(memberId);
  if (member === undefined || member.state !== "unrevoked" || member.epoch !== memberEpoch) return;
  fenceMember(context, step, group, member, "it did not give partitions up in time");
}
