import type { Runtime, Timer } from "@ottla/runtime";

/**
 * One timer for any number of deadlines. Arming it for a deadline later than the one it waits for costs a
 * comparison, so that a request costs no timer of its own.
 */
export class DeadlineTimer {
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #onDue: (nowMs: number) => number;
  #timer: Timer | null = null;
  #armedForMs = Number.POSITIVE_INFINITY;

  /**
   * @param onDue called when the earliest deadline may have passed; returns the next one, Infinity for none.
   * Deadlines are times of the monotonic clock.
   */
  constructor(runtime: Pick<Runtime, "clock" | "timers">, onDue: (nowMs: number) => number) {
    this.#runtime = runtime;
    this.#onDue = onDue;
  }

  /** Makes sure that `onDue` is called at `deadlineMs` or before. */
  arm(deadlineMs: number, nowMs: number): void {
    if (deadlineMs >= this.#armedForMs) return;
    this.#timer?.cancel();
    this.#armedForMs = deadlineMs;
    this.#timer = this.#runtime.timers.schedule(deadlineMs - nowMs, () => this.#fire());
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }

  #fire(): void {
    this.cancel();
    const nowMs = this.#runtime.clock.monotonicMs();
    const nextMs = this.#onDue(nowMs);
    if (nextMs !== Number.POSITIVE_INFINITY) this.arm(nextMs, nowMs);
  }
}
