import { onAbort } from "@ottla/runtime";
import type { ReadLimit } from "@ottla/storage";
import type { Partition } from "./partition.ts";
import { type Purgatory, type Waiting, Watch } from "./purgatory.ts";

/** How far a partition had come when a fetch read it. */
export interface Mark {
  readonly partition: Partition;
  readonly visibleEnd: number;
  readonly leaderEpoch: number;
  readonly appendedBytes: number;
  /** Whether readers saw all that was appended: what is above their end, or on its way to the file, counts in `appendedBytes` already. */
  readonly sawAll: boolean;
}

/** How long a follower waits for what is on its way to files: a disk that stands still must not hold up what others took. */
const SOON_MS = 5;

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
      sawAll: end === partition.log.nextOffset,
    };
  });
}

export interface FetchWaitOptions {
  readonly purgatory: Purgatory;
  readonly marks: readonly Mark[];
  readonly limit: ReadLimit;
  /** The broker whose fetch it is, where it is a follower's. */
  readonly followerId?: number | undefined;
}

/**
 * A fetch that waits until reading the partitions again may bring what is missing, or the time is up, or the client has
 * gone. A partition that has not moved for readers, or not by enough bytes, is not read again.
 */
export class FetchWait implements Waiting {
  readonly followerId: number | undefined;
  readonly #purgatory: Purgatory;
  readonly #marks: readonly Mark[];
  readonly #limit: ReadLimit;
  readonly #watch: Watch;
  #missingBytes = 0;
  /** The partitions that a follower's wait goes on for, though it could have ended; null before it could. */
  #awaited: readonly Mark[] | null = null;
  #stopListening: () => void = () => {};
  #resolve: (mayHaveMore: boolean) => void = () => {};
  readonly #onAbort = () => {
    this.#purgatory.remove(this.#watch);
    this.#finish(false);
  };

  constructor({ purgatory, marks, limit, followerId }: FetchWaitOptions) {
    this.followerId = followerId;
    this.#purgatory = purgatory;
    this.#marks = marks;
    this.#limit = limit;
    const partitions = marks.map((mark) => mark.partition);
    this.#watch = new Watch(this, partitions);
  }

  /** Whatever comes ends its wait. */
  get isPatient(): boolean {
    return this.#missingBytes <= 1;
  }

  get isWaiting(): boolean {
    return this.#watch.isWaiting;
  }

  /** Whether so many bytes may have come since the partitions were marked. */
  mayHave(missingBytes: number): boolean {
    let moved = false;
    let newBytesMax = 0;
    for (const mark of this.#marks) {
      const { partition } = mark;
      if (hasTurned(mark)) return true;
      if (visibleEnd(partition, this.#limit) !== mark.visibleEnd) moved = true;
      newBytesMax += mark.sawAll ? partition.appendedBytes - mark.appendedBytes : Number.POSITIVE_INFINITY;
    }
    return moved && newBytesMax >= missingBytes;
  }

  /** Waits for that. False where the time is up, or `signal` says that the client has gone. */
  wait(missingBytes: number, waitMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      this.#missingBytes = missingBytes;
      this.#awaited = null;
      this.#resolve = resolve;
      this.#stopListening = onAbort(signal, this.#onAbort);
      if (signal.aborted) this.#finish(false);
      else this.#purgatory.add(this.#watch, waitMs);
    });
  }

  /** Called by the purgatory. */
  tryComplete(): boolean {
    if (!this.mayHave(this.#missingBytes)) return false;
    if (this.#limit === "logEnd" && this.#awaitsOthers()) return false;
    this.#finish(true);
    return true;
  }

  /**
   * A produce request has batches for several partitions, and their files are not done in the same turn. A follower that is
   * answered for the first of them needs another fetch for the rest, which costs far more than to have it wait for them.
   */
  #awaitsOthers(): boolean {
    const isStill = (mark: Mark) => !hasMoved(mark, this.#limit);
    if (this.#awaited !== null) return this.#awaited.some(isStill);
    this.#awaited = this.#marks.filter((mark) => isStill(mark) && isBeingWritten(mark.partition));
    if (this.#awaited.length > 0) this.#purgatory.hasten(this.#watch, SOON_MS);
    return this.#awaited.length > 0;
  }

  /** Called by the purgatory. Where it could have ended before, something has come: reading tells whether it is enough. */
  expire(): void {
    this.#finish(this.#awaited !== null);
  }

  #finish(mayHaveMore: boolean): void {
    this.#stopListening();
    this.#resolve(mayHaveMore);
  }
}

/** Whether a partition has moved for readers since it was marked. */
export function haveMoved(marks: readonly Mark[], limit: ReadLimit): boolean {
  return marks.some((mark) => hasMoved(mark, limit));
}

function hasMoved(mark: Mark, limit: ReadLimit): boolean {
  return hasTurned(mark) || visibleEnd(mark.partition, limit) !== mark.visibleEnd;
}

/** Whether records are on their way to its file. */
function isBeingWritten({ log }: Partition): boolean {
  return log.nextOffset > log.logEndOffset;
}

/** Whether the partition is gone from here, or has another leader. */
function hasTurned({ partition, leaderEpoch }: Mark): boolean {
  return partition.isClosed || partition.isOffline || partition.leaderEpoch !== leaderEpoch;
}
