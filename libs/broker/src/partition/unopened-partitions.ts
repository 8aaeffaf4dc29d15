import type { PartitionChange } from "@ottla/metadata";
import type { Timer, Timers } from "@ottla/runtime";

/** How long a full disk, or too many open files, are given to pass. */
const RETRY_INTERVAL_MS = 5_000;

/**
 * Partitions that should be here, but whose log could not be opened. What may pass is tried again and again, the one
 * that has waited longest first, until it succeeds or the partition is not wanted here any more.
 */
export class UnopenedPartitions {
  /** What the metadata wants of each, by name; null where only a restart helps. */
  readonly #changes = new Map<string, PartitionChange | null>();
  readonly #timers: Timers;
  readonly #retry: () => Promise<void>;
  #timer: Timer | null = null;

  /** @param retry opens those of {@link due}, and takes out what is open then */
  constructor(timers: Timers, retry: () => Promise<void>) {
    this.#timers = timers;
    this.#retry = retry;
  }

  get size(): number {
    return this.#changes.size;
  }

  has(topic: string, partition: number): boolean {
    return this.#changes.has(nameOf(topic, partition));
  }

  add(change: PartitionChange, mayPass: boolean): void {
    const name = nameOf(change.topic.name, change.after.partition);
    // Its turn comes after the others'.
    this.#changes.delete(name);
    this.#changes.set(name, mayPass ? change : null);
    if (mayPass) this.#schedule();
  }

  /** Whether it was one of them. */
  delete(topic: string, partition: number): boolean {
    return this.#changes.delete(nameOf(topic, partition));
  }

  /** Those that are worth another try, in the order of their turns. */
  get due(): PartitionChange[] {
    return [...this.#changes.values()].filter((change) => change !== null);
  }

  close(): void {
    this.#timer?.cancel();
    this.#changes.clear();
  }

  #schedule(): void {
    this.#timer ??= this.#timers.schedule(RETRY_INTERVAL_MS, () => {
      this.#timer = null;
      void this.#retry().then(() => {
        if (this.due.length > 0) this.#schedule();
      });
    });
  }
}

function nameOf(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}
