import { RecordBatchBuilder, type RecordBatchCloseOptions } from "./builder.ts";
import type { RecordData, RecordHeaderInput } from "./types.ts";

/** A record for {@link encodeRecordBatch}. */
export interface RecordInput {
  readonly key?: RecordData;
  readonly value: RecordData;
  readonly headers?: readonly RecordHeaderInput[];
  /** Default: the batch's `timestampMs`. */
  readonly timestampMs?: number;
  /** Default: one above the record before. */
  readonly offset?: number;
}

/** An uncompressed batch in one call. */
export interface RecordBatchInput extends Omit<RecordBatchCloseOptions, "compression" | "compressionLevel"> {
  readonly records: readonly RecordInput[];
  /** For records without a timestamp of their own. Default -1, none. */
  readonly timestampMs?: number;
}

/**
 * Encodes a whole uncompressed batch at once: for the records that brokers write themselves (group and transaction
 * state, cluster metadata).
 */
export function encodeRecordBatch(batch: RecordBatchInput): Uint8Array {
  const builder = new RecordBatchBuilder();
  const baseOffset = batch.baseOffset ?? 0;
  let nextDelta = 0;
  for (const record of batch.records) {
    const delta = record.offset === undefined ? nextDelta : record.offset - baseOffset;
    const timestampMs = record.timestampMs ?? batch.timestampMs ?? -1;
    builder.appendAt(delta, record.key ?? null, record.value, record.headers ?? [], timestampMs);
    nextDelta = delta + 1;
  }
  return builder.close({ ...batch, compression: "none" });
}
