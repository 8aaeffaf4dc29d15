import { type MetadataImage, QuotaKey } from "@ottla/metadata";
import type { Clock } from "@ottla/runtime";
import { type IpHolder, IpLimits } from "./ip-limits.ts";
import { type MutationAllowance, MutationQuota } from "./mutation-quota.ts";
import { type ClientHolder, type QuotaLimit, QuotaLimits } from "./quota-limits.ts";
import { RateQuota, type RateQuotaOptions } from "./rate-quota.ts";
import type { QuotaWindows } from "./sampled-rate.ts";

/** Nobody authenticates: as in Kafka all are this user. */
export const ANONYMOUS = "ANONYMOUS";

export interface ClientQuotasOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** As of now. */
  readonly windows: () => QuotaWindows;
  /** Those of what the controller is asked to change, as of now. */
  readonly controllerWindows: () => QuotaWindows;
}

/**
 * Holds clients to their quotas (KIP-13, KIP-124, KIP-599, KIP-612): counts what they do, and says how long they are to wait. Each
 * broker by itself. Nothing is counted, and no time is spent, where no quota is set.
 */
export class ClientQuotas {
  readonly #options: ClientQuotasOptions;
  #applied: MetadataImage["clientQuotas"] | null = null;
  readonly #produce: ClientRate;
  readonly #fetch: ClientRate;
  readonly #request: ClientRate;
  readonly #mutation: MutationQuota;
  readonly #connections: RateQuota<IpHolder>;
  #ipLimits = new IpLimits([]);
  /** Whether any client has a quota. */
  areSet = false;
  /** Whether anybody's processing time is bounded. */
  boundsTime = false;

  constructor(options: ClientQuotasOptions) {
    this.#options = options;
    const { clock, windows, controllerWindows } = options;
    this.#produce = new ClientRate({ windows });
    this.#fetch = new ClientRate({ windows });
    this.#request = new ClientRate({ windows, waitsForOneWindow: true });
    this.#mutation = new MutationQuota({ clock, windows: controllerWindows });
    this.#connections = new RateQuota({ windows, waitsForOneWindow: true });
  }

  /** The metadata have changed. Whoever is held to a quota before and after goes on where it was. */
  apply({ clientQuotas }: MetadataImage): void {
    if (clientQuotas === this.#applied) return;
    this.#applied = clientQuotas;
    const limits = (key: string) => new QuotaLimits(clientQuotas.values(), key);
    this.#produce.limits = limits(QuotaKey.PRODUCER_BYTE_RATE);
    this.#fetch.limits = limits(QuotaKey.CONSUMER_BYTE_RATE);
    this.#request.limits = limits(QuotaKey.REQUEST_PERCENTAGE);
    this.#mutation.limits = limits(QuotaKey.CONTROLLER_MUTATION_RATE);
    this.#ipLimits = new IpLimits(clientQuotas.values());
    this.boundsTime = this.#request.limits.areSet;
    this.areSet = clientQuotas.size > 0;
  }

  /** A client has produced; how long it is to wait, in ms. */
  produced(clientId: string, sizeBytes: number): number {
    return this.#produce.record(clientId, sizeBytes, this.nowMs());
  }

  /** A client is about to get this much; how long it is to wait before that, in ms: what it waits for is not counted. */
  fetched(clientId: string, sizeBytes: number): number {
    return this.#fetch.recordUnlessOver(clientId, sizeBytes, this.nowMs());
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
    return this.#request.record(clientId, elapsedMs / 10, this.nowMs());
  }

  /**
   * What a request of a client may create and delete; asked on the controller.
   * @param isStrict whether the client knows THROTTLING_QUOTA_EXCEEDED
   */
  mutations(clientId: string, isStrict: boolean): MutationAllowance {
    return this.#mutation.allowance(ANONYMOUS, clientId, isStrict);
  }

  /** An address wants another connection; how long it is to wait for that, in ms, at most a window. Only what need not wait is counted. */
  connecting(ip: string): number {
    return this.#connections.recordUnlessOver(this.#ipLimits.limitOf(ip), 1, this.nowMs());
  }

  /** What clients that are held to a quota did of late, by Kafka's names of what they are held back from. */
  measures() {
    const nowMs = this.nowMs();
    return {
      rates: {
        Produce: this.#produce.rates.measures(nowMs),
        Fetch: this.#fetch.rates.measures(nowMs),
        Request: this.#request.rates.measures(nowMs),
      },
      ControllerMutation: this.#mutation.measures(nowMs),
    };
  }

  nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}

/** Rates of one kind, of clients. */
class ClientRate {
  limits = new QuotaLimits([], "");
  readonly rates: RateQuota<ClientHolder>;

  constructor(options: RateQuotaOptions) {
    this.rates = new RateQuota(options);
  }

  record(clientId: string, value: number, nowMs: number): number {
    return this.rates.record(this.#limitOf(clientId), value, nowMs);
  }

  recordUnlessOver(clientId: string, value: number, nowMs: number): number {
    return this.rates.recordUnlessOver(this.#limitOf(clientId), value, nowMs);
  }

  #limitOf(clientId: string): QuotaLimit<ClientHolder> | null {
    return this.limits.limitOf(ANONYMOUS, clientId);
  }
}
