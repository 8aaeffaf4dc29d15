import { FREE, type MutationCharge } from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { Clock } from "@ottla/runtime";
import { PerHolder } from "./per-holder.ts";
import { type ClientHolder, type QuotaLimit, QuotaLimits } from "./quota-limits.ts";
import type { MutationMeasures } from "./quota-measure.ts";
import { type QuotaWindows, SampledRate, tellableMs } from "./sampled-rate.ts";
import { ThrottleTimes } from "./throttle-times.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface MutationQuotaOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** As of now. */
  readonly windows: () => QuotaWindows;
}

/** What one request may still change. */
export interface MutationAllowance {
  /** The request is decided: its charges. What an earlier try was charged is given back. */
  begin(): MutationCharge;
  /** How long the client is to wait before it asks for more, in ms, as of now. */
  readonly throttleTimeMs: number;
}

const UNBOUNDED: MutationAllowance = { begin: () => FREE, throttleTimeMs: 0 };

/** Holds clients to `controller_mutation_rate` (KIP-599): partitions created and deleted in a second, on the controller. */
export class MutationQuota {
  limits = new QuotaLimits([], "");
  readonly #options: MutationQuotaOptions;
  readonly #counts = new PerHolder<ClientHolder, MutationCount>(() => new MutationCount());

  constructor(options: MutationQuotaOptions) {
    this.#options = options;
  }

  /** @param isStrict whether the client knows THROTTLING_QUOTA_EXCEEDED: it is refused more, where others are only told to wait */
  allowance(user: string, clientId: string, isStrict: boolean): MutationAllowance {
    const limit = this.limits.limitOf(user, clientId);
    if (limit === null) return UNBOUNDED;
    const { clock, windows } = this.#options;
    const count = this.#counts.of(limit.holder, clock.monotonicMs(), windows());
    return new BoundedAllowance(count, limit, isStrict, this.#options);
  }

  /** Of all who changed something of late. */
  *measures(nowMs: number): Generator<MutationMeasures> {
    const windows = this.#options.windows();
    for (const { holder, count } of this.#counts.all()) {
      if (count.isOver(nowMs, windows)) continue;
      const { bucket, rate, throttleTimes } = count;
      const tokens = bucket.left(nowMs, windows);
      yield { holder, tokens, rate: rate.measure(nowMs, windows), throttleTimeMs: throttleTimes.mean(nowMs) };
    }
  }
}

class MutationCount {
  readonly bucket = new TokenBucket();
  readonly rate = new SampledRate();
  readonly throttleTimes = new ThrottleTimes();

  isOver(nowMs: number, windows: QuotaWindows): boolean {
    return this.bucket.isOver(nowMs, windows) && this.rate.isOver(nowMs, windows);
  }
}

class BoundedAllowance implements MutationAllowance {
  readonly #count: MutationCount;
  readonly #limit: QuotaLimit<ClientHolder>;
  readonly #isStrict: boolean;
  readonly #options: MutationQuotaOptions;
  #charged = 0;
  #waitsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(count: MutationCount, limit: QuotaLimit<ClientHolder>, isStrict: boolean, options: MutationQuotaOptions) {
    this.#count = count;
    this.#limit = limit;
    this.#isStrict = isStrict;
    this.#options = options;
  }

  get throttleTimeMs(): number {
    return Math.max(0, tellableMs(this.#waitsUntilMs - this.#nowMs()));
  }

  begin(): MutationCharge {
    if (this.#charged > 0) this.#take(-this.#charged);
    this.#charged = 0;
    this.#waitsUntilMs = Number.NEGATIVE_INFINITY;
    return (partitions) => this.#charge(partitions);
  }

  /** As in Kafka who is strict may go below 0 once, and is refused from then on until that is made up for. */
  #charge(partitions: number): void {
    if (this.#isStrict && this.#tokens() < 0) {
      this.#wait();
      throw KafkaError.fromCode(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
    }
    this.#take(partitions);
    this.#charged += partitions;
    if (!this.#isStrict && this.#tokens() < 0) this.#wait();
  }

  #wait(): void {
    const waitMs = (-this.#tokens() / this.#limit.value) * 1_000;
    this.#waitsUntilMs = this.#nowMs() + waitMs;
    this.#count.throttleTimes.record(waitMs, this.#nowMs());
  }

  #tokens(): number {
    return this.#count.bucket.tokens(this.#limit.value, this.#nowMs(), this.#options.windows());
  }

  #take(partitions: number): void {
    const windows = this.#options.windows();
    this.#count.bucket.take(partitions, this.#limit.value, this.#nowMs(), windows);
    this.#count.rate.record(partitions, this.#nowMs(), windows);
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}
