import type { EpochEndOffset, PartitionLog } from "@ottla/storage";

/**
 * Down to where a follower has to cut its log, by its leader's word of where an epoch ends: the largest epoch of the
 * leader's that is not above the follower's last one (KIP-101, KIP-279).
 *
 * The follower's own log may not have that epoch at all. Then it goes back to the end of the largest epoch that it has
 * below, and asks again from there.
 */
export function truncationOffset(log: PartitionLog, leader: EpochEndOffset): number {
  const { logEndOffset, highWatermark } = log;
  if (leader.endOffset < 0) return highWatermark;
  const own = log.endOffsetForEpoch(leader.leaderEpoch);
  return Math.min(leader.endOffset, own?.endOffset ?? logEndOffset, logEndOffset);
}
