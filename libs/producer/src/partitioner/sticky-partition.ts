import type { Random } from "@ottla/runtime";
import type { PartitionedTopic } from "./partitioner.ts";

/**
 * The partition that records without a key go to, until it has had `stickyBytes`; then another one, drawn from those
 * with a leader (KIP-794). Few partitions at a time make full batches, and in the long run each partition gets the same
 * number of bytes. A full batch ends the turn too: no small one is left behind.
 *
 * Adaptive, the draw goes by how many batches wait: a partition whose leader is slow gets fewer records, and one whose
 * leader takes none gets none, as long as there are others.
 */
export class StickyPartition {
  readonly #stickyBytes: number;
  readonly #isAdaptive: boolean;
  readonly #random: Random;
  #partition = -1;
  #bytes = 0;

  constructor(stickyBytes: number, isAdaptive: boolean, random: Random) {
    this.#stickyBytes = stickyBytes;
    this.#isAdaptive = isAdaptive;
    this.#random = random;
  }

  /** The partition for the next record. */
  current(topic: PartitionedTopic): number {
    if (this.#partition < 0 || this.#bytes >= this.#stickyBytes || this.#partition >= topic.partitionCount) {
      this.#partition = this.#next(topic);
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

  #next(topic: PartitionedTopic): number {
    const { availablePartitions } = topic;
    if (!this.#isAdaptive || availablePartitions.length === 1) return this.#another(availablePartitions);
    const backlogs = availablePartitions.map((partition) => topic.backlogOf(partition));
    const known = backlogs.filter((backlog) => backlog !== null);
    const isEven = known.length === 0 || (known.length === backlogs.length && known.every((one) => one === known[0]));
    if (isEven) return this.#another(availablePartitions);
    return this.#weighted(availablePartitions, backlogs, Math.max(...known));
  }

  /** The fewer batches wait, the likelier: by how many fewer than the most, plus one. */
  #weighted(available: readonly number[], backlogs: readonly (number | null)[], most: number): number {
    const weights = backlogs.map((backlog) => (backlog === null ? 0 : most + 1 - backlog));
    let drawn = this.#random.nextInt(weights.reduce((sum, weight) => sum + weight, 0));
    const index = weights.findIndex((weight) => {
      drawn -= weight;
      return drawn < 0;
    });
    return available[index]!;
  }

  /** Another than the current one where there is a choice. */
  #another(available: readonly number[]): number {
    const drawn = this.#random.nextInt(available.length);
    if (available[drawn] !== this.#partition || available.length === 1) return available[drawn]!;
    return available[(drawn + 1 + this.#random.nextInt(available.length - 1)) % available.length]!;
  }
}
