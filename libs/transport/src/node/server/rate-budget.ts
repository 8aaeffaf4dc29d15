import type { Clock } from "@ottla/runtime";

/**
 * Holds a rate over a window: what was saved up in the window may be spent at once, as with Apache Kafka's quotas. Rate
 * and window may change at any time.
 */
export class RateBudget {
  readonly #clock: Clock;
  /** What is left; as much as there may be at first. */
  #saved = Infinity;
  #asOfMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#asOfMs = clock.monotonicMs();
  }

  has(ratePerSecond: number, windowMs: number): boolean {
    this.#save(ratePerSecond, windowMs);
    return this.#saved >= 1;
  }

  /** Takes one, also where there is none: it is owed then. */
  spend(ratePerSecond: number, windowMs: number): void {
    this.#save(ratePerSecond, windowMs);
    this.#saved--;
  }

  #save(ratePerSecond: number, windowMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const earned = (ratePerSecond * (nowMs - this.#asOfMs)) / 1000;
    this.#asOfMs = nowMs;
    this.#saved = Math.min(this.#saved + earned, (ratePerSecond * windowMs) / 1000);
  }
}
