import { BATCH_HEADER_BYTES, batchSizeAt } from "@ottla/protocol/internal";
import type { CachedFile } from "../files/file-cache.ts";
import type { BufferPool } from "../memory/buffer-pool.ts";

const BLOCK_BYTES = 1024 * 1024;

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
  let blockBytes = BLOCK_BYTES;
  while (to - position >= BATCH_HEADER_BYTES) {
    const buffer = pool.acquire(Math.min(blockBytes, to - position));
    try {
      const readBytes = await log.use((file) => file.read(buffer, position));
      const scanned = scanBlock(buffer.subarray(0, readBytes), position, visit);
      if (scanned.isDone) return position + scanned.bytes;
      position += scanned.bytes;
      const isCutShort = scanned.neededBytes > to - position || (readBytes < buffer.length && scanned.bytes === 0);
      if (isCutShort) return position;
      blockBytes = Math.max(BLOCK_BYTES, scanned.neededBytes);
    } finally {
      pool.release(buffer);
    }
  }
  return position;
}

interface ScannedBlock {
  /** Bytes of the batches that were visited. */
  readonly bytes: number;
  readonly isDone: boolean;
  /** Bytes of the batch that did not fit the block; 0 where that is not known. */
  readonly neededBytes: number;
}

function scanBlock(block: Uint8Array, filePosition: number, visit: BatchVisitor): ScannedBlock {
  let position = 0;
  while (block.length - position >= BATCH_HEADER_BYTES) {
    const sizeBytes = batchSizeAt(block, position);
    if (sizeBytes < BATCH_HEADER_BYTES) return { bytes: position, isDone: true, neededBytes: 0 };
    if (sizeBytes > block.length - position) return { bytes: position, isDone: false, neededBytes: sizeBytes };
    if (!visit(block, position, sizeBytes, filePosition + position)) {
      return { bytes: position, isDone: true, neededBytes: 0 };
    }
    position += sizeBytes;
  }
  return { bytes: position, isDone: false, neededBytes: 0 };
}
