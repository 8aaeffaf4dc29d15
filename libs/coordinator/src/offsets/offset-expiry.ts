import type { Group } from "../groups.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import { offsetTombstone } from "./offset-records.ts";
import type { CommittedOffset } from "./offset-table.ts";

/** When an offset's retention begins. */
type RetentionStart = (offset: CommittedOffset) => number;

/**
 * Takes away a group's expired offsets (KIP-211). Offsets of a group with members stay while the group reads their
 * topic; offsets in an open transaction stay until it ends.
 * @returns whether the group has no offsets left
 */
export function expireOffsets(context: CoordinatorContext, step: Step, group: Group): boolean {
  const { offsets } = context;
  const retentionStart = retentionStartOf(group);
  const topics = offsets.topicsOf(group.groupId);
  if (retentionStart === undefined) return topics.size === 0;
  const pending = offsets.pendingTables(group.groupId);
  let isEveryOneExpired = pending.length === 0;
  for (const [topic, partitions] of topics) {
    for (const [partition, offset] of partitions) {
      const isKept =
        (!group.isEmpty && group.isSubscribedTo(topic)) ||
        !isExpired(context, step, offset, retentionStart) ||
        pending.some((table) => table.get(group.groupId, topic, partition) !== undefined);
      if (isKept) isEveryOneExpired = false;
      else step.append(offsetTombstone(group.groupId, topic, partition));
    }
  }
  return isEveryOneExpired;
}

/** Undefined where nothing of the group expires at present. */
function retentionStartOf(group: Group): RetentionStart | undefined {
  const sinceCommit: RetentionStart = (offset) => offset.commitTimestampMs;
  if (group.type === "consumer") return sinceCommit;
  if (group.protocolType === null) return sinceCommit;
  if (group.isEmpty) return group.stateTimestampMs === -1 ? sinceCommit : () => group.stateTimestampMs;
  const isKnownToRead = group.isConsumerGroup && group.subscribedTopics !== null;
  return isKnownToRead && group.state === "Stable" ? sinceCommit : undefined;
}

function isExpired(
  { config }: CoordinatorContext,
  step: Step,
  offset: CommittedOffset,
  retentionStart: RetentionStart,
): boolean {
  if (offset.expireTimestampMs !== -1) return step.wallMs >= offset.expireTimestampMs;
  return step.wallMs - retentionStart(offset) >= config.offsetsRetentionMs;
}
