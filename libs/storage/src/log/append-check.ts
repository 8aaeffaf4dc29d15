import { ErrorCode } from "@ottla/protocol";
import {
  baseTimestampAt,
  batchSizeAt,
  checkBatchFrame,
  checkBatchIntegrity,
  isLogAppendTimeAt,
  maxTimestampAt,
  NO_TIMESTAMP,
  type RecordCursor,
  validateProducedBatch,
} from "@ottla/protocol/internal";
import type { LogConfig } from "../log-config.ts";
import { AppendRejected } from "../log-errors.ts";
import type { LeaderAppendOptions } from "../partition-log.ts";
import { checkKeys, recordErrors } from "./record-check.ts";

/** Throws {@link AppendRejected} unless every batch may be appended by a leader. Looks at headers only, and at CRCs. */
export function checkLeaderBatches(
  bytes: Uint8Array,
  origin: LeaderAppendOptions["origin"],
  config: LogConfig,
  nowMs: number,
): void {
  const isCompacted = config.cleanupPolicy.includes("compact");
  for (let position = 0; position < bytes.length; position += batchSizeAt(bytes, position)) {
    const problem = origin === "client" ? validateProducedBatch(bytes, position) : checkBatchFrame(bytes, position);
    if (problem !== null) throw new AppendRejected(problem.errorCode, problem.message);
    checkSize(batchSizeAt(bytes, position), config);
    if (origin !== "client") continue;
    checkTimestamps(bytes, position, config, nowMs);
    if (isCompacted) checkKeys(bytes, position);
  }
  checkTotal(bytes, config);
}

function checkSize(sizeBytes: number, config: LogConfig): void {
  if (sizeBytes <= config.maxMessageBytes) return;
  const message = `the batch has ${sizeBytes} bytes, max.message.bytes is ${config.maxMessageBytes}`;
  throw new AppendRejected(ErrorCode.MESSAGE_TOO_LARGE, message);
}

/** Throws {@link AppendRejected} unless the batches are whole and intact. */
export function checkFollowerBatches(bytes: Uint8Array): void {
  for (let position = 0; position < bytes.length; position += batchSizeAt(bytes, position)) {
    const problem = checkBatchIntegrity(bytes, position);
    if (problem !== null) throw new AppendRejected(problem.errorCode, problem.message);
  }
  checkNotEmpty(bytes);
}

function checkNotEmpty(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new AppendRejected(ErrorCode.INVALID_RECORD, "there is no record batch to append");
}

function checkTotal(bytes: Uint8Array, config: LogConfig): void {
  checkNotEmpty(bytes);
  if (bytes.length <= config.segmentBytes) return;
  throw new AppendRejected(
    ErrorCode.RECORD_LIST_TOO_LARGE,
    `${bytes.length} bytes of batches do not fit a segment of ${config.segmentBytes} bytes (segment.bytes)`,
  );
}

function checkTimestamps(bytes: Uint8Array, position: number, config: LogConfig, nowMs: number): void {
  if (isLogAppendTimeAt(bytes, position)) {
    throw new AppendRejected(
      ErrorCode.INVALID_TIMESTAMP,
      "a producer must not set the timestamp type to LogAppendTime",
    );
  }
  if (config.messageTimestampType === "LogAppendTime") return;
  const earliestMs = nowMs - config.messageTimestampBeforeMaxMs;
  const latestMs = nowMs + config.messageTimestampAfterMaxMs;
  const baseTimestampMs = baseTimestampAt(bytes, position);
  const maxTimestampMs = maxTimestampAt(bytes, position);
  const isTooEarly = baseTimestampMs !== NO_TIMESTAMP && baseTimestampMs < earliestMs;
  const isOutside = isTooEarly || maxTimestampMs > latestMs;
  // The header says how young the youngest record is, and not how old the oldest.
  if (!isOutside && config.messageTimestampBeforeMaxMs === Number.POSITIVE_INFINITY) return;
  const message = `a record's timestamp is out of range, it should be within [${earliestMs}, ${latestMs}]`;
  const isAtFault = ({ timestampMs: ms }: RecordCursor) => ms !== NO_TIMESTAMP && (ms < earliestMs || ms > latestMs);
  const errors = recordErrors(bytes, position, message, isAtFault);
  if (isOutside || errors.length > 0) throw new AppendRejected(ErrorCode.INVALID_TIMESTAMP, message, errors);
}
