import { BufferPool } from "./buffer-pool.ts";
import { FramePool } from "./frame-pool.ts";
import { TailMemory } from "./tail.ts";

/** What is kept for the next frames: once a tail is full it gives back as much as comes. */
const RETAINED_FRAME_BYTES_MAX = 8 * 1024 * 1024;

/** How many buffers of frames a tail has at the least: it is given up a buffer at a time. */
const TAIL_BUFFERS_MIN = 64;
const FRAME_BUFFER_BYTES_MAX = 1024 * 1024;

/** The memory that all logs of a broker share, in however many directories they lie. */
export class LogMemory {
  /** @internal */
  readonly tails: TailMemory;
  /** @internal */
  readonly readBuffers: BufferPool;

  /** Where requests that bring batches are read to: a tail keeps the very bytes. */
  readonly frames: FramePool;

  /** Memory for the newest batches of all partitions together, and memory kept for reads from disk to use again. */
  constructor(bounds: { readonly tailMemoryBytes: number; readonly readBufferBytes: number }) {
    const frameBufferBytes = Math.min(FRAME_BUFFER_BYTES_MAX, Math.floor(bounds.tailMemoryBytes / TAIL_BUFFERS_MIN));
    this.frames = new FramePool(RETAINED_FRAME_BYTES_MAX, frameBufferBytes);
    this.tails = new TailMemory(bounds.tailMemoryBytes, this.frames);
    this.readBuffers = new BufferPool(bounds.readBufferBytes);
  }
}
