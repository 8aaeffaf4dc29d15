import type { ReadLimit } from "@ottla/storage";
import type { Partition } from "./partition.ts";
import type { Purgatory, Waiting } from "./purgatory.ts";

/** How far a partition had come when a fetch read it. */
export interface Mark {
  readonly partition: Partition;
  readonly visibleEnd: number;
  readonly leaderEpoch: number;
  readonly appendedBytes: number;
  /** Whether readers saw all that was in the log. */
  readonly sawAll: boolean;
}

/** Where readers of this kind end. */
export function visibleEnd({ log }: Partition, limit: ReadLimit): number {
  if (limit === "logEnd") return log.logEndOffset;
  return limit === "lastStable" ? log.lastStableOffset : log.highWatermark;
}

/** Marks partitions; to be taken before they are read, so that nothing is missed between reading and waiting. */
export function markPartitions(partitions: readonly Partition[], limit: ReadLimit): Mark[] {
  return partitions.map((partition) => {
    const end = visibleEnd(partition, limit);
    return {
      partition,
      visibleEnd: end,
      leaderEpoch: partition.leaderEpoch,
      appendedBytes: partition.appendedBytes,
      sawAll: end === partition.log.logEndOffset,
    };
  });
}

export interface FetchWaitOptions {
  readonly purgatory: Purgatory;
  readonly marks: readonly Mark[];
  readonly limit: ReadLimit;
  /** Bytes that are missing until the fetch has enough. */
  readonly missingBytes: number;
  readonly waitMs: number;
  /** The broker whose fetch it is, where it is a follower's. */
  readonly followerId?: number | undefined;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/**
 * Waits until reading the partitions again may bring what is missing (true), or the time is up or the client has gone
 * (false). A partition that has not moved for readers, or not by enough bytes, is not read again.
 */
export function waitForMore(options: FetchWaitOptions): Promise<boolean> {
  const { purgatory, marks, waitMs, followerId, signal } = options;
  if (mayHaveEnough(options)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const finish = (mayHaveMore: boolean) => {
      signal.removeEventListener("abort", onAbort);
      resolve(mayHaveMore);
    };
    const waiting: Waiting = {
      followerId,
      tryComplete() {
        const enough = mayHaveEnough(options);
        if (enough) finish(true);
        return enough;
      },
      expire: () => finish(false),
    };
    const partitions = marks.map((mark) => mark.partition);
    const remove = purgatory.add(waiting, partitions, waitMs);
    const onAbort = () => {
      remove();
      finish(false);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

/** Whether a partition has moved for readers since it was marked. */
export function haveMoved(marks: readonly Mark[], limit: ReadLimit): boolean {
  return marks.some((mark) => hasTurned(mark) || visibleEnd(mark.partition, limit) !== mark.visibleEnd);
}

/** Whether the partition is gone from here, or has another leader. */
function hasTurned({ partition, leaderEpoch }: Mark): boolean {
  return partition.isClosed || partition.isOffline || partition.leaderEpoch !== leaderEpoch;
}

function mayHaveEnough({ marks, limit, missingBytes }: FetchWaitOptions): boolean {
  let moved = false;
  let newBytesMax = 0;
  for (const mark of marks) {
    const { partition } = mark;
    if (hasTurned(mark)) return true;
    if (visibleEnd(partition, limit) !== mark.visibleEnd) moved = true;
    newBytesMax += mark.sawAll ? partition.appendedBytes - mark.appendedBytes : Number.POSITIVE_INFINITY;
  }
  return moved && newBytesMax >= missingBytes;
}
