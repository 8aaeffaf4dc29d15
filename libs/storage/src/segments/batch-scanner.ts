import { BATCH_HEADER_BYTES, batchSizeAt } from "@ottla/protocol/internal";
import type { CachedFile } from "../files/file-cache.ts";
import type { BufferPool } from "../memory/buffer-pool.ts";

/** What is read at a time, and at first, while it is not known how small batches are. */
const BLOCK_BYTES_MAX = 1024 * 1024;
const FIRST_BLOCK_BYTES = 256 * 1024;

/** How many batches are looked at in one turn of the event loop: so many of the smallest take 2 to 3 ms. */
const BATCHES_AT_ONCE = 4096;

/**
 * Looks at one batch: `bytes[position, position + sizeBytes)`, which starts at `filePosition` of the file.
 * Returns false to end the scan before this batch.
 */
export type BatchVisitor = (bytes: Uint8Array, position: number, sizeBytes: number, filePosition: number) => boolean;

/**
 * Visits the batches in `[from, to)` of a file in order. Returns where the scan ended: at `to`, at a batch that the
 * visitor did not want, or at bytes that are no whole batch. Memory is bounded by the largest batch that fits the range.
 */
export async function scanBatches(
  log: CachedFile,
  pool: BufferPool,
  from: number,
  to: number,
  visit: BatchVisitor,
): Promise<number> {
  let position = from;
  let blockBytes = FIRST_BLOCK_BYTES;
  while (to - position >= BATCH_HEADER_BYTES) {
    const buffer = pool.acquire(Math.min(blockBytes, to - position));
    try {
      const readBytes = await log.use((file) => file.read(buffer, position));
      const scanned = scanBlock(buffer.subarray(0, readBytes), position, visit);
      if (scanned.isDone) return position + scanned.bytes;
      position += scanned.bytes;
      const isCutShort = scanned.neededBytes > to - position || (readBytes < buffer.length && scanned.bytes === 0);
      if (isCutShort) return position;
      blockBytes = Math.max(nextBlockBytes(scanned), scanned.neededBytes);
    } finally {
      pool.release(buffer);
    }
  }
  return position;
}

/** As many bytes as may be looked at at once, if batches stay as large as they are. */
function nextBlockBytes({ bytes, batches }: ScannedBlock): number {
  if (batches === 0) return BLOCK_BYTES_MAX;
  return Math.min(BLOCK_BYTES_MAX, Math.ceil((bytes / batches) * BATCHES_AT_ONCE));
}

interface ScannedBlock {
  /** Bytes of the batches that were visited. */
  readonly bytes: number;
  /** How many these were. */
  readonly batches: number;
  readonly isDone: boolean;
  /** Bytes of the batch that did not fit the block; 0 where that is not known. */
  readonly neededBytes: number;
}

function scanBlock(block: Uint8Array, filePosition: number, visit: BatchVisitor): ScannedBlock {
  let position = 0;
  let batches = 0;
  const scanned = (isDone: boolean, neededBytes = 0) => ({ bytes: position, batches, isDone, neededBytes });
  while (block.length - position >= BATCH_HEADER_BYTES) {
    const sizeBytes = batchSizeAt(block, position);
    if (sizeBytes < BATCH_HEADER_BYTES) return scanned(true);
    if (sizeBytes > block.length - position) return scanned(false, sizeBytes);
    if (!visit(block, position, sizeBytes, filePosition + position)) return scanned(true);
    position += sizeBytes;
    batches++;
  }
  return scanned(false);
}
