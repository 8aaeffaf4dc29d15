import type { FramePool } from "./frame-pool.ts";

/** Bytes of one append that are still in memory: whole batches, as they arrived. */
export interface TailChunk {
  readonly bytes: Uint8Array;
  readonly baseOffset: number;
  readonly lastOffset: number;
}

/** What a chunk costs beside its bytes: the objects that describe it. It counts where batches are tiny. */
export const CHUNK_OVERHEAD_BYTES = 256;

/** Below this, entries of cleared tails are not worth looking for. */
const COMPACT_MIN_ENTRIES = 1024;

/**
 * Bounds the memory that the tails of all partitions hold together. What counts is what a slice pins: a small slice
 * of a large buffer pins all of it, and several slices of one buffer pin it once.
 */
export class TailMemory {
  /** Whose frames the chunks may be parts of: each chunk holds its frame. */
  readonly frames: FramePool | null;
  readonly #limitBytes: number;
  /** How many chunks pin each buffer. */
  readonly #pins = new Map<ArrayBufferLike, number>();
  /** Every tail with a chunk, once per chunk, oldest chunk first; consumed from `#head`. */
  #owners: Tail[] = [];
  #head = 0;
  /** Entries of `#owners` whose chunk was cleared. */
  #clearedCount = 0;
  #pinnedBytes = 0;

  constructor(limitBytes: number, frames: FramePool | null = null) {
    this.#limitBytes = limitBytes;
    this.frames = frames;
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  get pinnedBytes(): number {
    return this.#pinnedBytes;
  }

  /** @internal */
  added(owner: Tail, bytes: Uint8Array): void {
    this.frames?.hold(bytes);
    const pins = this.#pins.get(bytes.buffer) ?? 0;
    this.#pins.set(bytes.buffer, pins + 1);
    this.#pinnedBytes += CHUNK_OVERHEAD_BYTES + (pins === 0 ? bytes.buffer.byteLength : 0);
    this.#owners.push(owner);
    while (this.#pinnedBytes > this.#limitBytes && this.#head < this.#owners.length) this.#evictOldest();
    this.#dropConsumed();
  }

  /** @internal */
  removed(bytes: Uint8Array): void {
    const pins = this.#pins.get(bytes.buffer)!;
    this.frames?.release(bytes);
    this.#pinnedBytes -= CHUNK_OVERHEAD_BYTES;
    if (pins > 1) {
      this.#pins.set(bytes.buffer, pins - 1);
      return;
    }
    this.#pins.delete(bytes.buffer);
    this.#pinnedBytes -= bytes.buffer.byteLength;
  }

  /** @internal `count` chunks of a tail were removed that stand in the queue still. */
  cleared(count: number): void {
    this.#clearedCount += count;
    if (this.#clearedCount < COMPACT_MIN_ENTRIES || this.#clearedCount * 2 < this.#owners.length - this.#head) return;
    this.#owners = this.#owners.slice(this.#head).filter((owner) => !this.#passCleared(owner));
    this.#head = 0;
  }

  #evictOldest(): void {
    const owner = this.#owners[this.#head++]!;
    if (!this.#passCleared(owner)) owner.dropOldest();
  }

  /** True if the owner's oldest entry in the queue is of a chunk that is gone: the entry is done with. */
  #passCleared(owner: Tail): boolean {
    if (owner.clearedCount === 0) return false;
    owner.clearedCount--;
    this.#clearedCount--;
    return true;
  }

  #dropConsumed(): void {
    if (this.#head < COMPACT_MIN_ENTRIES || this.#head * 2 < this.#owners.length) return;
    this.#owners = this.#owners.slice(this.#head);
    this.#head = 0;
  }
}

/** Stands where a chunk was, so that the array does not pin it any more. */
const NOTHING: TailChunk = { bytes: new Uint8Array(0), baseOffset: -1, lastOffset: -1 };

/** The newest batches of one partition, in memory. Invariant: no record between its first and last offset is missing. */
export class Tail {
  readonly #memory: TailMemory;
  #chunks: TailChunk[] = [];
  #head = 0;
  /** @internal Chunks that were cleared, but stand in the memory's queue still: before all others of this tail. */
  clearedCount = 0;

  constructor(memory: TailMemory) {
    this.#memory = memory;
  }

  /** The first offset in memory; Infinity when there is nothing. */
  get startOffset(): number {
    return this.#chunks[this.#head]?.baseOffset ?? Number.POSITIVE_INFINITY;
  }

  get chunks(): readonly TailChunk[] {
    return this.#chunks;
  }

  add(chunk: TailChunk): void {
    this.#chunks.push(chunk);
    this.#memory.added(this, chunk.bytes);
  }

  /** The index of the chunk that holds `offset`, or of the one after it; `chunks.length` when there is none. */
  indexOf(offset: number): number {
    let low = this.#head;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Slices of chunks that somebody looks at, whatever becomes of the chunks, until what this returns is called. */
  lend(slices: readonly Uint8Array[]): () => void {
    const { frames } = this.#memory;
    if (frames === null) return () => {};
    for (const slice of slices) frames.hold(slice);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      for (const slice of slices) frames.release(slice);
    };
  }

  /** Forgets everything, as after a truncation. */
  clear(): void {
    if (this.#head === this.#chunks.length) return;
    const remaining = this.#chunks.slice(this.#head);
    this.clearedCount += remaining.length;
    this.#chunks = [];
    this.#head = 0;
    for (const chunk of remaining) this.#memory.removed(chunk.bytes);
    this.#memory.cleared(remaining.length);
  }

  /** Forgets what begins below `offset`: compaction has changed it. */
  dropBefore(offset: number): void {
    let count = 0;
    while ((this.#chunks[this.#head]?.baseOffset ?? offset) < offset) {
      this.dropOldest();
      count++;
    }
    this.clearedCount += count;
    this.#memory.cleared(count);
  }

  /** @internal */
  dropOldest(): void {
    const chunk = this.#chunks[this.#head]!;
    this.#chunks[this.#head++] = NOTHING;
    this.#memory.removed(chunk.bytes);
    if (this.#head < 64 || this.#head * 2 < this.#chunks.length) return;
    this.#chunks = this.#chunks.slice(this.#head);
    this.#head = 0;
  }
}
