import { ErrorCode } from "../errors/error-code.ts";
import { CorruptRecordError, UnsupportedRecordFormatError } from "./errors.ts";
import * as header from "./header.ts";
import { BATCH_HEADER_BYTES, MAGIC_POSITION, NO_PRODUCER_ID, RECORD_BATCH_MAGIC } from "./layout.ts";

/** What is wrong with a batch; each reason has one Kafka error code. */
export type BatchProblemReason =
  | "truncated"
  | "old-format"
  | "unknown-format"
  | "invalid-length"
  | "crc-mismatch"
  | "unknown-compression"
  | "invalid-count"
  | "inconsistent-offsets"
  | "invalid-sequence"
  | "control-batch";

/** The first thing found wrong with a batch. */
export interface BatchProblem {
  readonly reason: BatchProblemReason;
  /** Kafka's error code to answer with. */
  readonly errorCode: number;
  /** One sentence with the numbers at fault, fit for Kafka's `error_message`. */
  readonly message: string;
}

const ERROR_CODES: Record<BatchProblemReason, number> = {
  truncated: ErrorCode.CORRUPT_MESSAGE,
  "old-format": ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
  "unknown-format": ErrorCode.CORRUPT_MESSAGE,
  "invalid-length": ErrorCode.CORRUPT_MESSAGE,
  "crc-mismatch": ErrorCode.CORRUPT_MESSAGE,
  "unknown-compression": ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
  "invalid-count": ErrorCode.INVALID_RECORD,
  "inconsistent-offsets": ErrorCode.INVALID_RECORD,
  "invalid-sequence": ErrorCode.INVALID_RECORD,
  "control-batch": ErrorCode.INVALID_RECORD,
};

const HIGHEST_COMPRESSION_ID = 4;

function problem(reason: BatchProblemReason, message: string): BatchProblem {
  return { reason, errorCode: ERROR_CODES[reason], message };
}

/**
 * Checks that a whole, intact batch of format 2 lies at `position` and ends at or before `end`: length, magic,
 * compression id, CRC. This is what every reader of stored or fetched batches wants. Costs one pass of CRC over the
 * batch and no allocation unless something is wrong.
 *
 * @returns what is wrong first, or null
 */
export function checkBatchIntegrity(bytes: Uint8Array, position: number, end = bytes.length): BatchProblem | null {
  return checkBatchFrame(bytes, position, end) ?? checkBatchCrc(bytes, position);
}

/** {@link checkBatchIntegrity} without the CRC. */
export function checkBatchFrame(bytes: Uint8Array, position: number, end = bytes.length): BatchProblem | null {
  const available = end - position;
  if (available <= MAGIC_POSITION) {
    return problem("truncated", `${available} bytes are too few for the header of a record batch`);
  }
  const magic = header.magicAt(bytes, position);
  if (magic !== RECORD_BATCH_MAGIC) return wrongMagic(magic);
  const size = header.batchSizeAt(bytes, position);
  if (size < BATCH_HEADER_BYTES) {
    return problem("invalid-length", `the batch claims ${size} bytes, its header alone has ${BATCH_HEADER_BYTES}`);
  }
  if (size > available) return problem("truncated", `the batch claims ${size} bytes, ${available} are there`);
  const compression = header.compressionAt(bytes, position);
  if (compression > HIGHEST_COMPRESSION_ID) {
    return problem("unknown-compression", `compression codec id ${compression} does not exist`);
  }
  return null;
}

function wrongMagic(magic: number): BatchProblem {
  if (magic === 0 || magic === 1) {
    return problem("old-format", `records of format version (magic) ${magic} are not supported, only version 2`);
  }
  return problem("unknown-format", `format version (magic) ${magic} does not exist`);
}

function checkBatchCrc(bytes: Uint8Array, position: number): BatchProblem | null {
  const computed = header.computeBatchCrc(bytes, position);
  const stored = header.crcAt(bytes, position);
  if (computed === stored) return null;
  return problem("crc-mismatch", `the batch's CRC is ${hex(computed)}, its header says ${hex(stored)}`);
}

function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, "0")}`;
}

/**
 * What a broker checks before it appends a producer's batch: {@link checkBatchIntegrity}, then that the header adds
 * up: a positive count that agrees with the offsets, a sequence where there is a producer, no control batch. The records
 * themselves are not looked at (`largestTimestampOf` does), nor is what the header says of their times.
 *
 * @returns what is wrong first, with the error code that Kafka answers, or null
 */
export function validateProducedBatch(bytes: Uint8Array, position: number, end = bytes.length): BatchProblem | null {
  return checkBatchIntegrity(bytes, position, end) ?? checkProducedHeader(bytes, position);
}

function checkProducedHeader(bytes: Uint8Array, position: number): BatchProblem | null {
  const count = header.recordsCountAt(bytes, position);
  if (count <= 0) return problem("invalid-count", `the batch claims ${count} records`);
  const lastOffsetDelta = header.lastOffsetDeltaAt(bytes, position);
  if (lastOffsetDelta !== count - 1) {
    return problem("inconsistent-offsets", `last offset delta ${lastOffsetDelta} does not go with ${count} records`);
  }
  if (header.isControlBatchAt(bytes, position)) {
    return problem("control-batch", "clients are not allowed to write control records");
  }
  return checkProducedSequence(bytes, position);
}

function checkProducedSequence(bytes: Uint8Array, position: number): BatchProblem | null {
  const producerId = header.producerIdAt(bytes, position);
  const baseSequence = header.baseSequenceAt(bytes, position);
  if (producerId > NO_PRODUCER_ID && (baseSequence < 0 || header.producerEpochAt(bytes, position) < 0)) {
    return problem("invalid-sequence", `base sequence ${baseSequence} does not go with producer id ${producerId}`);
  }
  if (producerId <= NO_PRODUCER_ID && header.isTransactionalAt(bytes, position)) {
    return problem("invalid-sequence", "a transactional batch needs a producer id");
  }
  return null;
}

/** Throws the error that stands for `found`, for readers to whom a problem is exceptional. */
export function throwBatchProblem(found: BatchProblem, magic: number): never {
  if (found.reason === "old-format" || found.reason === "unknown-format") throw new UnsupportedRecordFormatError(magic);
  throw new CorruptRecordError(`corrupt record batch: ${found.message}`);
}

/**
 * The end of the batch at `position`, which is where the next one starts, or -1 if the bytes up to `end` do not hold
 * all of it: a broker may cut the last batch of a Fetch response short. If it is not -1 the header can be read.
 *
 * @throws CorruptRecordError if the length field cannot be right
 * @throws UnsupportedRecordFormatError if the batch is not of magic 2
 */
export function nextBatchPosition(bytes: Uint8Array, position: number, end = bytes.length): number {
  const available = end - position;
  if (available <= MAGIC_POSITION) return -1;
  const magic = header.magicAt(bytes, position);
  if (magic !== RECORD_BATCH_MAGIC) throw new UnsupportedRecordFormatError(magic);
  const size = header.batchSizeAt(bytes, position);
  if (size < BATCH_HEADER_BYTES) throw new CorruptRecordError(`corrupt record batch: it claims ${size} bytes in all`);
  return size > available ? -1 : position + size;
}

/**
 * Calls `visit` with the position and size of each whole batch in `bytes[start, end)`, one after the other, and
 * returns where the last whole one ends. Bytes after that are the beginning of a batch that was cut short.
 *
 * @throws CorruptRecordError if a length field cannot be right
 * @throws UnsupportedRecordFormatError if a batch is not of magic 2
 */
export function forEachBatch(
  bytes: Uint8Array,
  visit: (position: number, sizeBytes: number) => void,
  start = 0,
  end = bytes.length,
): number {
  let position = start;
  for (;;) {
    const next = nextBatchPosition(bytes, position, end);
    if (next === -1) return position;
    visit(position, next - position);
    position = next;
  }
}
