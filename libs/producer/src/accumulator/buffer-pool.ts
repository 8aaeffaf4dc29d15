/** The least room that a batch starts with. */
const BUFFER_BYTES_MIN = 512;

/** Smaller buffers cost less to allocate than to keep. */
const POOLED_BYTES_MIN = 64 * 1024;

/**
 * Buffers for large batches, used again and again: a fresh one costs more than filling it. They come in doublings, the
 * largest as large as a full batch, so that none is much larger than what it is taken for. What is kept is bounded by
 * what the producer may hold at all.
 */
export class BufferPool {
  readonly #bufferBytesMax: number;
  readonly #keptBytesMax: number;
  /** By their size. */
  readonly #free = new Map<number, Uint8Array[]>();
  #keptBytes = 0;

  constructor(bufferBytesMax: number, totalBytes: number) {
    this.#bufferBytesMax = Math.max(bufferBytesMax, BUFFER_BYTES_MIN);
    this.#keptBytesMax = totalBytes;
  }

  /** A buffer for so many bytes, or for a full batch if that is less. */
  take(sizeBytes: number): Uint8Array {
    if (sizeBytes < Math.min(POOLED_BYTES_MIN, this.#bufferBytesMax))
      return new Uint8Array(Math.max(sizeBytes, BUFFER_BYTES_MIN));
    const pooledBytes = this.#pooledBytes(sizeBytes);
    const buffer = this.#free.get(pooledBytes)?.pop();
    if (buffer === undefined) return new Uint8Array(pooledBytes);
    this.#keptBytes -= pooledBytes;
    return buffer;
  }

  /** Takes a buffer back. Nobody may read it any more: not the socket either. */
  give(buffer: Uint8Array): void {
    const { length } = buffer;
    if (length !== this.#pooledBytes(length) || this.#keptBytes + length > this.#keptBytesMax) return;
    const free = this.#free.get(length);
    if (free === undefined) this.#free.set(length, [buffer]);
    else free.push(buffer);
    this.#keptBytes += length;
  }

  #pooledBytes(sizeBytes: number): number {
    let pooledBytes = POOLED_BYTES_MIN;
    while (pooledBytes < sizeBytes) pooledBytes *= 2;
    return Math.min(pooledBytes, this.#bufferBytesMax);
  }
}
