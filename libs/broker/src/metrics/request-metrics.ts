import type { ApiDefinition } from "@ottla/protocol";
import type { Clock } from "@ottla/runtime";
import { ErrorCounter } from "./error-counter.ts";
import { Histogram } from "./histogram.ts";

/** What the requests of one API were like. Times in milliseconds. */
export class ApiMetrics {
  /** Kafka's name of the API, such as `Produce`. */
  readonly name: string;
  /** Requests by version. */
  readonly countByVersion: number[] = [];
  /** Size of requests. */
  readonly requestBytes = new Histogram();
  /** From the last byte of a request to its handler: it waited for those before it on its connection. */
  readonly queueTimeMs = new Histogram();
  /** From the last byte of a request to its answer, long polling included. */
  readonly totalTimeMs = new Histogram();

  /** Error codes of its answers. */
  readonly errors: ErrorCounter;

  constructor(api: ApiDefinition) {
    this.name = api.name;
    this.errors = new ErrorCounter(api);
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

  /** It was answered, or is done without an answer. */
  ended(metrics: ApiMetrics, receivedAtMs: number, response?: unknown): void {
    if (response !== undefined) metrics.errors.count(response);
    metrics.totalTimeMs.record(this.#clock.monotonicMs() - receivedAtMs);
  }

  #add(api: ApiDefinition): ApiMetrics {
    const metrics = new ApiMetrics(api);
    this.#byKey[api.key] = metrics;
    return metrics;
  }

  *[Symbol.iterator](): IterableIterator<ApiMetrics> {
    for (const metrics of this.#byKey) if (metrics !== undefined) yield metrics;
  }
}
