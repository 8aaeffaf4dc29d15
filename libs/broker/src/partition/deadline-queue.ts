import type { Clock, Timer, Timers } from "@ottla/runtime";

/** Something that happens unless it is cancelled in time. */
export interface Deadline {
  cancel(): void;
}

/** Deadlines within this time of each other fire together: one timer for thousands of waiting requests. */
const TICK_MS = 4;

/** Many deadlines on few timers. A deadline fires at its time or up to a tick later, never earlier. */
export class DeadlineQueue {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #buckets = new Map<number, Set<() => void>>();
  #timer: Timer | null = null;
  #timerTick = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  /** Calls `onExpiry` once, `delayMs` from now. */
  schedule(delayMs: number, onExpiry: () => void): Deadline {
    const tick = Math.ceil((this.#clock.monotonicMs() + delayMs) / TICK_MS);
    let bucket = this.#buckets.get(tick);
    if (bucket === undefined) {
      bucket = new Set();
      this.#buckets.set(tick, bucket);
    }
    const entry = () => onExpiry();
    bucket.add(entry);
    if (tick < this.#timerTick) this.#setTimer(tick);
    return { cancel: () => this.#cancel(tick, entry) };
  }

  /** Forgets all deadlines. */
  close(): void {
    this.#timer?.cancel();
    this.#buckets.clear();
  }

  #cancel(tick: number, entry: () => void): void {
    const bucket = this.#buckets.get(tick);
    if (bucket?.delete(entry) && bucket.size === 0) this.#buckets.delete(tick);
  }

  #setTimer(tick: number): void {
    this.#timer?.cancel();
    this.#timerTick = tick;
    const delayMs = tick * TICK_MS - this.#clock.monotonicMs();
    this.#timer = this.#timers.schedule(delayMs, () => this.#fire());
  }

  #fire(): void {
    this.#timer = null;
    this.#timerTick = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonicMs() / TICK_MS;
    const due: number[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const tick of this.#buckets.keys()) {
      if (tick <= now) due.push(tick);
      else if (tick < next) next = tick;
    }
    const expired = due.sort((a, b) => a - b).flatMap((tick) => [...this.#buckets.get(tick)!]);
    for (const tick of due) this.#buckets.delete(tick);
    for (const onExpiry of expired) onExpiry();
    if (next < this.#timerTick) this.#setTimer(next);
  }
}
