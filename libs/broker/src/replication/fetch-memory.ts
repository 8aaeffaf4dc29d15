import type { FetchResponse } from "@ottla/protocol";
import { FramePool } from "@ottla/storage/internal";
import type { FrameMemory } from "@ottla/transport";

/** What is kept for the next answers. */
const RETAINED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Where answers to followers' fetches are read to: the same memory again and again, as a log keeps nothing of what its
 * follower appends. New memory for each answer would be half of what makes V8 mark its heap.
 */
export class FetchMemory {
  readonly #pool = new FramePool(RETAINED_BYTES_MAX);

  /** For the connections to leaders. */
  readonly frames: FrameMemory = this.#pool.gather;

  /** The records of an answer are in the logs, or are not wanted: nobody looks at them any more. Called once for each answer. */
  releaseRecords({ responses }: FetchResponse): void {
    // All are parts of one frame, which is held once.
    for (const { partitions } of responses) {
      const records = partitions.find((partition) => (partition.records?.length ?? 0) > 0)?.records;
      if (!records) continue;
      this.#pool.release(records);
      return;
    }
  }
}
