import { readRecordBatch } from "@ottla/protocol";
import { batchSizeAt, lastOffsetAt, maxTimestampAt } from "@ottla/protocol/internal";
import type { ReadLimit, TimestampAndOffset } from "../partition-log.ts";
import { scanBatches } from "../segments/batch-scanner.ts";
import type { Segment } from "../segments/segment.ts";
import type { LogState } from "./log-state.ts";

/** The first record at or after `timestampMs` that lies in `[logStartOffset, limit)`. */
export async function findByTimestamp(
  state: LogState,
  timestampMs: number,
  limit: ReadLimit,
): Promise<TimestampAndOffset | null> {
  const limitOffset = state.limitOffset(limit);
  for (const segment of state.segments.from(state.logStartOffset)) {
    if (segment.baseOffset >= limitOffset) return null;
    if ((await segment.maxTimestamp()).timestampMs < timestampMs) continue;
    const found = await findInSegment(state, segment, timestampMs);
    if (found !== null) return found.offset < limitOffset ? found : null;
  }
  return null;
}

/** The first record that has the largest timestamp in the log. */
export async function findMaxTimestamp(state: LogState): Promise<TimestampAndOffset | null> {
  let newest: Segment | null = null;
  let maxTimestampMs = -1;
  for (const segment of state.segments.from(state.logStartOffset)) {
    const { timestampMs } = await segment.maxTimestamp();
    if (timestampMs > maxTimestampMs) [newest, maxTimestampMs] = [segment, timestampMs];
  }
  return newest === null ? null : await findInSegment(state, newest, maxTimestampMs);
}

async function findInSegment(
  state: LogState,
  segment: Segment,
  timestampMs: number,
): Promise<TimestampAndOffset | null> {
  const before = await segment.timeIndex.lookupBefore(timestampMs);
  const fromOffset = Math.max(before?.offset ?? 0, state.logStartOffset);
  let position = await segment.positionFor(fromOffset);
  for (;;) {
    const batch = await nextCandidate(state, segment, position, timestampMs);
    if (batch === null) return null;
    const found = await findInBatch(batch.bytes, timestampMs, state.logStartOffset);
    if (found !== null) return found;
    position = batch.endPosition;
  }
}

/** A copy of the first batch from `position` on that may hold such a record. */
async function nextCandidate(
  state: LogState,
  segment: Segment,
  position: number,
  timestampMs: number,
): Promise<{ bytes: Uint8Array; endPosition: number } | null> {
  let candidate: { bytes: Uint8Array; endPosition: number } | null = null;
  await scanBatches(segment.log, state.env.pool, position, segment.sizeBytes, (block, at, sizeBytes, filePosition) => {
    const mayHold = maxTimestampAt(block, at) >= timestampMs && lastOffsetAt(block, at) >= state.logStartOffset;
    if (!mayHold) return true;
    candidate = { bytes: block.slice(at, at + sizeBytes), endPosition: filePosition + batchSizeAt(block, at) };
    return false;
  });
  return candidate;
}

async function findInBatch(
  bytes: Uint8Array,
  timestampMs: number,
  fromOffset: number,
): Promise<TimestampAndOffset | null> {
  const batch = await readRecordBatch(bytes);
  const cursor = batch.cursor();
  while (cursor.next()) {
    if (cursor.timestampMs < timestampMs || cursor.offset < fromOffset) continue;
    return { timestampMs: cursor.timestampMs, offset: cursor.offset, leaderEpoch: batch.partitionLeaderEpoch };
  }
  return null;
}
