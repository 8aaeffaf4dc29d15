import { OffsetOutOfRange } from "../log-errors.ts";
import type { AbortedTransaction, LogRead, LogReadOptions } from "../partition-log.ts";
import type { Segment } from "../segments/segment.ts";
import { type FoundBatches, nothingFound, toLogRead } from "./log-read.ts";
import type { LogState } from "./log-state.ts";
import { readSegments } from "./segment-reader.ts";
import { readTail } from "./tail-reader.ts";

/** Reads whole batches: from memory at once, from disk later. */
export function readLog(state: LogState, offset: number, options: LogReadOptions): LogRead | Promise<LogRead> {
  state.checkOpen();
  if (offset < state.logStartOffset || offset > state.logEndOffset) {
    throw new OffsetOutOfRange(offset, state.logStartOffset, state.logEndOffset);
  }
  const limitOffset = state.limitOffset(options.limit);
  if (offset >= limitOffset) return toLogRead(state, nothingFound(offset));
  const { maxBytes, minOneBatch } = options;
  if (offset >= state.tail.startOffset) {
    return withAborted(state, offset, options, readTail(state.tail, offset, limitOffset, maxBytes, minOneBatch));
  }
  const found = readSegments(state, { offset, limitOffset, maxBytes, minOneBatch });
  return found.then((found) => withAborted(state, offset, options, found));
}

function withAborted(
  state: LogState,
  offset: number,
  options: LogReadOptions,
  found: FoundBatches,
): LogRead | Promise<LogRead> {
  if (options.limit !== "lastStable" || found.sizeBytes === 0) return toLogRead(state, found);
  const segments = state.segments.from(offset);
  if (segments.every(hasNoAborted)) return toLogRead(state, found);
  return collectAborted(segments, offset, found.endOffset).then(
    (aborted) => toLogRead(state, found, aborted),
    (error) => {
      found.release();
      throw error;
    },
  );
}

function hasNoAborted(segment: Segment): boolean {
  return segment.transactionIndex.index.count === 0;
}

/** The aborted transactions with records in `[offset, endOffset)`. Their markers may come in any later segment. */
async function collectAborted(
  segments: readonly Segment[],
  offset: number,
  endOffset: number,
): Promise<AbortedTransaction[]> {
  const aborted: AbortedTransaction[] = [];
  for (const segment of segments) {
    for (const entry of await segment.transactionIndex.entries()) {
      if (entry.lastOffset >= offset && entry.firstOffset < endOffset) {
        aborted.push({ producerId: entry.producerId, firstOffset: entry.firstOffset });
      }
      // LSO was beyond the range when this one ended: no later marker can reach back into it.
      if (entry.lastStableOffset >= endOffset) return aborted;
    }
  }
  return aborted;
}
