/**
 * Writes up to this size may be done at once: into the page cache they take a few microseconds, a tenth of what it costs
 * to have a thread do them. Markers of transactions and records of coordinators are of this kind.
 */
const AT_ONCE_BYTES_MAX = 4096;
/** A write that takes longer has met a disk that cannot keep up: the event loop must not wait for such a one again. */
const SLOW_MS = 5;
/** How many small writes threads do after a slow one, before one is tried at once again. */
const AVOIDED_AFTER_SLOW = 1_000;

/** Which writes of one disk are done at once, and which by a thread. */
export class WritePace {
  #avoided = 0;

  allowsAtOnce(chunks: readonly Uint8Array[]): boolean {
    let sizeBytes = 0;
    for (const { length } of chunks) sizeBytes += length;
    if (sizeBytes > AT_ONCE_BYTES_MAX) return false;
    if (this.#avoided === 0) return true;
    this.#avoided--;
    return false;
  }

  /** A write at once has taken so long. */
  tookAtOnce(elapsedMs: number): void {
    if (elapsedMs > SLOW_MS) this.#avoided = AVOIDED_AFTER_SLOW;
  }
}
