const NEVER = Number.POSITIVE_INFINITY;

/** A moment at which something is to happen unless it is moved or cancelled before. `Subject` says what. */
export class Deadline<Subject> {
  readonly subject: Subject;
  /** When it is due; infinite while it is not scheduled. */
  dueMs = NEVER;
  /** @internal Where it lies in the queue, never after `dueMs`; infinite while it is not in the queue. */
  queuedMs = NEVER;

  constructor(subject: Subject) {
    this.subject = subject;
  }
}

interface Entry<Subject> {
  readonly atMs: number;
  readonly order: number;
  readonly deadline: Deadline<Subject>;
}

/**
 * Deadlines in the order in which they fall due (a binary heap).
 *
 * A deadline that is moved back stays where it lies in the queue and is queued anew once it is reached: a heartbeat,
 * which does just that, costs one assignment. So `nextDueMs` may be early, never late.
 */
export class DeadlineQueue<Subject> {
  private readonly heap: Entry<Subject>[] = [];
  private entries = 0;

  /** The earliest moment at which `takeDue` may return something; infinite for none. */
  get nextDueMs(): number {
    return this.heap[0]?.atMs ?? NEVER;
  }

  /** Sets or moves a deadline. */
  schedule(deadline: Deadline<Subject>, dueMs: number): void {
    deadline.dueMs = dueMs;
    if (dueMs < deadline.queuedMs) this.push(deadline);
  }

  cancel(deadline: Deadline<Subject>): void {
    deadline.dueMs = NEVER;
  }

  /** Removes and returns the next deadline that is due at `nowMs`, or undefined. */
  takeDue(nowMs: number): Deadline<Subject> | undefined {
    for (;;) {
      const top = this.heap[0];
      if (top === undefined || top.atMs > nowMs) return undefined;
      this.pop();
      const { deadline } = top;
      if (top.atMs !== deadline.queuedMs) continue;
      deadline.queuedMs = NEVER;
      if (deadline.dueMs <= nowMs) {
        deadline.dueMs = NEVER;
        return deadline;
      }
      if (deadline.dueMs !== NEVER) this.push(deadline);
    }
  }

  private push(deadline: Deadline<Subject>): void {
    deadline.queuedMs = deadline.dueMs;
    const { heap } = this;
    const entry = { atMs: deadline.dueMs, order: this.entries++, deadline };
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length > 0) this.sinkFromTop(last);
  }

  private sinkFromTop(entry: Entry<Subject>): void {
    const { heap } = this;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, entry)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = entry;
  }
}

/** Deadlines of one moment fall due in the order in which they were queued, so that a run can be repeated. */
function isBefore<Subject>(a: Entry<Subject>, b: Entry<Subject>): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.order < b.order;
}
