import { CompressionError, DEFAULT_MAX_DECOMPRESSED_BYTES } from "../compression/codec.ts";
import { codecById } from "../compression/codecs.ts";
import { RecordCursor, type RecordsSection } from "./cursor.ts";
import { CorruptRecordError } from "./errors.ts";
import * as header from "./header.ts";
import { BATCH_HEADER_BYTES } from "./layout.ts";
import { RecordBytes } from "./record-bytes.ts";
import type { TimestampType } from "./types.ts";
import { checkBatchFrame, checkBatchIntegrity, throwBatchProblem } from "./validate.ts";

/** How batches are read. */
export interface ReadBatchOptions {
  /** Verify the CRC, as `check.crcs` does. Default true. */
  readonly checkCrcs?: boolean;
  /** The most bytes that the records of one batch may decompress to. Default 128 MiB. */
  readonly maxDecompressedBytes?: number;
}

/**
 * One batch of records as it was fetched: the header's fields, and a walk over its decompressed bytes. What clients do
 * with; {@link RecordBatch} has records to show besides.
 */
export class OpenedBatch {
  readonly baseOffset: number;
  /** The offset of the last record, also where compaction removed that record. */
  readonly lastOffset: number;
  readonly partitionLeaderEpoch: number;
  readonly recordsCount: number;
  readonly maxTimestampMs: number;
  readonly timestampType: TimestampType;
  /** -1 if the producer was not idempotent. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  /** True if the batch holds control records (transaction markers), which no application is shown. */
  readonly isControlBatch: boolean;
  /** Bytes of the batch as fetched, compressed or not. */
  readonly sizeBytes: number;
  private readonly section: RecordsSection;

  /** @internal use {@link openRecordBatch} */
  constructor(bytes: Uint8Array, position: number, records: Uint8Array, recordsStart: number) {
    const logAppendTime = header.isLogAppendTimeAt(bytes, position);
    const lastOffsetDelta = header.lastOffsetDeltaAt(bytes, position);
    this.baseOffset = header.baseOffsetAt(bytes, position);
    this.lastOffset = this.baseOffset + lastOffsetDelta;
    this.partitionLeaderEpoch = header.partitionLeaderEpochAt(bytes, position);
    this.recordsCount = header.recordsCountAt(bytes, position);
    this.maxTimestampMs = header.maxTimestampAt(bytes, position);
    this.timestampType = logAppendTime ? "LogAppendTime" : "CreateTime";
    this.producerId = header.producerIdAt(bytes, position);
    this.producerEpoch = header.producerEpochAt(bytes, position);
    this.baseSequence = header.baseSequenceAt(bytes, position);
    this.isTransactional = header.isTransactionalAt(bytes, position);
    this.isControlBatch = header.isControlBatchAt(bytes, position);
    this.sizeBytes = header.batchSizeAt(bytes, position);
    this.section = {
      source: new RecordBytes(records),
      start: recordsStart,
      end: records === bytes ? position + this.sizeBytes : records.length,
      recordsCount: this.recordsCount,
      baseOffset: this.baseOffset,
      lastOffsetDelta,
      baseTimestampMs: header.baseTimestampAt(bytes, position),
      logAppendTimeMs: logAppendTime ? this.maxTimestampMs : undefined,
    };
  }

  /** A walk over the records that allocates nothing but itself. */
  cursor(): RecordCursor {
    return new RecordCursor(this.section);
  }
}

/** What makes a batch of its bytes and those of its records, which lie from `recordsStart` on in `records`. */
type BatchClass<B> = new (bytes: Uint8Array, position: number, records: Uint8Array, recordsStart: number) => B;

/**
 * Reads the batch at `position`: checks it (frame, CRC), decompresses its records. Comes at once or later, as the
 * codec does. The batch keeps `bytes` and shows views of it, so they must not be reused.
 *
 * @throws CorruptRecordError (also as a rejection) if the batch is not whole and intact
 * @throws UnsupportedRecordFormatError if it is of magic 0 or 1
 * @throws CompressionError if it would decompress to more than `maxDecompressedBytes`
 */
export function openRecordBatch(
  bytes: Uint8Array,
  position = 0,
  options: ReadBatchOptions = {},
): OpenedBatch | Promise<OpenedBatch> {
  return openBatchAs(OpenedBatch, bytes, position, options);
}

/** {@link openRecordBatch} for a class that can more. */
export function openBatchAs<B>(
  Batch: BatchClass<B>,
  bytes: Uint8Array,
  position: number,
  options: ReadBatchOptions,
): B | Promise<B> {
  checkReadable(bytes, position, options.checkCrcs ?? true);
  const recordsStart = position + BATCH_HEADER_BYTES;
  const compression = header.compressionAt(bytes, position);
  if (compression === 0) return new Batch(bytes, position, bytes, recordsStart);
  const end = position + header.batchSizeAt(bytes, position);
  const limit = options.maxDecompressedBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES;
  const records = decompress(compression, bytes.subarray(recordsStart, end), limit);
  if (records instanceof Promise) return records.then((output) => new Batch(bytes, position, output, 0));
  return new Batch(bytes, position, records, 0);
}

function checkReadable(bytes: Uint8Array, position: number, checkCrcs: boolean): void {
  const found = checkCrcs ? checkBatchIntegrity(bytes, position) : checkBatchFrame(bytes, position);
  if (found !== null) throwBatchProblem(found, header.magicAt(bytes, position));
  const count = header.recordsCountAt(bytes, position);
  const lastOffsetDelta = header.lastOffsetDeltaAt(bytes, position);
  if (count < 0 || lastOffsetDelta < count - 1) {
    throw new CorruptRecordError(`corrupt record batch: ${count} records up to offset delta ${lastOffsetDelta}`);
  }
  // Offsets are numbers, see docs/decisions/0001: this is where they enter.
  const baseOffset = header.baseOffsetAt(bytes, position);
  if (baseOffset < 0 || !Number.isSafeInteger(baseOffset + lastOffsetDelta)) {
    throw new CorruptRecordError(`corrupt record batch: base offset ${baseOffset} is out of range`);
  }
}

function decompress(codecId: number, records: Uint8Array, limit: number): Uint8Array | Promise<Uint8Array> {
  try {
    const output = codecById(codecId)!.decompress(records, limit);
    return output instanceof Promise ? output.catch(asCorruptRecord) : output;
  } catch (error) {
    return asCorruptRecord(error);
  }
}

function asCorruptRecord(error: unknown): never {
  if (!(error instanceof CompressionError) || error.fault === "too-large") throw error;
  throw new CorruptRecordError(`corrupt record batch: ${error.message}`, { cause: error });
}
