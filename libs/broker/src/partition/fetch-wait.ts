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
  /** What was on its way to files when a follower's wait could have ended. */
  #comingSoon: ComingSoon | null = null;
  #stopListening: () => void = () => {};
  #resolve: (mayHaveMore: boolean) => void = () => {};
  readonly #onAbort = () => {
    this.#purgatory.remove(this.#watch);
    this.expire();
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
      this.#comingSoon = null;
      this.#resolve = resolve;
      this.#stopListening = onAbort(signal, this.#onAbort);
      if (signal.aborted) this.expire();
      else this.#purgatory.add(this.#watch, waitMs);
    });
  }

  /** Called by the purgatory. */
  tryComplete(): boolean {
    if (!this.mayHave(this.#missingBytes)) return false;
    if (this.#limit === "logEnd" && !this.#hasWhatComesSoon()) return false;
    this.#finish(true);
    return true;
  }

  /**
   * A produce request has batches for several partitions, and their files are not done in the same turn. A follower that is
   * answered for the first of them needs another fetch for the rest, at ten times the cost of what it waits here.
   */
  #hasWhatComesSoon(): boolean {
    if (this.#comingSoon === null) {
      this.#comingSoon = new ComingSoon(this.#marks);
      if (!this.#comingSoon.hasCome) this.#purgatory.hasten(this.#watch, SOON_MS);
    }
    return this.#comingSoon.hasCome;
  }

  /** Called by the purgatory. */
  expire(): void {
    this.#finish(false);
  }

  #finish(mayHaveMore: boolean): void {
    this.#stopListening();
    this.#resolve(mayHaveMore);
  }
}

/** Records that were on their way to files at one moment. */
class ComingSoon {
  readonly #ends: readonly { readonly partition: Partition; readonly leaderEpoch: number; readonly offset: number }[];

  constructor(marks: readonly Mark[]) {
    this.#ends = marks
      .filter(({ partition: { log } }) => log.nextOffset > log.logEndOffset)
      .map(({ partition, leaderEpoch }) => ({ partition, leaderEpoch, offset: partition.log.nextOffset }));
  }

  get hasCome(): boolean {
    return this.#ends.every(({ partition, leaderEpoch, offset }) => {
      return partition.log.logEndOffset >= offset || hasTurned({ partition, leaderEpoch });
    });
  }
}

/** Whether a partition has moved for readers since it was marked. */
export function haveMoved(marks: readonly Mark[], limit: ReadLimit): boolean {
  return marks.some((mark) => hasTurned(mark) || visibleEnd(mark.partition, limit) !== mark.visibleEnd);
}

/** Whether the partition is gone from here, or has another leader. */
function hasTurned({ partition, leaderEpoch }: Pick<Mark, "partition" | "leaderEpoch">): boolean {
  return partition.isClosed || partition.isOffline || partition.leaderEpoch !== leaderEpoch;
}
