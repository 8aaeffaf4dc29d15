/**
 * Buffers of one size for full batches, used again and again: a fresh one costs more than filling it. Bounded by what
 * the producer may hold at all.
 */
export class BufferPool {
  readonly bufferSizeBytes: number;
  readonly #buffersMax: number;
  readonly #free: Uint8Array[] = [];

  constructor(bufferSizeBytes: number, totalBytes: number) {
    this.bufferSizeBytes = bufferSizeBytes;
    this.#buffersMax = Math.floor(totalBytes / Math.max(bufferSizeBytes, 1));
  }

  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(this.bufferSizeBytes);
  }

  /** Takes a buffer back. Nobody may read it any more: not the socket either. */
  give(buffer: Uint8Array): void {
    if (this.#free.length < this.#buffersMax) this.#free.push(buffer);
  }
}
