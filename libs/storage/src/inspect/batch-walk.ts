import { BATCH_HEADER_BYTES, batchSizeAt, checkBatchIntegrity } from "@ottla/protocol/internal";
import type { Disk } from "@ottla/runtime";

const BLOCK_BYTES = 1024 * 1024;
/** No batch is larger: a length beyond it is damage, and not worth the memory. */
const BATCH_BYTES_MAX = 512 * 1024 * 1024;

/** A batch as it lies in a file, or the damage found in its place. */
export interface WalkedBatch {
  readonly filePosition: number;
  readonly sizeBytes: number;
  /** The batch is `bytes[position, position + sizeBytes)`; valid until the next one is asked for. */
  readonly bytes: Uint8Array;
  readonly position: number;
  /** What is wrong with it: its frame or its CRC; null for a good one. */
  readonly problem: string | null;
}

/**
 * Every batch of a segment's log, in order. Behind a batch whose length cannot be believed nothing can be found, so the
 * walk ends there; a batch with a wrong CRC only is passed over.
 */
export async function* walkBatches(
  disk: Disk,
  path: string,
  onRead: (sizeBytes: number) => void = () => {},
): AsyncGenerator<WalkedBatch, void> {
  const file = await disk.open(path, { readOnly: true });
  try {
    const fileBytes = await file.sizeBytes();
    let filePosition = 0;
    let neededBytes = BATCH_HEADER_BYTES;
    while (filePosition < fileBytes) {
      const block = new Uint8Array(Math.min(Math.max(BLOCK_BYTES, neededBytes), fileBytes - filePosition));
      const readBytes = await file.read(block, filePosition);
      const bytes = block.subarray(0, readBytes);
      const isEnd = filePosition + readBytes >= fileBytes;
      let position = 0;
      for (;;) {
        const missing = missingBytes(bytes, position, fileBytes - filePosition);
        if (missing > 0 && !isEnd) {
          neededBytes = missing;
          break;
        }
        if (position === bytes.length) break;
        const found = look(bytes, position, filePosition);
        yield found;
        if (found.sizeBytes === 0) {
          // Nobody will look at the rest.
          onRead(fileBytes - filePosition);
          return;
        }
        position += found.sizeBytes;
      }
      onRead(isEnd ? readBytes : position);
      if (isEnd) return;
      filePosition += position;
    }
  } finally {
    await file.close();
  }
}

/** How many bytes a block must have to hold the batch at `position`, where this one does not; 0 where it does. */
function missingBytes(bytes: Uint8Array, position: number, fileBytes: number): number {
  if (bytes.length - position < BATCH_HEADER_BYTES) return BATCH_HEADER_BYTES;
  const sizeBytes = batchSizeAt(bytes, position);
  if (sizeBytes > BATCH_BYTES_MAX || sizeBytes > fileBytes - position) return 0;
  return sizeBytes > bytes.length - position ? sizeBytes : 0;
}

function look(bytes: Uint8Array, position: number, blockPosition: number): WalkedBatch {
  const isHeaderThere = bytes.length - position >= BATCH_HEADER_BYTES;
  const sizeBytes = isHeaderThere ? batchSizeAt(bytes, position) : 0;
  const isWhole = sizeBytes >= BATCH_HEADER_BYTES && sizeBytes <= bytes.length - position;
  return {
    filePosition: blockPosition + position,
    sizeBytes: isWhole ? sizeBytes : 0,
    bytes,
    position,
    problem: checkBatchIntegrity(bytes, position)?.message ?? null,
  };
}
