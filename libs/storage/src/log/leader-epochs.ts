import type { EpochEntry } from "../files/checkpoint-file.ts";
import type { EpochEndOffset } from "../partition-log.ts";

/**
 * Which leader epoch wrote from which offset on (KIP-101).
 * Invariant: epochs and start offsets both ascend strictly.
 */
export class LeaderEpochs {
  #entries: EpochEntry[];
  /** Counts changes, so that a writer of the checkpoint knows whether it has written the latest. */
  version = 0;

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = [...entries];
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  /** The latest epoch; -1 where there is none. */
  get latest(): number {
    return this.#entries.at(-1)?.epoch ?? -1;
  }

  /** Records that `epoch` begins at `startOffset`, or goes on there. Entries that contradict it are dropped. */
  assign(epoch: number, startOffset: number): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.epoch === epoch && startOffset >= last.startOffset) return;
    const before = this.#entries.filter((entry) => entry.epoch <= epoch && entry.startOffset < startOffset);
    this.#replace(before.at(-1)?.epoch === epoch ? before : [...before, { epoch, startOffset }]);
  }

  /** Forgets epochs that begin at or after `endOffset`. */
  truncateFromEnd(endOffset: number): void {
    if ((this.#entries.at(-1)?.startOffset ?? -1) < endOffset) return;
    this.#replace(this.#entries.filter((entry) => entry.startOffset < endOffset));
  }

  /** Forgets what lies before `startOffset`; the epoch that covers it begins there from now on. */
  truncateFromStart(startOffset: number): void {
    const covering = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    if (covering === -1 || (covering === 0 && this.#entries[0]!.startOffset === startOffset)) return;
    this.#replace([{ epoch: this.#entries[covering]!.epoch, startOffset }, ...this.#entries.slice(covering + 1)]);
  }

  clear(): void {
    if (this.#entries.length > 0) this.#replace([]);
  }

  /** The end of the largest epoch not above `epoch`, as OffsetForLeaderEpoch answers it; null when unknown. */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEndOffset | null {
    if (epoch < 0) return null;
    if (epoch === this.latest) return { leaderEpoch: epoch, endOffset: logEndOffset };
    const next = this.#entries.find((entry) => entry.epoch > epoch);
    if (next === undefined) return null;
    const covering = this.#entries.findLast((entry) => entry.epoch <= epoch);
    return { leaderEpoch: covering?.epoch ?? epoch, endOffset: next.startOffset };
  }

  /** The epoch that wrote, or will write, the record at `offset`; -1 before the first known one. */
  epochFor(offset: number): number {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? -1;
  }

  #replace(entries: EpochEntry[]): void {
    this.#entries = entries;
    this.version++;
  }
}
