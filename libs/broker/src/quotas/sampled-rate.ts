/** How a rate is held: over `samples` windows of `windowMs`. */
export interface QuotaWindows {
  readonly samples: number;
  readonly windowMs: number;
}

interface Sample {
  startMs: number;
  lastMs: number;
  value: number;
}

/**
 * A rate over the last windows, by Kafka's own rules (`Rate` over `SampledStat`): a window begins with what is recorded
 * first in it, and windows that are not there yet count as empty, but for the one that has begun.
 */
export class SampledRate {
  readonly #samples: Sample[] = [];
  #current = 0;

  record(value: number, nowMs: number, { samples, windowMs }: QuotaWindows): void {
    let sample = this.#samples[this.#current];
    if (sample === undefined || nowMs - sample.startMs >= windowMs) {
      // One more than are counted: the one that is begun anew is always over.
      this.#current = sample === undefined ? 0 : (this.#current + 1) % (samples + 1);
      sample = { startMs: nowMs, lastMs: nowMs, value: 0 };
      this.#samples[this.#current] = sample;
    }
    sample.value += value;
    sample.lastMs = nowMs;
  }

  /** Per second. */
  measure(nowMs: number, windows: QuotaWindows): number {
    this.#forgetOld(nowMs, windows);
    let sum = 0;
    for (const { value } of this.#samples) sum += value;
    return sum / (this.spanMs(nowMs, windows) / 1_000);
  }

  /** The time over which the rate is taken. */
  spanMs(nowMs: number, windows: QuotaWindows): number {
    this.#forgetOld(nowMs, windows);
    let firstMs = nowMs;
    for (const { startMs } of this.#samples) firstMs = Math.min(firstMs, startMs);
    const elapsedMs = nowMs - firstMs;
    const fullWindows = Math.floor(elapsedMs / windows.windowMs);
    const missing = Math.max(0, windows.samples - 1 - fullWindows);
    return Math.max(elapsedMs + missing * windows.windowMs, 1);
  }

  /** Whether nothing of it counts any more. */
  isOver(nowMs: number, { samples, windowMs }: QuotaWindows): boolean {
    return this.#samples.every(({ lastMs, value }) => value === 0 || nowMs - lastMs >= samples * windowMs);
  }

  #forgetOld(nowMs: number, { samples, windowMs }: QuotaWindows): void {
    for (const sample of this.#samples) {
      if (nowMs - sample.lastMs < samples * windowMs) continue;
      sample.startMs = nowMs;
      sample.lastMs = nowMs;
      sample.value = 0;
    }
  }
}

/** The longest time that an answer can tell, and a timer can wait for: more than three weeks. */
const THROTTLE_TIME_MS_MAX = 2 ** 31 - 1;

/** How long a client waits until its rate is back at the quota, as Kafka computes it. */
export function throttleTimeMs(rate: number, quota: number, spanMs: number): number {
  return rate > quota ? tellableMs(((rate - quota) / quota) * spanMs) : 0;
}

/** A time to wait as answers have it. */
export function tellableMs(waitMs: number): number {
  return Math.min(Math.round(waitMs), THROTTLE_TIME_MS_MAX);
}
