import { crc32c } from "../checksum/crc32c.ts";
import { readInt16, readInt32, readInt64, readUint32, writeInt32, writeInt64 } from "./integers.ts";
import * as layout from "./layout.ts";

/**
 * Accessors for the header of a record batch (magic 2) at `position` in `bytes`: each reads one field in place and
 * allocates nothing. The caller has made sure that the header is inside the bytes (see `validateRecordBatch` and
 * `nextBatchPosition`).
 */
export function baseOffsetAt(bytes: Uint8Array, position: number): number {
  return readInt64(bytes, position + layout.BASE_OFFSET_POSITION);
}

/** The length field: bytes after itself. The size of the whole batch is {@link batchSizeAt}. */
export function batchLengthAt(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + layout.BATCH_LENGTH_POSITION);
}

/** Bytes from the start of the batch to its end, by its own account. */
export function batchSizeAt(bytes: Uint8Array, position: number): number {
  return batchLengthAt(bytes, position) + layout.BATCH_LENGTH_OVERHEAD_BYTES;
}

export function partitionLeaderEpochAt(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + layout.PARTITION_LEADER_EPOCH_POSITION);
}

/** The format version, at the same place in every version of the format. */
export function magicAt(bytes: Uint8Array, position: number): number {
  return (bytes[position + layout.MAGIC_POSITION]! << 24) >> 24;
}

/** The stored CRC-32C, unsigned. */
export function crcAt(bytes: Uint8Array, position: number): number {
  return readUint32(bytes, position + layout.CRC_POSITION);
}

export function attributesAt(bytes: Uint8Array, position: number): number {
  return readInt16(bytes, position + layout.ATTRIBUTES_POSITION);
}

/** The id of the compression codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
export function compressionAt(bytes: Uint8Array, position: number): number {
  return bytes[position + layout.ATTRIBUTES_POSITION + 1]! & layout.ATTRIBUTE_COMPRESSION_MASK;
}

/** True if the timestamps of the records were replaced by the broker's, which is the batch's max timestamp. */
export function isLogAppendTimeAt(bytes: Uint8Array, position: number): boolean {
  return hasAttribute(bytes, position, layout.ATTRIBUTE_LOG_APPEND_TIME);
}

export function isTransactionalAt(bytes: Uint8Array, position: number): boolean {
  return hasAttribute(bytes, position, layout.ATTRIBUTE_TRANSACTIONAL);
}

export function isControlBatchAt(bytes: Uint8Array, position: number): boolean {
  return hasAttribute(bytes, position, layout.ATTRIBUTE_CONTROL);
}

/** True if the base timestamp holds the time from which tombstones may be deleted (KIP-534). */
export function hasDeleteHorizonAt(bytes: Uint8Array, position: number): boolean {
  return hasAttribute(bytes, position, layout.ATTRIBUTE_DELETE_HORIZON);
}

function hasAttribute(bytes: Uint8Array, position: number, attribute: number): boolean {
  return (bytes[position + layout.ATTRIBUTES_POSITION + 1]! & attribute) !== 0;
}

export function lastOffsetDeltaAt(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + layout.LAST_OFFSET_DELTA_POSITION);
}

/** The offset of the last record; after compaction that record may be gone, the offset still counts. */
export function lastOffsetAt(bytes: Uint8Array, position: number): number {
  return baseOffsetAt(bytes, position) + lastOffsetDeltaAt(bytes, position);
}

/** Milliseconds; the time that the records' timestamp deltas count from. */
export function baseTimestampAt(bytes: Uint8Array, position: number): number {
  return readInt64(bytes, position + layout.BASE_TIMESTAMP_POSITION);
}

/** Milliseconds; -1 if the batch holds no records. */
export function maxTimestampAt(bytes: Uint8Array, position: number): number {
  return readInt64(bytes, position + layout.MAX_TIMESTAMP_POSITION);
}

/** -1 if the producer is not idempotent. */
export function producerIdAt(bytes: Uint8Array, position: number): number {
  return readInt64(bytes, position + layout.PRODUCER_ID_POSITION);
}

export function producerEpochAt(bytes: Uint8Array, position: number): number {
  return readInt16(bytes, position + layout.PRODUCER_EPOCH_POSITION);
}

/** The sequence number of the first record; -1 without a producer id, and in control batches. */
export function baseSequenceAt(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + layout.BASE_SEQUENCE_POSITION);
}

/** The sequence number of the last record: sequences wrap from 2^31-1 to 0. */
export function lastSequenceAt(bytes: Uint8Array, position: number): number {
  const baseSequence = baseSequenceAt(bytes, position);
  if (baseSequence === layout.NO_SEQUENCE) return layout.NO_SEQUENCE;
  return incrementSequence(baseSequence, lastOffsetDeltaAt(bytes, position));
}

/** `sequence + increment` in the space of sequence numbers, which wraps from 2^31-1 to 0. */
export function incrementSequence(sequence: number, increment: number): number {
  return (sequence + increment) % 0x8000_0000;
}

export function recordsCountAt(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + layout.RECORDS_COUNT_POSITION);
}

/** The CRC-32C that the batch's bytes give; {@link crcAt} is what it claims. The batch must be whole. */
export function computeBatchCrc(bytes: Uint8Array, position: number): number {
  return crc32c(bytes, position + layout.ATTRIBUTES_POSITION, position + batchSizeAt(bytes, position));
}

/**
 * Gives the batch its place in the log. Both fields lie outside the CRC, so a broker does this in the very bytes that
 * arrived.
 */
export function assignOffsets(bytes: Uint8Array, position: number, baseOffset: number, leaderEpoch: number): void {
  writeInt64(bytes, position + layout.BASE_OFFSET_POSITION, baseOffset);
  writeInt32(bytes, position + layout.PARTITION_LEADER_EPOCH_POSITION, leaderEpoch);
}

/**
 * Marks the batch as stamped by the broker (`message.timestamp.type=LogAppendTime`): every record then counts as
 * written at `timestampMs`. Lies inside the CRC, which is computed anew.
 */
export function setLogAppendTime(bytes: Uint8Array, position: number, timestampMs: number): void {
  bytes[position + layout.ATTRIBUTES_POSITION + 1]! |= layout.ATTRIBUTE_LOG_APPEND_TIME;
  writeInt64(bytes, position + layout.MAX_TIMESTAMP_POSITION, timestampMs);
  writeBatchCrc(bytes, position);
}

/**
 * Undoes {@link setLogAppendTime}, but for the largest timestamp, which stays what it says: each record counts as written
 * when it says itself. Lies inside the CRC, which is computed anew.
 */
export function setCreateTime(bytes: Uint8Array, position: number): void {
  bytes[position + layout.ATTRIBUTES_POSITION + 1]! &= ~layout.ATTRIBUTE_LOG_APPEND_TIME;
  writeBatchCrc(bytes, position);
}

/** Says what the largest timestamp was: compaction keeps it when the record is gone. Inside the CRC, which is computed anew. */
export function setMaxTimestamp(bytes: Uint8Array, position: number, timestampMs: number): void {
  writeInt64(bytes, position + layout.MAX_TIMESTAMP_POSITION, timestampMs);
  writeBatchCrc(bytes, position);
}

/**
 * Writes who produced a closed batch, as a producer must when it retries under a new epoch. Lies inside the CRC, which
 * is computed anew.
 */
export function setProducerState(
  bytes: Uint8Array,
  position: number,
  producerId: number,
  producerEpoch: number,
  baseSequence: number,
): void {
  writeInt64(bytes, position + layout.PRODUCER_ID_POSITION, producerId);
  bytes[position + layout.PRODUCER_EPOCH_POSITION] = producerEpoch >> 8;
  bytes[position + layout.PRODUCER_EPOCH_POSITION + 1] = producerEpoch;
  writeInt32(bytes, position + layout.BASE_SEQUENCE_POSITION, baseSequence);
  writeBatchCrc(bytes, position);
}

/** Computes the CRC of the whole batch and writes it into the header. */
export function writeBatchCrc(bytes: Uint8Array, position: number): void {
  writeInt32(bytes, position + layout.CRC_POSITION, computeBatchCrc(bytes, position));
}
