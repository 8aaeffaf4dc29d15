import type { Clock } from "@ottla/runtime";

/** Kafka's `replication.quota.window.num` windows of `replication.quota.window.size.seconds`. */
const WINDOW_MS = 1_000;
const WINDOWS = 11;

/**
 * A bound of the bytes that throttled replication takes per second (KIP-73). What is sent is counted in windows of a
 * second; while the mean over the last of them is above the rate, nothing more is sent.
 */
export class ReplicationQuota {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #bytesPerSecond: () => number;
  /** Bytes of each window, by its number; no more than {@link WINDOWS} of them. */
  readonly #windows = new Map<number, number>();

  constructor(clock: Pick<Clock, "monotonicMs">, bytesPerSecond: () => number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  record(sizeBytes: number): void {
    const window = this.#dropOld();
    this.#windows.set(window, (this.#windows.get(window) ?? 0) + sizeBytes);
  }

  get isExceeded(): boolean {
    const limit = this.#bytesPerSecond();
    if (!Number.isFinite(limit)) return false;
    const now = this.#dropOld();
    let sum = 0;
    let first = now;
    for (const [window, sizeBytes] of this.#windows) {
      sum += sizeBytes;
      first = Math.min(first, window);
    }
    // As Kafka: a beginning is not taken for a peak, the windows that are not there yet count as empty but for one.
    const seconds = ((Math.max(now - first, WINDOWS - 2) + 1) * WINDOW_MS) / 1_000;
    return sum / seconds > limit;
  }

  /** @returns the present window */
  #dropOld(): number {
    const now = Math.floor(this.#clock.monotonicMs() / WINDOW_MS);
    for (const window of this.#windows.keys()) if (window <= now - WINDOWS) this.#windows.delete(window);
    return now;
  }
}

/** Which replicas of a topic are throttled: all (`*`), or `partition:broker` pairs. */
export class ThrottledReplicas {
  readonly #all: boolean;
  readonly #pairs: ReadonlySet<string>;

  constructor(list: readonly string[]) {
    this.#all = list.includes("*");
    this.#pairs = new Set(list);
  }

  includes(partition: number, brokerId: number): boolean {
    return this.#all || (this.#pairs.size > 0 && this.#pairs.has(`${partition}:${brokerId}`));
  }
}

export const NOTHING_THROTTLED = new ThrottledReplicas([]);
