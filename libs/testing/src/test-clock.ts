import type { Clock, Runtime, Timer, Timers } from "@ottla/runtime";

interface Entry {
  readonly dueAtMs: number;
  readonly fire: () => void;
  real: Timer;
}

/**
 * A clock that goes like the machine's, and can be put forward: what the broker waits for until then happens at once
 * (session timeouts, retention, the end of transactions). Clients have clocks of their own.
 */
export class TestClock implements Clock {
  /** The broker's timers, which go by this clock. */
  readonly timers: Timers;
  readonly #base: Pick<Runtime, "clock" | "timers">;
  readonly #entries = new Set<Entry>();
  #aheadMs = 0;

  constructor(base: Pick<Runtime, "clock" | "timers">) {
    this.#base = base;
    this.timers = {
      schedule: (delayMs, callback, options) => this.#schedule(delayMs, callback, options),
      defer: (callback) => base.timers.defer(callback),
    };
  }

  nowMs(): number {
    return this.#base.clock.nowMs() + this.#aheadMs;
  }

  monotonicMs(): number {
    return this.#base.clock.monotonicMs() + this.#aheadMs;
  }

  /** Puts the clock forward. Resolves when what was due until then has been begun. */
  async advance(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`the clock cannot be put forward by ${ms} ms`);
    this.#aheadMs += ms;
    for (const entry of [...this.#entries].sort((a, b) => a.dueAtMs - b.dueAtMs)) {
      if (this.#entries.has(entry) && entry.dueAtMs <= this.monotonicMs()) entry.fire();
    }
    for (const entry of this.#entries) this.#rearm(entry);
    await new Promise<void>((resolve) => this.#base.timers.defer(resolve));
  }

  #schedule(delayMs: number, callback: () => void, options?: { readonly keepAlive?: boolean }): Timer {
    const entry: Entry = {
      dueAtMs: this.monotonicMs() + Math.max(0, delayMs),
      fire: () => {
        this.#entries.delete(entry);
        entry.real.cancel();
        callback();
      },
      real: { cancel() {} },
    };
    entry.real = this.#base.timers.schedule(delayMs, entry.fire, options);
    this.#entries.add(entry);
    return {
      cancel: () => {
        this.#entries.delete(entry);
        entry.real.cancel();
      },
    };
  }

  /** What is not due yet has come nearer. */
  #rearm(entry: Entry): void {
    entry.real.cancel();
    entry.real = this.#base.timers.schedule(entry.dueAtMs - this.monotonicMs(), entry.fire, { keepAlive: false });
  }
}
