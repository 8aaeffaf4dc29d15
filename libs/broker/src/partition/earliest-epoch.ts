import type { PartitionLog } from "@ottla/storage";

/** The leader epoch in which the first record was written; in an empty log, that of the next one. */
export function earliestEpochOf(log: PartitionLog): number {
  for (let epoch = 0; epoch < log.latestLeaderEpoch; epoch++) {
    const end = log.endOffsetForEpoch(epoch);
    if (end !== null && end.endOffset > log.logStartOffset) return end.leaderEpoch;
  }
  return log.latestLeaderEpoch;
}
