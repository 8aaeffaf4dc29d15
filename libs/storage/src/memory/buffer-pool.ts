const SMALLEST_BYTES = 4096;

/**
 * Buffers for reads, in a few sizes. A buffer that is given back is kept for the next read, up to `retainedBytesMax` in
 * all; beyond that, one of the size that was not asked for for longest goes to the garbage collector.
 */
export class BufferPool {
  readonly #retainedBytesMax: number;
  /** By their size, the one asked for last at the end. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  #retainedBytes = 0;
  #lentBytes = 0;

  constructor(retainedBytesMax: number) {
    this.#retainedBytesMax = retainedBytesMax;
  }

  /** Bytes that wait for the next read. */
  get retainedBytes(): number {
    return this.#retainedBytes;
  }

  /** Bytes that readers hold. */
  get lentBytes(): number {
    return this.#lentBytes;
  }

  /** A buffer of at least `sizeBytes`, with arbitrary content. */
  acquire(sizeBytes: number): Uint8Array<ArrayBuffer> {
    const capacity = capacityFor(sizeBytes);
    const reused = this.#freeOf(capacity).pop();
    if (reused !== undefined) this.#retainedBytes -= capacity;
    this.#lentBytes += capacity;
    return new Uint8Array(reused ?? new ArrayBuffer(capacity), 0, sizeBytes);
  }

  /** Takes a buffer back. Nobody may look at it from now on. */
  release(buffer: Uint8Array<ArrayBuffer>): void {
    const capacity = buffer.buffer.byteLength;
    this.#lentBytes -= capacity;
    if (capacity > this.#retainedBytesMax) return;
    while (this.#retainedBytes + capacity > this.#retainedBytesMax) this.#dropOne();
    this.#retainedBytes += capacity;
    this.#freeOf(capacity).push(buffer.buffer);
  }

  #freeOf(capacity: number): ArrayBuffer[] {
    const free = this.#free.get(capacity) ?? [];
    this.#free.delete(capacity);
    this.#free.set(capacity, free);
    return free;
  }

  #dropOne(): void {
    for (const [capacity, free] of this.#free) {
      if (free.pop() === undefined) this.#free.delete(capacity);
      else {
        this.#retainedBytes -= capacity;
        return;
      }
    }
  }
}

/** At most a quarter more than asked for, in few enough sizes that buffers are found again. */
function capacityFor(sizeBytes: number): number {
  let step = SMALLEST_BYTES;
  while (step * 8 <= sizeBytes) step *= 2;
  return Math.max(1, Math.ceil(sizeBytes / step)) * step;
}
