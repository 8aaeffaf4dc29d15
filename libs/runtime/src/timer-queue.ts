/** A callback that waits for its moment. */
export interface QueuedTimer {
  readonly dueMs: number;
  /** Equal ones come in the order in which they were added. */
  readonly sequence: number;
  readonly callback: () => void;
  /** Its place in the heap. */
  place: number;
}

/** Timers in the order in which they come due: a binary heap that knows where each one is, as most are cancelled. */
export class TimerQueue {
  readonly #heap: QueuedTimer[] = [];
  #sequence = 0;

  get size(): number {
    return this.#heap.length;
  }

  add(dueMs: number, callback: () => void): QueuedTimer {
    const timer = { dueMs, sequence: this.#sequence++, callback, place: 0 };
    this.#rise(timer, this.#heap.length);
    return timer;
  }

  /** Takes out the first, if it is due by then. */
  takeDue(untilMs: number): QueuedTimer | null {
    const first = this.#heap[0];
    if (first === undefined || first.dueMs > untilMs) return null;
    this.remove(first);
    return first;
  }

  /** Does nothing where it is not there any more. */
  remove(timer: QueuedTimer): void {
    const { place } = timer;
    if (this.#heap[place] !== timer) return;
    const last = this.#heap.pop()!;
    if (last === timer) return;
    if (place > 0 && isBefore(last, this.#heap[(place - 1) >> 1]!)) this.#rise(last, place);
    else this.#sink(last, place);
  }

  #rise(timer: QueuedTimer, from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#heap[parent]!;
      if (!isBefore(timer, above)) break;
      this.#put(above, place);
      place = parent;
    }
    this.#put(timer, place);
  }

  #sink(timer: QueuedTimer, from: number): void {
    const heap = this.#heap;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, timer)) break;
      this.#put(heap[child]!, place);
      place = child;
    }
    this.#put(timer, place);
  }

  #put(timer: QueuedTimer, place: number): void {
    this.#heap[place] = timer;
    timer.place = place;
  }
}

function isBefore(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}
