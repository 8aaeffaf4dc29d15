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
  state.checkOpen();
  const limitOffset = state.limitOffset(limit);
  for (const segment of state.segments.from(state.logStartOffset)) {
    if (segment.baseOffset >= limitOffset) return null;
    const found = await segment.reading(() => findInSegment(state, segment, timestampMs));
    if (found !== null) return found.offset < limitOffset ? found : null;
  }
  return null;
}

/** The first record that has the largest timestamp in the log. */
export async function findMaxTimestamp(state: LogState): Promise<TimestampAndOffset | null> {
  state.checkOpen();
  const candidates: { readonly segment: Segment; readonly timestampMs: number }[] = [];
  for (const segment of state.segments.from(state.logStartOffset)) {
    const { timestampMs } = await segment.reading(() => segment.maxTimestamp());
    candidates.push({ segment, timestampMs });
  }
  let newest: TimestampAndOffset | null = null;
  // A segment's largest timestamp may be that of a record which compaction removed: then what is left decides.
  for (const { segment, timestampMs } of candidates.sort((a, b) => b.timestampMs - a.timestampMs)) {
    if (timestampMs <= (newest?.timestampMs ?? -1)) break;
    const found = await segment.reading(
      async () => (await findInSegment(state, segment, timestampMs)) ?? (await findNewest(state, segment)),
    );
    if (found !== null && found.timestampMs > (newest?.timestampMs ?? -1)) newest = found;
  }
  return newest;
}

/** Looks at every batch of a segment that may hold the newest record left in it. */
async function findNewest(state: LogState, segment: Segment): Promise<TimestampAndOffset | null> {
  let newest: TimestampAndOffset | null = null;
  for (let position = 0; ; ) {
    const newerMs: number = (newest?.timestampMs ?? -1) + 1;
    const batch = await nextCandidate(state, segment, position, newerMs);
    if (batch === null) return newest;
    const found = await findInBatch(batch.bytes, newerMs, state.logStartOffset);
    // There may be a newer one still in the same batch.
    if (found === null) position = batch.endPosition;
    else newest = found;
  }
}

async function findInSegment(
  state: LogState,
  segment: Segment,
  timestampMs: number,
): Promise<TimestampAndOffset | null> {
  if ((await segment.maxTimestamp()).timestampMs < timestampMs) return null;
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
