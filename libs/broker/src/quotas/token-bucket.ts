import type { QuotaWindows } from "./sampled-rate.ts";

/**
 * A budget that is filled at the rate of a quota, by Kafka's own rules (`TokenBucket`): what the quota allows in all windows may
 * be spent at once, and what was spent beyond that is owed.
 */
export class TokenBucket {
  #tokens = Number.POSITIVE_INFINITY;
  #asOfMs = 0;
  #quotaPerSecond = 0;

  /** What is left; less than 0 where it is owed. */
  tokens(quotaPerSecond: number, nowMs: number, windows: QuotaWindows): number {
    const earned = (quotaPerSecond * (nowMs - this.#asOfMs)) / 1_000;
    this.#tokens = Math.min(this.#tokens + earned, burstOf(quotaPerSecond, windows));
    this.#asOfMs = nowMs;
    this.#quotaPerSecond = quotaPerSecond;
    return this.#tokens;
  }

  /** The same at the rate of the last look. */
  left(nowMs: number, windows: QuotaWindows): number {
    return this.tokens(this.#quotaPerSecond, nowMs, windows);
  }

  /** Takes so many, also more than there are; less than 0 gives them back. */
  take(count: number, quotaPerSecond: number, nowMs: number, windows: QuotaWindows): void {
    const left = this.tokens(quotaPerSecond, nowMs, windows) - count;
    this.#tokens = Math.min(left, burstOf(quotaPerSecond, windows));
  }

  /** Whether it is full, as a new one. */
  isOver(nowMs: number, windows: QuotaWindows): boolean {
    return this.left(nowMs, windows) >= burstOf(this.#quotaPerSecond, windows);
  }
}

function burstOf(quotaPerSecond: number, { samples, windowMs }: QuotaWindows): number {
  return (quotaPerSecond * samples * windowMs) / 1_000;
}
