import type { Clock } from "./clock.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { seededRandom } from "./random.ts";
import type { Runtime } from "./runtime.ts";
import { TimerQueue } from "./timer-queue.ts";
import { createSystemTimers, type Timer, type Timers } from "./timers.ts";

export interface SimulatedRuntimeOptions {
  /** Wall-clock time at the start, in milliseconds since the epoch. Default: 2024-01-01T00:00:00Z. */
  readonly startMs?: number;
  readonly logger?: Logger;
}

/**
 * A runtime whose time stands still until it is told to move. Everything else about it is real: deferred callbacks
 * run by themselves, in the order in which they were deferred, so that code under test can simply be awaited.
 */
export interface SimulatedRuntime extends Runtime {
  /**
   * Moves time forward, running each timer that comes due at its own moment and in order. After each one, whatever
   * it set off (promises, deferred callbacks) runs until it waits for time or for a real disk or socket.
   */
  advance(durationMs: number): Promise<void>;
  /** Runs promises and deferred callbacks until there are none left, without moving time. */
  settle(): Promise<void>;
  /** How many timers wait. A component that was closed must have left none. */
  readonly pendingTimers: number;
}

const DEFAULT_START_MS = Date.UTC(2024, 0, 1);

/** A simulated runtime: virtual time from zero, and randomness that the seed determines. */
export function createSimulatedRuntime(seed: number, options: SimulatedRuntimeOptions = {}): SimulatedRuntime {
  return new VirtualTimeRuntime(seed, options);
}

class VirtualTimeRuntime implements SimulatedRuntime {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random;
  readonly logger: Logger;
  readonly #deferToPlatform = createSystemTimers().defer;
  readonly #scheduled = new TimerQueue();
  #elapsedMs = 0;
  #deferredCount = 0;

  constructor(seed: number, options: SimulatedRuntimeOptions) {
    const startMs = options.startMs ?? DEFAULT_START_MS;
    this.random = seededRandom(seed);
    this.logger = options.logger ?? silentLogger;
    this.clock = { nowMs: () => startMs + Math.floor(this.#elapsedMs), monotonicMs: () => this.#elapsedMs };
    this.timers = {
      schedule: (delayMs, callback) => this.#schedule(delayMs, callback),
      defer: (callback) => this.#defer(callback),
    };
  }

  get pendingTimers(): number {
    return this.#scheduled.size;
  }

  async advance(durationMs: number): Promise<void> {
    const targetMs = this.#elapsedMs + durationMs;
    await this.settle();
    for (let next = this.#scheduled.takeDue(targetMs); next !== null; next = this.#scheduled.takeDue(targetMs)) {
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.callback();
      await this.settle();
    }
    this.#elapsedMs = targetMs;
  }

  async settle(): Promise<void> {
    do await new Promise<void>((resolve) => this.#deferToPlatform(resolve));
    while (this.#deferredCount > 0);
  }

  #schedule(delayMs: number, callback: () => void): Timer {
    const timer = this.#scheduled.add(this.#elapsedMs + Math.max(delayMs, 0), callback);
    return { cancel: () => this.#scheduled.remove(timer) };
  }

  #defer(callback: () => void): void {
    this.#deferredCount++;
    this.#deferToPlatform(() => {
      this.#deferredCount--;
      callback();
    });
  }
}
