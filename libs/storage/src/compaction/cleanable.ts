import { BATCH_HEADER_BYTES, maxTimestampAt } from "@ottla/protocol/internal";
import type { LogState } from "../log/log-state.ts";
import type { Segment } from "../segments/segment.ts";

/** What compaction would have to do in a log. */
export interface Cleanable {
  readonly firstDirtyOffset: number;
  /** What lies at or above stays as it is. A segment begins here. */
  readonly endOffset: number;
  /** The dirty part of all bytes up to `endOffset`. */
  readonly dirtyRatio: number;
  /** True where `max.compaction.lag.ms` has been passed. */
  readonly isOverdue: boolean;
}

/** Null where the log has nothing that can be compacted now. */
export async function findCleanable(state: LogState, nowMs: number): Promise<Cleanable | null> {
  const firstDirtyOffset = firstDirty(state);
  const endOffset = await firstUncleanable(state, firstDirtyOffset, nowMs);
  if (endOffset <= firstDirtyOffset) return null;
  let cleanBytes = 0;
  let dirtyBytes = 0;
  let isOverdue = false;
  const cleanUntilMs = nowMs - Math.max(state.config.maxCompactionLagMs, state.config.minCompactionLagMs);
  for (const segment of state.segments.all) {
    if (segment.baseOffset >= endOffset) break;
    if (endOfSegment(state, segment) <= firstDirtyOffset) {
      cleanBytes += segment.sizeBytes;
      continue;
    }
    dirtyBytes += segment.sizeBytes;
    isOverdue ||= await beginsBefore(segment, cleanUntilMs);
  }
  if (dirtyBytes === 0) return null;
  return { firstDirtyOffset, endOffset, dirtyRatio: dirtyBytes / (cleanBytes + dirtyBytes), isOverdue };
}

/** A log that was truncated, or whose checkpoint is another's, is compacted from its start. */
function firstDirty({ cleanedEndOffset, logStartOffset, logEndOffset, segments }: LogState): number {
  const isPlausible = cleanedEndOffset >= segments.first.baseOffset && cleanedEndOffset <= logEndOffset;
  return isPlausible ? Math.max(cleanedEndOffset, logStartOffset) : logStartOffset;
}

/**
 * Not the active segment, nothing that a transaction may still take back, nothing that a crash would make recovery read
 * again, and no segment with a record younger than `min.compaction.lag.ms`.
 */
async function firstUncleanable(state: LogState, firstDirtyOffset: number, nowMs: number): Promise<number> {
  const { segments, config } = state;
  const stableOffset = Math.min(state.lastStableOffset, state.recoveryPoint);
  let endOffset = segments.first.baseOffset;
  for (const segment of segments.all) {
    const isFixed = segment !== segments.active && endOfSegment(state, segment) <= stableOffset;
    if (!isFixed) break;
    const isDirty = endOfSegment(state, segment) > firstDirtyOffset;
    if (isDirty && config.minCompactionLagMs > 0) {
      const { timestampMs } = await segment.maxTimestamp();
      if (timestampMs > nowMs - config.minCompactionLagMs) break;
    }
    endOffset = endOfSegment(state, segment);
  }
  return endOffset;
}

function endOfSegment({ segments, logEndOffset }: LogState, segment: Segment): number {
  return segments.after(segment.baseOffset)?.baseOffset ?? logEndOffset;
}

async function beginsBefore(segment: Segment, timestampMs: number): Promise<boolean> {
  if (timestampMs <= 0 || segment.sizeBytes < BATCH_HEADER_BYTES) return false;
  if (segment.firstTimestampMs === null) {
    const header = new Uint8Array(BATCH_HEADER_BYTES);
    await segment.reading(() => segment.log.use((file) => file.read(header, 0)));
    segment.firstTimestampMs = maxTimestampAt(header, 0);
  }
  return segment.firstTimestampMs > 0 && segment.firstTimestampMs < timestampMs;
}
