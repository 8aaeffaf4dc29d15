import type { KafkaError } from "@ottla/protocol/client";
import type { Runtime } from "@ottla/runtime";
import type { TroubleEvents } from "./events.ts";

/** Trouble that lasts so long is told of. */
const STALL_AFTER_MS = 10_000;

interface TroubleListener {
  emit<N extends keyof TroubleEvents>(name: N, event: TroubleEvents[N]): void;
}

interface Trouble {
  readonly sinceMs: number;
  isTold: boolean;
}

/**
 * Keeps track of what fails and is tried again. A single failure is a `retry` event and a line of the log at `debug`;
 * what goes on failing is a `stall` event and a warning, once; a `recovered` event says that it is over.
 */
export class TroubleMonitor {
  /** Who has the trouble, as lines of the log begin: `the consumer`. */
  readonly #who: string;
  readonly #runtime: Runtime;
  readonly #events: TroubleListener;
  readonly #troubles = new Map<string, Trouble>();

  constructor(who: string, runtime: Runtime, events: TroubleListener) {
    this.#who = who;
    this.#runtime = runtime;
    this.#events = events;
  }

  /** Whether anything is tried again: only then is there something to tell {@link recovered}. */
  get isInTrouble(): boolean {
    return this.#troubles.size > 0;
  }

  report(operation: string, error: KafkaError): void {
    const { clock, logger } = this.#runtime;
    const trouble = this.#troubles.get(operation) ?? { sinceMs: clock.monotonicMs(), isTold: false };
    this.#troubles.set(operation, trouble);
    const sinceMs = clock.monotonicMs() - trouble.sinceMs;
    logger.debug(`${this.#who} tries again after a failure`, { operation, code: error.code, error, sinceMs });
    this.#events.emit("retry", { operation, error });
    if (trouble.isTold || sinceMs < STALL_AFTER_MS) return;
    trouble.isTold = true;
    logger.warn(`${this.#who} is stalled`, { operation, code: error.code, error: error.message, sinceMs });
    this.#events.emit("stall", { operation, error, sinceMs });
  }

  recovered(operation: string): void {
    const trouble = this.#troubles.get(operation);
    if (trouble === undefined) return;
    this.#troubles.delete(operation);
    if (trouble.isTold) this.#runtime.logger.info(`${this.#who} goes on`, { operation });
    this.#events.emit("recovered", { operation });
  }
}
