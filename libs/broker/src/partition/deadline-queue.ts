import type { Clock, Timer, Timers } from "@ottla/runtime";

/** Something that happens unless it is cancelled in time. */
export interface Deadline {
  /** When it fires, in time of the monotonic clock. */
  readonly dueMs: number;
  cancel(): void;
}

/** How late deadlines may be at most, as a part of their delay and in all. Both bounds are there for a broker at rest. */
interface Lateness {
  readonly ofDelay: number;
  readonly msMax: number;
}

/** Whatever its delay, a deadline may be late by this. */
const TICK_MS_MIN = 4;
const PUNCTUAL: Lateness = { ofDelay: 1 / 10, msMax: 32 };
/** Where nothing is missed by being late. */
const PATIENT: Lateness = { ofDelay: 1 / 3, msMax: 128 };

/**
 * Many deadlines on few timers. A deadline fires at its time or up to a tick later, never earlier.
 *
 * Deadlines of one tick fire together, and a tick is a part of the delay, within bounds: an idle broker is woken a few times
 * a second for all the fetches that wait, not once for each. Who is answered together also asks again together.
 */
export class DeadlineQueue {
  readonly #clock: Clock;
  readonly #timers: Timers;
  /** By the time at which they fire. */
  readonly #buckets = new Map<number, Set<() => void>>();
  #timer: Timer | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  /** Calls `onExpiry` once, `delayMs` from now: a tenth of that later at most, or a third where it is patient. */
  schedule(delayMs: number, onExpiry: () => void, options?: { readonly isPatient?: boolean }): Deadline {
    const tickMs = tickOf(delayMs, options?.isPatient ? PATIENT : PUNCTUAL);
    const dueMs = Math.ceil((this.#clock.monotonicMs() + delayMs) / tickMs) * tickMs;
    let bucket = this.#buckets.get(dueMs);
    if (bucket === undefined) {
      bucket = new Set();
      this.#buckets.set(dueMs, bucket);
    }
    const entry = () => onExpiry();
    bucket.add(entry);
    if (dueMs < this.#timerDueMs) this.#setTimer(dueMs);
    return { dueMs, cancel: () => this.#cancel(dueMs, entry) };
  }

  /** Forgets all deadlines. */
  close(): void {
    this.#timer?.cancel();
    this.#buckets.clear();
  }

  #cancel(dueMs: number, entry: () => void): void {
    const bucket = this.#buckets.get(dueMs);
    if (bucket?.delete(entry) && bucket.size === 0) this.#buckets.delete(dueMs);
  }

  #setTimer(dueMs: number): void {
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#timers.schedule(dueMs - this.#clock.monotonicMs(), () => this.#fire());
  }

  #fire(): void {
    this.#timer = null;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    const due: number[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const dueMs of this.#buckets.keys()) {
      if (dueMs <= nowMs) due.push(dueMs);
      else if (dueMs < nextMs) nextMs = dueMs;
    }
    const expired = due.sort((a, b) => a - b).flatMap((dueMs) => [...this.#buckets.get(dueMs)!]);
    for (const dueMs of due) this.#buckets.delete(dueMs);
    for (const onExpiry of expired) onExpiry();
    if (nextMs < this.#timerDueMs) this.#setTimer(nextMs);
  }
}

/** In doublings of the smallest, so that the ticks of short delays and long ones meet. */
function tickOf(delayMs: number, { ofDelay, msMax }: Lateness): number {
  const boundMs = Math.min(delayMs * ofDelay, msMax);
  let tickMs = TICK_MS_MIN;
  while (2 * tickMs <= boundMs) tickMs *= 2;
  return tickMs;
}
