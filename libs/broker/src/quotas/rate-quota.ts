import { PerHolder } from "./per-holder.ts";
import type { QuotaLimit } from "./quota-limits.ts";
import type { HolderMeasures } from "./quota-measure.ts";
import { type QuotaWindows, SampledRate, throttleTimeMs } from "./sampled-rate.ts";
import { ThrottleTimes } from "./throttle-times.ts";

export interface RateQuotaOptions {
  /** As of now. */
  readonly windows: () => QuotaWindows;
  /** Whether nobody waits for longer than one window. Default false. */
  readonly waitsForOneWindow?: boolean;
}

/** Rates of one kind, of all who are held to a quota of that kind. */
export class RateQuota<Holder> {
  readonly #options: RateQuotaOptions;
  readonly #counts = new PerHolder<Holder, RateCount>(() => new RateCount());

  constructor(options: RateQuotaOptions) {
    this.#options = options;
  }

  /** Counts it; how long whoever did it is to wait, in ms. Nothing is counted where there is no limit. */
  record(limit: QuotaLimit<Holder> | null, value: number, nowMs: number): number {
    if (limit === null) return 0;
    const windows = this.#options.windows();
    const { rate, throttleTimes } = this.#counts.of(limit.holder, nowMs, windows);
    rate.record(value, nowMs, windows);
    const untilBelowMs = throttleTimeMs(rate.measure(nowMs, windows), limit.value, rate.spanMs(nowMs, windows));
    const waitMs = this.#options.waitsForOneWindow ? Math.min(untilBelowMs, windows.windowMs) : untilBelowMs;
    if (waitMs > 0) throttleTimes.record(waitMs, nowMs);
    return waitMs;
  }

  /** The same for what comes to pass only where nobody has to wait for it: else it is not counted. */
  recordUnlessOver(limit: QuotaLimit<Holder> | null, value: number, nowMs: number): number {
    const waitMs = this.record(limit, value, nowMs);
    if (limit === null || waitMs === 0) return 0;
    const windows = this.#options.windows();
    this.#counts.of(limit.holder, nowMs, windows).rate.record(-value, nowMs, windows);
    return waitMs;
  }

  /** Of all who did something of late: their rates, and how long they waited. */
  *measures(nowMs: number): Generator<HolderMeasures<Holder>> {
    const windows = this.#options.windows();
    for (const { holder, count } of this.#counts.all()) {
      if (count.isOver(nowMs, windows)) continue;
      yield { holder, rate: count.rate.measure(nowMs, windows), throttleTimeMs: count.throttleTimes.mean(nowMs) };
    }
  }
}

class RateCount {
  readonly rate = new SampledRate();
  readonly throttleTimes = new ThrottleTimes();

  isOver(nowMs: number, windows: QuotaWindows): boolean {
    return this.rate.isOver(nowMs, windows);
  }
}
