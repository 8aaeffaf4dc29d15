/** For so long a wait is part of the mean, and twice that at most: Kafka's `metrics.sample.window.ms`. */
const WINDOW_MS = 30_000;

/** The mean of the times that somebody was told to wait, of late. */
export class ThrottleTimes {
  #startedMs = Number.NEGATIVE_INFINITY;
  #current = { sumMs: 0, count: 0 };
  #last = { sumMs: 0, count: 0 };

  record(waitMs: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#current.sumMs += waitMs;
    this.#current.count++;
  }

  /** Null where nobody had to wait. */
  mean(nowMs: number): number | null {
    this.#turn(nowMs);
    const count = this.#current.count + this.#last.count;
    return count === 0 ? null : (this.#current.sumMs + this.#last.sumMs) / count;
  }

  #turn(nowMs: number): void {
    const elapsedMs = nowMs - this.#startedMs;
    if (elapsedMs < WINDOW_MS) return;
    this.#last = elapsedMs < 2 * WINDOW_MS ? this.#current : { sumMs: 0, count: 0 };
    this.#current = { sumMs: 0, count: 0 };
    this.#startedMs = nowMs;
  }
}
