import { utf8Length } from "../bytes/utf8.ts";
import type { CompressionCodec, CompressionType } from "../compression/codec.ts";
import { codecByName } from "../compression/codecs.ts";
import type { RecordCursor } from "./cursor.ts";
import { writeBatchCrc } from "./header.ts";
import { writeInt16, writeInt32, writeInt64 } from "./integers.ts";
import * as layout from "./layout.ts";
import { RecordWriter } from "./record-writer.ts";
import type { RecordData, RecordHeaderInput, TimestampType } from "./types.ts";
import { MAX_VARINT_BYTES, MAX_VARLONG_BYTES } from "./varint.ts";

/** How a {@link RecordBatchBuilder} starts. */
export interface RecordBatchBuilderOptions {
  /** Bytes to allocate at first; the buffer doubles when full. Default 4096. */
  readonly initialCapacityBytes?: number;
  /**
   * A buffer to write into instead of a new one, at least 61 bytes: a fresh allocation costs as much as filling it, so
   * whoever builds batch after batch keeps a few. It belongs to the batch until that is no longer needed. A batch that
   * outgrows it goes on in a new buffer.
   */
  readonly buffer?: Uint8Array;
  /** What timestamp deltas count from. Default: the first record's timestamp. */
  readonly baseTimestampMs?: number;
}

/** What goes into the header when a batch is closed. */
export interface RecordBatchCloseOptions {
  /** Default "none". */
  readonly compression?: CompressionType;
  /** Default: the codec's own. */
  readonly compressionLevel?: number;
  /** Default 0, as a producer sends it; the broker assigns the real one. */
  readonly baseOffset?: number;
  /** Default -1. */
  readonly partitionLeaderEpoch?: number;
  /** Default -1: not idempotent. */
  readonly producerId?: number;
  /** Default -1. */
  readonly producerEpoch?: number;
  /** Default -1. */
  readonly baseSequence?: number;
  /** Default false. */
  readonly isTransactional?: boolean;
  /** Default false. */
  readonly isControlBatch?: boolean;
  /** The base timestamp is the time from which tombstones may go (KIP-534). Default false. */
  readonly hasDeleteHorizon?: boolean;
  /** Default "CreateTime". */
  readonly timestampType?: TimestampType;
  /** Overrides what the records give: compaction keeps a batch's last offset when its last record is gone. */
  readonly lastOffsetDelta?: number;
}

const DEFAULT_CAPACITY_BYTES = 4096;

const NO_HEADERS: readonly RecordHeaderInput[] = [];

/**
 * Writes records straight into the one growing buffer that becomes the batch: no object is kept per record. The size
 * is exact at every moment; {@link close} adds the header, compresses if asked, and computes the CRC.
 */
export class RecordBatchBuilder {
  private readonly writer: RecordWriter;
  private count = 0;
  private lastDelta = -1;
  private baseTimestamp: number;
  private maxTimestamp = layout.NO_TIMESTAMP;
  private closed = false;

  constructor(options: RecordBatchBuilderOptions = {}) {
    const capacity = options.initialCapacityBytes ?? DEFAULT_CAPACITY_BYTES;
    const buffer = options.buffer ?? new Uint8Array(Math.max(capacity, layout.BATCH_HEADER_BYTES));
    this.writer = new RecordWriter(buffer, layout.BATCH_HEADER_BYTES);
    this.baseTimestamp = options.baseTimestampMs ?? Number.NaN;
  }

  /** Records appended so far. */
  get recordsCount(): number {
    return this.count;
  }

  /** Bytes of the batch as it would be now, header included, uncompressed. */
  get sizeBytes(): number {
    return this.writer.position;
  }

  /** The highest timestamp appended, in ms; -1 before the first record. */
  get maxTimestampMs(): number {
    return this.maxTimestamp;
  }

  /** What timestamp deltas count from, in ms; -1 before the first record, unless it was given. */
  get baseTimestampMs(): number {
    return Number.isNaN(this.baseTimestamp) ? layout.NO_TIMESTAMP : this.baseTimestamp;
  }

  /**
   * True if appending the record could make the uncompressed batch larger than `maxBytes`: exact but for the few bytes
   * of its deltas and lengths, which are counted at their longest. An empty batch takes any record.
   */
  wouldExceed(
    maxBytes: number,
    key: RecordData,
    value: RecordData,
    headers: readonly RecordHeaderInput[] = NO_HEADERS,
  ): boolean {
    if (this.count === 0) return false;
    const room = maxBytes - this.writer.position;
    if (estimateRecordSize(key, value, headers) <= room) return false;
    return recordSizeBound(key, value, headers, utf8Length) > room;
  }

  /**
   * Appends a record with the next offset.
   *
   * @param timestampMs may be lower than that of earlier records
   * @returns its offset relative to the batch's base offset
   */
  append(
    key: RecordData,
    value: RecordData,
    headers: readonly RecordHeaderInput[] = NO_HEADERS,
    timestampMs: number = layout.NO_TIMESTAMP,
  ): number {
    const offsetDelta = this.lastDelta + 1;
    this.admit(timestampMs);
    this.writer.writeRecord(timestampMs - this.baseTimestamp, offsetDelta, key, value, headers);
    this.commit(offsetDelta, timestampMs);
    return offsetDelta;
  }

  /** {@link append} with a given offset delta, above that of the record before: compaction leaves gaps. */
  appendAt(
    offsetDelta: number,
    key: RecordData,
    value: RecordData,
    headers: readonly RecordHeaderInput[],
    timestampMs: number,
  ): void {
    this.checkOffset(offsetDelta);
    this.admit(timestampMs);
    this.writer.writeRecord(timestampMs - this.baseTimestamp, offsetDelta, key, value, headers);
    this.commit(offsetDelta, timestampMs);
  }

  /** Appends the record that `cursor` stands on, its key, value and headers as they lie. */
  appendCopy(cursor: RecordCursor, offsetDelta: number): void {
    this.checkOffset(offsetDelta);
    this.admit(cursor.timestampMs);
    this.writer.writeCopy(cursor.timestampMs - this.baseTimestamp, offsetDelta, cursor.contents());
    this.commit(offsetDelta, cursor.timestampMs);
  }

  /**
   * Finishes the batch. The builder takes no more records; the bytes returned are the builder's own buffer when the
   * batch is not compressed. Comes at once or later, as the codec does.
   */
  close(options: RecordBatchCloseOptions & { readonly compression?: "none" }): Uint8Array;
  close(options?: RecordBatchCloseOptions): Uint8Array | Promise<Uint8Array>;
  close(options: RecordBatchCloseOptions = {}): Uint8Array | Promise<Uint8Array> {
    if (this.closed) throw new Error("the record batch is closed already");
    this.closed = true;
    const codec = codecByName(options.compression ?? "none");
    const { bytes, position } = this.writer;
    if (codec.id === 0) return this.seal(bytes.subarray(0, position), codec, options);
    const records = bytes.subarray(layout.BATCH_HEADER_BYTES, position);
    const compressed = codec.compress(records, options.compressionLevel);
    if (compressed instanceof Promise) return compressed.then((output) => this.seal(frame(output), codec, options));
    return this.seal(frame(compressed), codec, options);
  }

  private checkOffset(offsetDelta: number): void {
    if (offsetDelta <= this.lastDelta) throw new RangeError("offsets within a batch must rise");
  }

  private admit(timestampMs: number): void {
    if (this.closed) throw new Error("the record batch is closed");
    if (Number.isNaN(this.baseTimestamp)) this.baseTimestamp = timestampMs;
  }

  private commit(offsetDelta: number, timestampMs: number): void {
    this.lastDelta = offsetDelta;
    this.count++;
    if (timestampMs > this.maxTimestamp) this.maxTimestamp = timestampMs;
  }

  private seal(batch: Uint8Array, codec: CompressionCodec, options: RecordBatchCloseOptions): Uint8Array {
    writeInt64(batch, layout.BASE_OFFSET_POSITION, options.baseOffset ?? 0);
    writeInt32(batch, layout.BATCH_LENGTH_POSITION, batch.length - layout.BATCH_LENGTH_OVERHEAD_BYTES);
    writeInt32(
      batch,
      layout.PARTITION_LEADER_EPOCH_POSITION,
      options.partitionLeaderEpoch ?? layout.NO_PARTITION_LEADER_EPOCH,
    );
    batch[layout.MAGIC_POSITION] = layout.RECORD_BATCH_MAGIC;
    writeInt16(batch, layout.ATTRIBUTES_POSITION, attributesOf(codec, options));
    writeInt32(batch, layout.LAST_OFFSET_DELTA_POSITION, options.lastOffsetDelta ?? this.lastDelta);
    writeInt64(batch, layout.BASE_TIMESTAMP_POSITION, this.baseTimestampMs);
    writeInt64(batch, layout.MAX_TIMESTAMP_POSITION, this.maxTimestamp);
    writeInt64(batch, layout.PRODUCER_ID_POSITION, options.producerId ?? layout.NO_PRODUCER_ID);
    writeInt16(batch, layout.PRODUCER_EPOCH_POSITION, options.producerEpoch ?? layout.NO_PRODUCER_EPOCH);
    writeInt32(batch, layout.BASE_SEQUENCE_POSITION, options.baseSequence ?? layout.NO_SEQUENCE);
    writeInt32(batch, layout.RECORDS_COUNT_POSITION, this.count);
    writeBatchCrc(batch, 0);
    return batch;
  }
}

/**
 * An upper bound of the bytes that the record takes in any batch, as Kafka's producer estimates: text is counted with
 * three bytes a UTF-16 unit, deltas and lengths at their longest. Looks at sizes only, so it is cheap.
 */
export function estimateRecordSize(
  key: RecordData,
  value: RecordData,
  headers: readonly RecordHeaderInput[] = NO_HEADERS,
): number {
  return recordSizeBound(key, value, headers, maxUtf8Length);
}

/** The length, attributes, both deltas, the lengths of key and value, the headers count. */
const MAX_RECORD_OVERHEAD_BYTES = 5 * MAX_VARINT_BYTES + 1 + MAX_VARLONG_BYTES;

function recordSizeBound(
  key: RecordData,
  value: RecordData,
  headers: readonly RecordHeaderInput[],
  textBytes: (text: string) => number,
): number {
  let size = MAX_RECORD_OVERHEAD_BYTES + dataBytes(key, textBytes) + dataBytes(value, textBytes);
  for (let index = 0; index < headers.length; index++) {
    const header = headers[index]!;
    size += 2 * MAX_VARINT_BYTES + dataBytes(header[0], textBytes) + dataBytes(header[1], textBytes);
  }
  return size;
}

function dataBytes(data: RecordData, textBytes: (text: string) => number): number {
  if (data === null) return 0;
  return typeof data === "string" ? textBytes(data) : data.length;
}

function maxUtf8Length(text: string): number {
  return text.length * 3;
}

function attributesOf(codec: CompressionCodec, options: RecordBatchCloseOptions): number {
  let attributes = codec.id;
  if (options.timestampType === "LogAppendTime") attributes |= layout.ATTRIBUTE_LOG_APPEND_TIME;
  if (options.isTransactional === true) attributes |= layout.ATTRIBUTE_TRANSACTIONAL;
  if (options.isControlBatch === true) attributes |= layout.ATTRIBUTE_CONTROL;
  if (options.hasDeleteHorizon === true) attributes |= layout.ATTRIBUTE_DELETE_HORIZON;
  return attributes;
}

/** Room for the header before compressed records. */
function frame(records: Uint8Array): Uint8Array {
  const batch = new Uint8Array(layout.BATCH_HEADER_BYTES + records.length);
  batch.set(records, layout.BATCH_HEADER_BYTES);
  return batch;
}
