import type { Runtime } from "@ottla/runtime";

/** Waits shorter than this are saved up: timers are not more exact. */
const SHORTEST_WAIT_MS = 5;

/** Holds work back that would read and write more than so many bytes a second. */
export class Pace {
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #maxBytesPerSecond: number;
  /** When the work done so far would have ended at that pace. */
  #dueMs: number;

  constructor(runtime: Pick<Runtime, "clock" | "timers">, maxBytesPerSecond: number) {
    this.#runtime = runtime;
    this.#maxBytesPerSecond = maxBytesPerSecond;
    this.#dueMs = runtime.clock.monotonicMs();
  }

  /** Counts bytes that were read or written; settles when more may be. */
  async spend(bytes: number): Promise<void> {
    const { clock, timers } = this.#runtime;
    const nowMs = clock.monotonicMs();
    this.#dueMs = Math.max(this.#dueMs, nowMs - SHORTEST_WAIT_MS) + (bytes * 1000) / this.#maxBytesPerSecond;
    const waitMs = this.#dueMs - nowMs;
    if (waitMs >= SHORTEST_WAIT_MS) await new Promise<void>((resolve) => timers.schedule(waitMs, resolve));
  }
}
