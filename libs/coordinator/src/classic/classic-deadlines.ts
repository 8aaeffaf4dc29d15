import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { discardIfUnused } from "./delete-group.ts";
import { prepareRebalance, removeMember, removePendingMember } from "./rebalance.ts";
import { startSession } from "./sessions.ts";

/** Nothing was heard of a member for its session timeout. Whoever waits for an answer is excused. */
export function onSessionDeadline(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  memberId: string,
): void {
  if (group.pendingMembers.has(memberId)) {
    context.logger.info("a new member did not come back with its id", { groupId: group.groupId, memberId });
    removePendingMember(context, step, group, memberId);
    discardIfUnused(context, group);
    return;
  }
  const member = group.members.get(memberId);
  if (member === undefined || member.isExcusedFromHeartbeats) return;
  context.logger.info("a member's session has run out", { groupId: group.groupId, memberId });
  removeMember(context, step, group, member, `the session of ${memberId} ran out`);
}

/** The log has been read to its end: members are expected to show up, and limits that were lowered apply. */
export function onGroupLoaded(context: CoordinatorContext, step: Step, group: ClassicGroup): void {
  for (const { memberId, details } of group.members.values()) {
    startSession(context, step, group, memberId, details.sessionTimeoutMs);
  }
  if (group.members.size > context.config.groupMaxSize) {
    prepareRebalance(context, step, group, `the group has more than ${context.config.groupMaxSize} members`);
  }
}
