import { type MetadataImage, QuotaKey } from "@ottla/metadata";
import type { Clock } from "@ottla/runtime";
import { type QuotaHolder, QuotaLimits } from "./quota-limits.ts";
import { type QuotaWindows, SampledRate, throttleTimeMs } from "./sampled-rate.ts";

/** Nobody authenticates: as in Kafka all are this user. */
export const ANONYMOUS = "ANONYMOUS";

/** From so many holders on it is looked which of them have been silent for long enough to be forgotten. */
const HOLDERS_TO_SWEEP = 1_000;

export interface ClientQuotasOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** As of now. */
  readonly windows: () => QuotaWindows;
}

/**
 * Holds clients to their quotas (KIP-13, KIP-124): counts what they do, and says how long they are to wait. Each
 * broker by itself. Nothing is counted, and no time is spent, where no quota is set.
 */
export class ClientQuotas {
  readonly #options: ClientQuotasOptions;
  #applied: MetadataImage["clientQuotas"] | null = null;
  readonly #produce: RateQuota;
  readonly #fetch: RateQuota;
  readonly #request: RateQuota;
  /** Whether any client has a quota. */
  areSet = false;
  /** Whether anybody's processing time is bounded. */
  boundsTime = false;

  constructor(options: ClientQuotasOptions) {
    this.#options = options;
    const { windows } = options;
    this.#produce = new RateQuota(windows);
    this.#fetch = new RateQuota(windows);
    this.#request = new RateQuota(windows);
  }

  /** The metadata have changed. Whoever is held to a quota before and after goes on where it was. */
  apply({ clientQuotas }: MetadataImage): void {
    if (clientQuotas === this.#applied) return;
    this.#applied = clientQuotas;
    const limits = (key: string) => new QuotaLimits(clientQuotas.values(), key);
    this.#produce.limits = limits(QuotaKey.PRODUCER_BYTE_RATE);
    this.#fetch.limits = limits(QuotaKey.CONSUMER_BYTE_RATE);
    this.#request.limits = limits(QuotaKey.REQUEST_PERCENTAGE);
    this.boundsTime = this.#request.limits.areSet;
    this.areSet = clientQuotas.size > 0;
  }

  /** A client has produced; how long it is to wait, in ms. */
  produced(clientId: string, sizeBytes: number): number {
    return this.#produce.record(clientId, sizeBytes, this.nowMs());
  }

  /** A client is about to get this much; how long it is to wait before that, in ms: what it waits for is not counted. */
  fetched(clientId: string, sizeBytes: number): number {
    const nowMs = this.nowMs();
    const waitMs = this.#fetch.record(clientId, sizeBytes, nowMs);
    if (waitMs > 0) this.#fetch.unrecord(clientId, sizeBytes, nowMs);
    return waitMs;
  }

  /** The most that a fetch may give: more than the windows allow could never be given. */
  fetchBytesMax(clientId: string): number {
    const limit = this.#fetch.limits.limitOf(ANONYMOUS, clientId);
    if (limit === null) return Number.POSITIVE_INFINITY;
    const { samples, windowMs } = this.#options.windows();
    return Math.floor((limit.value * (samples - 1) * windowMs) / 1_000);
  }

  /** A request has taken up the broker for so long; how long its client is to wait, in ms, at most a window. */
  processed(clientId: string, elapsedMs: number): number {
    const waitMs = this.#request.record(clientId, elapsedMs / 10, this.nowMs());
    return Math.min(waitMs, this.#options.windows().windowMs);
  }

  nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}

/** Rates of one kind, of all who are held to a quota of that kind. */
class RateQuota {
  limits = new QuotaLimits([], "");
  readonly #windows: () => QuotaWindows;
  readonly #held = new Map<string, SampledRate>();
  #sweepAt = HOLDERS_TO_SWEEP;

  constructor(windows: () => QuotaWindows) {
    this.#windows = windows;
  }

  record(clientId: string, value: number, nowMs: number): number {
    const limit = this.limits.limitOf(ANONYMOUS, clientId);
    if (limit === null) return 0;
    const windows = this.#windows();
    const rate = this.#rateOf(limit.holder, nowMs, windows);
    rate.record(value, nowMs, windows);
    return throttleTimeMs(rate.measure(nowMs, windows), limit.value, rate.spanMs(nowMs, windows));
  }

  unrecord(clientId: string, value: number, nowMs: number): void {
    const limit = this.limits.limitOf(ANONYMOUS, clientId);
    if (limit === null) return;
    const windows = this.#windows();
    this.#rateOf(limit.holder, nowMs, windows).record(-value, nowMs, windows);
  }

  #rateOf(holder: QuotaHolder, nowMs: number, windows: QuotaWindows): SampledRate {
    const key = JSON.stringify([holder.user, holder.clientId]);
    const known = this.#held.get(key);
    if (known !== undefined) return known;
    if (this.#held.size >= this.#sweepAt) this.#sweep(nowMs, windows);
    const rate = new SampledRate();
    this.#held.set(key, rate);
    return rate;
  }

  /** Who has been silent for all windows is as if never seen. */
  #sweep(nowMs: number, windows: QuotaWindows): void {
    for (const [key, rate] of this.#held) if (rate.isOver(nowMs, windows)) this.#held.delete(key);
    this.#sweepAt = Math.max(HOLDERS_TO_SWEEP, this.#held.size * 2);
  }
}
