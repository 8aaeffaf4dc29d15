import { ErrorCode } from "@ottla/protocol";
import { batchSizeAt, checkBatchFrame, checkBatchIntegrity, validateProducedBatch } from "@ottla/protocol/internal";
import type { LogConfig } from "../log-config.ts";
import { AppendRejected } from "../log-errors.ts";
import type { LeaderAppendOptions } from "../partition-log.ts";
import { checkRecords, RecordRules } from "./record-check.ts";

/**
 * Throws {@link AppendRejected} unless every batch may be appended by a leader. Looks at headers and CRCs,
 * and at the records of clients where they are not compressed. Headers are mended where they are wrong about times.
 */
export function checkLeaderBatches(
  bytes: Uint8Array,
  origin: LeaderAppendOptions["origin"],
  config: LogConfig,
  nowMs: number,
): void {
  const rules = new RecordRules(config, nowMs);
  for (let position = 0; position < bytes.length; position += batchSizeAt(bytes, position)) {
    const problem = origin === "client" ? validateProducedBatch(bytes, position) : checkBatchFrame(bytes, position);
    if (problem !== null) throw new AppendRejected(problem.errorCode, problem.message);
    checkSize(batchSizeAt(bytes, position), config);
    if (origin !== "client") continue;
    checkRecords(bytes, position, rules);
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
