import type { FetchResponse } from "@ottla/protocol";
import { BufferPool } from "@ottla/storage/internal";
import type { FrameMemory } from "@ottla/transport";

/** What is kept for the next answers. */
const RETAINED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Where answers to followers' fetches are read to: the same memory again and again, as a log keeps nothing of what its
 * follower appends. New memory for each answer would be half of what makes V8 mark its heap.
 */
export class FetchMemory {
  readonly #pool = new BufferPool(RETAINED_BYTES_MAX);
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /** For the connections to leaders. */
  readonly frames: FrameMemory = (before, sizeBytes) => {
    const memory = this.#pool.acquire(sizeBytes);
    this.#lent.add(memory.buffer);
    this.#release(before);
    return memory;
  };

  /** The records of an answer are in the logs, or are not wanted: nobody looks at them any more. */
  releaseRecords({ responses }: FetchResponse): void {
    for (const { partitions } of responses) {
      for (const { records } of partitions) if (records !== null) this.#release(records);
    }
  }

  #release({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer)) return;
    this.#pool.release(new Uint8Array(buffer as ArrayBuffer));
  }
}
