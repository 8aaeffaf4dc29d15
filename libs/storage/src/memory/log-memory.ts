import { BufferPool } from "./buffer-pool.ts";
import { TailMemory } from "./tail.ts";

/** The memory that all logs of a broker share, in however many directories they lie. */
export class LogMemory {
  /** @internal */
  readonly tails: TailMemory;
  /** @internal */
  readonly readBuffers: BufferPool;

  /** Memory for the newest batches of all partitions together, and memory kept for reads from disk to use again. */
  constructor(bounds: { readonly tailMemoryBytes: number; readonly readBufferBytes: number }) {
    this.tails = new TailMemory(bounds.tailMemoryBytes);
    this.readBuffers = new BufferPool(bounds.readBufferBytes);
  }
}
