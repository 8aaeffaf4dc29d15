import { BATCH_HEADER_BYTES, batchSizeAt } from "@ottla/protocol/internal";
import type { CachedFile } from "../files/file-cache.ts";
import { LogDirectoryCorrupt } from "../log-errors.ts";
import type { BufferPool } from "../memory/buffer-pool.ts";

const BLOCK_BYTES = 1024 * 1024;

/** Looks at the whole batches in `bytes[0, end)`, which stay as they are until it is done. False ends the walk. */
export type BlockVisitor = (bytes: Uint8Array, end: number) => Promise<boolean>;

/**
 * Visits the first `sizeBytes` of a file, which must be whole batches, block by block.
 * @throws LogDirectoryCorrupt where they are not
 */
export async function walkBlocks(
  log: CachedFile,
  pool: BufferPool,
  sizeBytes: number,
  visit: BlockVisitor,
): Promise<void> {
  let position = 0;
  let blockBytes = BLOCK_BYTES;
  while (position < sizeBytes) {
    const buffer = pool.acquire(Math.min(blockBytes, sizeBytes - position));
    try {
      const readBytes = await log.use((file) => file.read(buffer, position));
      const { end, neededBytes } = wholeBatches(buffer, readBytes);
      if (end > 0 && !(await visit(buffer, end))) return;
      position += end;
      const isStuck = end === 0 && (neededBytes <= buffer.length || neededBytes > sizeBytes - position);
      if (isStuck) throw new LogDirectoryCorrupt(log.path, `there is no whole batch at position ${position}`);
      blockBytes = Math.max(BLOCK_BYTES, neededBytes);
    } finally {
      pool.release(buffer);
    }
  }
}

/** Where the last whole batch of a block ends, and the size of the one that was cut short; 0 where that is not known. */
function wholeBatches(bytes: Uint8Array, readBytes: number): { end: number; neededBytes: number } {
  let end = 0;
  while (readBytes - end >= BATCH_HEADER_BYTES) {
    const sizeBytes = batchSizeAt(bytes, end);
    if (sizeBytes < BATCH_HEADER_BYTES) return { end, neededBytes: 0 };
    if (sizeBytes > readBytes - end) return { end, neededBytes: sizeBytes };
    end += sizeBytes;
  }
  return { end, neededBytes: 0 };
}
