/** A wait for the high watermark to reach an offset. */
interface CommitWaiter {
  readonly offset: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Who waits for which offset to be committed. Waiters stand in line by their offsets, and nearly always come in that
 * order; moving the high watermark costs only those that it releases.
 */
export class CommitWaiters {
  #line: CommitWaiter[] = [];
  #released = 0;

  get size(): number {
    return this.#line.length - this.#released;
  }

  /** Resolves once the high watermark is `offset` or more. Never rejects unhandled. */
  wait(offset: number): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      this.#insert({ offset, resolve, reject });
    });
    promise.catch(() => {});
    return promise;
  }

  #insert(waiter: CommitWaiter): void {
    const line = this.#line;
    let at = line.length;
    while (at > this.#released && line[at - 1]!.offset > waiter.offset) at--;
    if (at === line.length) line.push(waiter);
    else line.splice(at, 0, waiter);
  }

  release(highWatermark: number): void {
    const line = this.#line;
    while (this.#released < line.length && line[this.#released]!.offset <= highWatermark) {
      line[this.#released++]!.resolve();
    }
    if (this.#released === line.length) {
      this.#line = [];
      this.#released = 0;
    } else if (this.#released > COMPACT_AT) {
      this.#line = line.slice(this.#released);
      this.#released = 0;
    }
  }

  rejectAll(error: unknown): void {
    const waiting = this.#line.slice(this.#released);
    this.#line = [];
    this.#released = 0;
    for (const waiter of waiting) waiter.reject(error);
  }
}

/** Waiters that are done are dropped from the line once there are this many. */
const COMPACT_AT = 1024;
