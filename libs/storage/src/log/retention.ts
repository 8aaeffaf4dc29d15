import type { Segment } from "../segments/segment.ts";
import type { LogState } from "./log-state.ts";

/**
 * The oldest segments that may go now: by `retention.ms` and `retention.bytes` where the cleanup policy deletes, and
 * those below the log start offset in any case. Only segments whose records are all below the high watermark go.
 */
export async function expiredSegments(state: LogState, nowMs: number): Promise<Segment[]> {
  const { config, segments, logStartOffset } = state;
  const deletes = config.cleanupPolicy.includes("delete");
  let excessBytes = deletes && config.retentionBytes >= 0 ? segments.sizeBytes - config.retentionBytes : 0;
  const expired: Segment[] = [];
  for (const [index, segment] of segments.all.entries()) {
    const endOffset = segments.all[index + 1]?.baseOffset ?? state.logEndOffset;
    const isLastAndEmpty = segment === segments.active && segment.sizeBytes === 0;
    if (isLastAndEmpty || endOffset > state.highWatermark) break;
    const isBelowStart = segment !== segments.active && endOffset <= logStartOffset;
    const isExcess = excessBytes > 0 && excessBytes >= segment.sizeBytes;
    const isOld = deletes && config.retentionMs >= 0 && nowMs - (await ageTimestamp(segment)) > config.retentionMs;
    if (!isBelowStart && !isExcess && !isOld) break;
    excessBytes -= segment.sizeBytes;
    expired.push(segment);
  }
  return expired;
}

/** When the segment's youngest record was made; where the records do not say, when its file was last written to. */
async function ageTimestamp(segment: Segment): Promise<number> {
  const { timestampMs } = await segment.maxTimestamp();
  return timestampMs >= 0 ? timestampMs : segment.createdMs;
}
