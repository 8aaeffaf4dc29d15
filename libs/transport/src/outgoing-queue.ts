import type { WriteDone } from "./byte-channel.ts";

/** Chunks below this size are copied together: a copy costs less than one more buffer in a gathered write. */
const SMALL_CHUNK_BYTES = 2048;

/** One write of so much does not wait for others of its turn: the other side has work the sooner. */
export const FLUSHED_AT_ONCE_BYTES = 64 * 1024;

/** What leaves in one gathered write, or in one WebSocket message. */
export interface OutgoingBatch {
  readonly chunks: Uint8Array[];
  sizeBytes: number;
  readonly onDone: WriteDone[];
}

/**
 * Collects what is written in one turn of the event loop, so that it leaves together.
 *
 * A batch ends only between two writes, and once it holds `batchBytesMax`: with whole frames in each write, every
 * batch is made of whole frames.
 */
export class OutgoingQueue {
  readonly #batchBytesMax: number;
  #batches: OutgoingBatch[] = [];
  #queuedBytes = 0;

  constructor(batchBytesMax = Number.POSITIVE_INFINITY) {
    this.#batchBytesMax = batchBytesMax;
  }

  get sizeBytes(): number {
    return this.#queuedBytes;
  }

  /** @returns the bytes of this write */
  add(chunks: readonly Uint8Array[], onDone?: WriteDone): number {
    const batch = this.#openBatch();
    let sizeBytes = 0;
    for (const chunk of chunks) {
      batch.chunks.push(chunk);
      sizeBytes += chunk.length;
    }
    batch.sizeBytes += sizeBytes;
    this.#queuedBytes += sizeBytes;
    if (onDone !== undefined) batch.onDone.push(onDone);
    return sizeBytes;
  }

  /** Drops what was collected, and tells its writers. */
  drop(): void {
    for (const batch of this.take()) settleBatch(batch, false);
  }

  /** What was collected, in order; the queue is empty afterwards. */
  take(): OutgoingBatch[] {
    const taken = this.#batches;
    this.#batches = [];
    this.#queuedBytes = 0;
    return taken;
  }

  #openBatch(): OutgoingBatch {
    const last = this.#batches[this.#batches.length - 1];
    if (last !== undefined && last.sizeBytes < this.#batchBytesMax) return last;
    const batch: OutgoingBatch = { chunks: [], sizeBytes: 0, onDone: [] };
    this.#batches.push(batch);
    return batch;
  }
}

/** Copies runs of small chunks together and keeps large ones as they are. */
export function coalesceChunks(chunks: Uint8Array[]): Uint8Array[] {
  if (chunks.length < 2) return chunks;
  const coalesced: Uint8Array[] = [];
  let runStart = 0;
  for (let i = 0; i < chunks.length; i++) {
    const chunk = chunks[i]!;
    if (chunk.length < SMALL_CHUNK_BYTES) continue;
    pushRun(coalesced, chunks, runStart, i);
    coalesced.push(chunk);
    runStart = i + 1;
  }
  pushRun(coalesced, chunks, runStart, chunks.length);
  return coalesced;
}

function pushRun(target: Uint8Array[], chunks: readonly Uint8Array[], start: number, end: number): void {
  if (end - start === 1) target.push(chunks[start]!);
  else if (end > start) target.push(concatRange(chunks, start, end));
}

/** All chunks in one piece; the only chunk itself where there is one. */
export function concatChunks(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : concatRange(chunks, 0, chunks.length);
}

function concatRange(chunks: readonly Uint8Array[], start: number, end: number): Uint8Array {
  let sizeBytes = 0;
  for (let i = start; i < end; i++) sizeBytes += chunks[i]!.length;
  const whole = new Uint8Array(sizeBytes);
  let position = 0;
  for (let i = start; i < end; i++) {
    whole.set(chunks[i]!, position);
    position += chunks[i]!.length;
  }
  return whole;
}

/** Tells the writers of a batch that its chunks are no longer needed. */
export function settleBatch(batch: OutgoingBatch, written: boolean): void {
  for (const onDone of batch.onDone) onDone(written);
}
