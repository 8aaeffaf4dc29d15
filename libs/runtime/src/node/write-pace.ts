/**
 * Writes up to this size may be done at once: into the page cache they take a few microseconds, a tenth of what it costs
 * to have a thread do them. Markers of transactions and records of coordinators are of this kind.
 */
const AT_ONCE_BYTES_MAX = 4096;
/**
 * So much of what somebody waits for may be written at once within a spell: then a thread would gain nothing but that other
 * connections are not held up, and for so little they are not. It takes a tenth of a spell or less.
 */
const AWAITED_BYTES_MAX = 512 * 1024;
const SPELL_MS = 5;
/** A write that takes longer has met a disk that cannot keep up: the event loop must not wait for such a one again. */
const SLOW_MS = 5;
/** A call that a thread has not come back from for so long waits for a disk that stands still; a sync may take a while. */
const STALLED_MS = 100;
/** How many writes of this kind threads do after a slow one, before one is tried at once again. */
const AVOIDED_AFTER_SLOW = 1_000;

/**
 * Which writes of one disk are done at once, and which by a thread. None is where a thread has waited for the disk too long
 * already: a disk that stands still shows it in large writes and syncs first.
 */
export class WritePace {
  #avoided = 0;
  #spellBeganMs = Number.NEGATIVE_INFINITY;
  /** What was written at once since, of what is not small. */
  #spellBytes = 0;
  /** When each call that a thread does now was handed over, the oldest first. */
  readonly #handedOverMs = new Map<object, number>();

  /** @param isAwaited see `WriteOptions` */
  allowsAtOnce(chunks: readonly Uint8Array[], nowMs: number, isAwaited = false): boolean {
    let sizeBytes = 0;
    for (const { length } of chunks) sizeBytes += length;
    const isSmall = sizeBytes <= AT_ONCE_BYTES_MAX;
    if (!isSmall && !(isAwaited && this.#hasRoomFor(sizeBytes, nowMs))) return false;
    if (this.#isStalled(nowMs)) this.#avoided = AVOIDED_AFTER_SLOW;
    if (this.#avoided > 0) {
      this.#avoided--;
      return false;
    }
    if (!isSmall) this.#spellBytes += sizeBytes;
    return true;
  }

  #hasRoomFor(sizeBytes: number, nowMs: number): boolean {
    if (nowMs - this.#spellBeganMs >= SPELL_MS) {
      this.#spellBeganMs = nowMs;
      this.#spellBytes = 0;
    }
    return this.#spellBytes + sizeBytes <= AWAITED_BYTES_MAX;
  }

  /** A thread was handed a call; what comes back is for {@link threadEnded}. */
  threadBegan(nowMs: number): object {
    const call = {};
    this.#handedOverMs.set(call, nowMs);
    return call;
  }

  threadEnded(call: object): void {
    this.#handedOverMs.delete(call);
  }

  #isStalled(nowMs: number): boolean {
    for (const beganMs of this.#handedOverMs.values()) return nowMs - beganMs > STALLED_MS;
    return false;
  }

  /** A write at once has taken so long. */
  tookAtOnce(elapsedMs: number): void {
    if (elapsedMs > SLOW_MS) this.#avoided = AVOIDED_AFTER_SLOW;
  }
}
