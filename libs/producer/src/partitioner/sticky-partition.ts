import type { Random } from "@ottla/runtime";
import type { PartitionedTopic } from "./partitioner.ts";

/**
 * The partition that records without a key go to, until it has had `stickyBytes`; then another one, drawn uniformly
 * from those with a leader (KIP-794, not adaptive). Few partitions at a time make full batches, and in the long run
 * each partition gets the same number of bytes. A full batch ends the turn too: no small one is left behind.
 */
export class StickyPartition {
  readonly #stickyBytes: number;
  readonly #random: Random;
  #partition = -1;
  #bytes = 0;

  constructor(stickyBytes: number, random: Random) {
    this.#stickyBytes = stickyBytes;
    this.#random = random;
  }

  /** The partition for the next record. */
  current({ availablePartitions, partitionCount }: PartitionedTopic): number {
    if (this.#partition < 0 || this.#bytes >= this.#stickyBytes || this.#partition >= partitionCount) {
      this.#partition = this.#another(availablePartitions);
      this.#bytes = 0;
    }
    return this.#partition;
  }

  /** The next record goes elsewhere: what would begin another batch here ends this partition's turn. */
  leave(): void {
    this.#bytes = this.#stickyBytes;
  }

  /** Counts what the last record took. */
  appended(sizeBytes: number): void {
    this.#bytes += sizeBytes;
  }

  /** Another than the current one where there is a choice. */
  #another(available: readonly number[]): number {
    const drawn = this.#random.nextInt(available.length);
    if (available[drawn] !== this.#partition || available.length === 1) return available[drawn]!;
    return available[(drawn + 1 + this.#random.nextInt(available.length - 1)) % available.length]!;
  }
}
