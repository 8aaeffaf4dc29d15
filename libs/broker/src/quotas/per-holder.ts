import type { QuotaWindows } from "./sampled-rate.ts";

/** From so many holders on it is looked which of them have been silent for long enough to be forgotten. */
const HOLDERS_TO_SWEEP = 1_000;

/** What is counted of one holder of a quota. */
interface Count {
  /** Whether it is as if the holder had never been seen. */
  isOver(nowMs: number, windows: QuotaWindows): boolean;
}

/** What is counted of each holder of quotas of one kind. Who has been silent for long enough is forgotten. */
export class PerHolder<Holder, C extends Count> {
  readonly #create: () => C;
  readonly #counts = new Map<string, { readonly holder: Holder; readonly count: C }>();
  #sweepAt = HOLDERS_TO_SWEEP;

  constructor(create: () => C) {
    this.#create = create;
  }

  of(holder: Holder, nowMs: number, windows: QuotaWindows): C {
    const key = JSON.stringify(holder);
    const known = this.#counts.get(key);
    if (known !== undefined) return known.count;
    if (this.#counts.size >= this.#sweepAt) this.#sweep(nowMs, windows);
    const count = this.#create();
    this.#counts.set(key, { holder, count });
    return count;
  }

  all(): Iterable<{ readonly holder: Holder; readonly count: C }> {
    return this.#counts.values();
  }

  #sweep(nowMs: number, windows: QuotaWindows): void {
    for (const [key, { count }] of this.#counts) if (count.isOver(nowMs, windows)) this.#counts.delete(key);
    this.#sweepAt = Math.max(HOLDERS_TO_SWEEP, this.#counts.size * 2);
  }
}
