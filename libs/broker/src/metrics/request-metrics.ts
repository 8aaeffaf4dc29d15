import type { ApiDefinition } from "@ottla/protocol";
import type { Clock } from "@ottla/runtime";
import { Histogram } from "./histogram.ts";

/** What the requests of one API were like. Times in milliseconds. */
export class ApiMetrics {
  readonly name: string;
  /** Requests by version. */
  readonly countByVersion: number[] = [];
  /** Size of requests. */
  readonly requestBytes = new Histogram();
  /** From the last byte of a request to its handler: it waited for those before it on its connection. */
  readonly queueTimeMs = new Histogram();
  /** From the last byte of a request to its answer, long polling included. */
  readonly totalTimeMs = new Histogram();

  constructor(name: string) {
    this.name = name;
  }
}

/** Requests of all APIs, from the first one of each on. */
export class RequestMetrics {
  readonly #clock: Clock;
  readonly #byKey: (ApiMetrics | undefined)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request has come to its handler. */
  begun(api: ApiDefinition, version: number, sizeBytes: number, receivedAtMs: number): ApiMetrics {
    const metrics = this.#byKey[api.key] ?? this.#add(api);
    metrics.countByVersion[version] = (metrics.countByVersion[version] ?? 0) + 1;
    metrics.requestBytes.record(sizeBytes);
    metrics.queueTimeMs.record(this.#clock.monotonicMs() - receivedAtMs);
    return metrics;
  }

  /** It was answered. */
  ended(metrics: ApiMetrics, receivedAtMs: number): void {
    metrics.totalTimeMs.record(this.#clock.monotonicMs() - receivedAtMs);
  }

  #add({ key, name }: ApiDefinition): ApiMetrics {
    const metrics = new ApiMetrics(name);
    this.#byKey[key] = metrics;
    return metrics;
  }

  *[Symbol.iterator](): IterableIterator<ApiMetrics> {
    for (const metrics of this.#byKey) if (metrics !== undefined) yield metrics;
  }
}
