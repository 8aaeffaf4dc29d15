import { ErrorCode, RecordBatch, readRecordBatch } from "@ottla/protocol";
import { compressionAt, type RecordCursor } from "@ottla/protocol/internal";
import { AppendRejected, type RecordError } from "../log-errors.ts";

const MESSAGE = "a compacted topic takes no record without a key";

/**
 * Compaction goes by the key, so a compacted topic takes no record without one. Throws {@link AppendRejected} that names
 * the records. Compressed batches are let through: their records cannot be looked at without decompressing them here.
 */
export function checkKeys(bytes: Uint8Array, position: number): void {
  const errors = recordErrors(bytes, position, MESSAGE, ({ keyLength }) => keyLength < 0);
  if (errors.length > 0) throw new AppendRejected(ErrorCode.INVALID_RECORD, MESSAGE, errors);
}

/** The records of a batch that are at fault; none of a compressed one. */
export function recordErrors(
  bytes: Uint8Array,
  position: number,
  message: string,
  isAtFault: (record: RecordCursor) => boolean,
): readonly RecordError[] {
  if (compressionAt(bytes, position) !== 0) return [];
  const batch = readRecordBatch(bytes, position, { checkCrcs: false });
  if (!(batch instanceof RecordBatch)) return [];
  const cursor = batch.cursor();
  const errors: RecordError[] = [];
  for (let index = 0; nextRecord(cursor); index++) {
    if (isAtFault(cursor)) errors.push({ batchIndex: index, message });
  }
  return errors;
}

function nextRecord(cursor: RecordCursor): boolean {
  try {
    return cursor.next();
  } catch (error) {
    throw new AppendRejected(ErrorCode.INVALID_RECORD, error instanceof Error ? error.message : String(error));
  }
}
