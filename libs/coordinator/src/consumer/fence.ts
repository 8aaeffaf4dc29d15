import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { appendMemberTombstones, appendRegexTombstone } from "./consumer-records.ts";
import { endDeadlines } from "./deadlines.ts";
import { bumpEpoch } from "./group-epoch.ts";

/** Takes a member out; the others get its partitions with the next target assignment. */
export function fenceMember(
  context: CoordinatorContext,
  step: Step,
  group: ConsumerGroup,
  member: ConsumerMember,
  reason: string,
): void {
  fenceMembers(context, step, group, [member], reason);
}

/** Takes members out, at one stroke. */
export function fenceMembers(
  context: CoordinatorContext,
  step: Step,
  group: ConsumerGroup,
  members: Iterable<ConsumerMember>,
  reason: string,
): void {
  const { groupId } = group;
  for (const { memberId, subscribedTopicRegex } of members) {
    context.logger.info("a member is taken out", { groupId, memberId, reason });
    appendMemberTombstones(step, groupId, memberId);
    dropRegexIfUnused(step, group, subscribedTopicRegex);
    endDeadlines(context, group, memberId);
  }
  bumpEpoch(context, step, group);
}

/** What nobody subscribes to any more need not be remembered. */
export function dropRegexIfUnused(step: Step, group: ConsumerGroup, regex: string): void {
  if (regex === "" || group.isRegexInUse(regex) || !group.resolvedRegexes.has(regex)) return;
  appendRegexTombstone(step, group.groupId, regex);
}
