import type { KafkaError } from "@ottla/client";
import type { Runtime } from "@ottla/runtime";
import type { EventHub } from "./events.ts";

/** Trouble that lasts so long is told of. */
const STALL_AFTER_MS = 10_000;

interface Trouble {
  readonly sinceMs: number;
  isTold: boolean;
}

/**
 * Keeps track of what fails and is tried again. A single failure is a `retry` event and a line of the log at `debug`;
 * what goes on failing is a `stall` event and a warning, once; a `recovered` event says that it is over.
 */
export class TroubleMonitor {
  readonly #runtime: Runtime;
  readonly #events: EventHub;
  readonly #troubles = new Map<string, Trouble>();

  constructor(runtime: Runtime, events: EventHub) {
    this.#runtime = runtime;
    this.#events = events;
  }

  report(operation: string, error: KafkaError): void {
    const { clock, logger } = this.#runtime;
    const trouble = this.#troubles.get(operation) ?? { sinceMs: clock.monotonicMs(), isTold: false };
    this.#troubles.set(operation, trouble);
    const sinceMs = clock.monotonicMs() - trouble.sinceMs;
    logger.debug("the consumer tries again after a failure", { operation, code: error.code, error, sinceMs });
    this.#events.emit("retry", { operation, error });
    if (trouble.isTold || sinceMs < STALL_AFTER_MS) return;
    trouble.isTold = true;
    logger.warn("the consumer is stalled", { operation, code: error.code, error: error.message, sinceMs });
    this.#events.emit("stall", { operation, error, sinceMs });
  }

  recovered(operation: string): void {
    const trouble = this.#troubles.get(operation);
    if (trouble === undefined) return;
    this.#troubles.delete(operation);
    if (trouble.isTold) this.#runtime.logger.info("the consumer goes on", { operation });
    this.#events.emit("recovered", { operation });
  }
}
