import { encodeRecordBatch, type RecordBatchInput, readRecordBatch } from "@ottla/protocol";
import { batchSizeAt } from "@ottla/protocol/internal";
import type { SegmentedLog } from "../log/segmented-log.ts";
import type { LogConfig } from "../log-config.ts";
import type { PartitionLog } from "../partition-log.ts";
import { append, readAll, START_MS } from "./fixture.ts";

/** Small segments, compacted whenever anything is dirty. */
export const COMPACTED: Partial<LogConfig> = {
  cleanupPolicy: ["compact"],
  minCleanableDirtyRatio: 0,
  segmentBytes: 400,
  indexIntervalBytes: 0,
};

/** `k1=v` is a record, `k1=` a tombstone. */
export function keyed(text: string, input: Partial<RecordBatchInput> = {}): Uint8Array {
  const records = text.split(" ").map((pair) => {
    const [key, value] = pair.split("=");
    return { key: key!, value: value === "" ? null : value! };
  });
  return encodeRecordBatch({ timestampMs: START_MS, ...input, records });
}

/** Appends batches, and fillers until the segment that they lie in is closed. */
export async function appendAll(log: PartitionLog, ...batches: (string | Uint8Array)[]): Promise<void> {
  for (const batch of batches) await append(log, typeof batch === "string" ? keyed(batch) : batch);
}

/** Closes the active segment, so that it can be compacted, and has the log say that all of it is committed. */
export async function closeSegment(log: SegmentedLog): Promise<void> {
  const { segmentCount } = log;
  for (let i = 0; log.segmentCount === segmentCount; i++) {
    await append(log, keyed(`filler${i}=${"x".repeat(150)}`));
  }
  log.setHighWatermark(log.logEndOffset);
  await log.flush();
}

/** What a consumer finds, `offset:key=value` each, without the fillers. */
export async function contents(log: PartitionLog, offset = log.logStartOffset): Promise<string[]> {
  const bytes = await readAll(log, offset);
  const decoder = new TextDecoder();
  const found: string[] = [];
  for (let position = 0; position < bytes.length; position += batchSizeAt(bytes, position)) {
    const batch = await readRecordBatch(bytes, position);
    if (batch.isControlBatch) {
      found.push(`${batch.baseOffset}:marker`);
      continue;
    }
    for (const { offset, key, value } of batch) {
      const name = key === null ? "null" : decoder.decode(key);
      if (!name.startsWith("filler")) found.push(`${offset}:${name}=${value === null ? "" : decoder.decode(value)}`);
    }
  }
  return found;
}
