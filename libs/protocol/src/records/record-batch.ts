import type { RecordCursor } from "./cursor.ts";
import { OpenedBatch, openBatchAs, type ReadBatchOptions } from "./opened-batch.ts";
import { RecordView } from "./record-view.ts";

export type { ReadBatchOptions } from "./opened-batch.ts";

/**
 * One batch of records as it was fetched: the header's fields, and the records as lazy views over its decompressed
 * bytes. Iterating allocates one small object a record; {@link cursor} allocates none.
 */
export class RecordBatch extends OpenedBatch implements Iterable<RecordView> {
  /** The records in order; a corrupt one throws CorruptRecordError when it is reached. */
  [Symbol.iterator](): IterableIterator<RecordView, undefined> {
    return new RecordIterator(this.cursor());
  }
}

/** A generator's work in a plain object, at two thirds of its cost. */
class RecordIterator implements IterableIterator<RecordView, undefined> {
  private readonly cursor: RecordCursor;

  constructor(cursor: RecordCursor) {
    this.cursor = cursor;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<RecordView, undefined> {
    if (this.cursor.next()) return { done: false, value: new RecordView(this.cursor) };
    return { done: true, value: undefined };
  }
}

/**
 * Reads the batch at `position`: checks it (frame, CRC), decompresses its records. Comes at once or later, as the
 * codec does. The batch keeps `bytes` and shows views of it, so they must not be reused.
 *
 * @throws CorruptRecordError (also as a rejection) if the batch is not whole and intact
 * @throws UnsupportedRecordFormatError if it is of magic 0 or 1
 * @throws CompressionError if it would decompress to more than `maxDecompressedBytes`
 */
export function readRecordBatch(
  bytes: Uint8Array,
  position = 0,
  options: ReadBatchOptions = {},
): RecordBatch | Promise<RecordBatch> {
  return openBatchAs(RecordBatch, bytes, position, options);
}
