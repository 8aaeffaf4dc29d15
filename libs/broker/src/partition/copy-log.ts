import type { PartitionLog } from "@ottla/storage";
import { truncationOffset } from "../replication/truncation.ts";

/**
 * Brings a copy nearer to the log that it shall replace, by `maxBytes` or so, as a follower comes nearer to its leader: what
 * the log has cut off is cut off, what it has deleted is deleted. The bytes copied; 0 when the copy has all that there is.
 */
export async function copyLog(log: PartitionLog, copy: PartitionLog, maxBytes: number): Promise<number> {
  await agree(log, copy);
  if (copy.logEndOffset < log.logEndOffset) return await copySome(log, copy, maxBytes);
  const highWatermark = Math.min(log.highWatermark, copy.logEndOffset);
  if (highWatermark > copy.highWatermark) copy.setHighWatermark(highWatermark);
  const startOffset = Math.min(log.logStartOffset, copy.highWatermark);
  if (startOffset > copy.logStartOffset) await copy.advanceLogStartOffset(startOffset);
  return 0;
}

async function agree(log: PartitionLog, copy: PartitionLog): Promise<void> {
  if (copy.logEndOffset < log.logStartOffset) return await copy.truncateFullyAndStartAt(log.logStartOffset);
  if (copy.logEndOffset === copy.logStartOffset) return;
  const end = log.endOffsetForEpoch(copy.latestLeaderEpoch);
  const offset = end === null ? Math.min(log.logEndOffset, copy.logEndOffset) : truncationOffset(copy, end);
  if (offset < copy.logEndOffset) await copy.truncateTo(offset);
}

async function copySome(log: PartitionLog, copy: PartitionLog, maxBytes: number): Promise<number> {
  const read = await log.read(copy.logEndOffset, { maxBytes, minOneBatch: true, limit: "logEnd" });
  const batches = new Uint8Array(read.sizeBytes);
  let position = 0;
  for (const chunk of read.chunks) {
    batches.set(chunk, position);
    position += chunk.length;
  }
  read.release();
  await copy.appendAsFollower(batches).written;
  return batches.length;
}
