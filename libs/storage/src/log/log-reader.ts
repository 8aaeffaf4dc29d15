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
  if (maxBytes <= 0 && !minOneBatch) return toLogRead(state, nothingFound(offset));
  const { replacements } = state.segments;
  if (offset >= state.tail.startOffset) {
    const found = readTail(state.tail, offset, limitOffset, maxBytes, minOneBatch);
    return withAborted(state, offset, options, found, replacements);
  }
  const found = readSegments(state, { offset, limitOffset, maxBytes, minOneBatch });
  return found.then((found) => withAborted(state, offset, options, found, replacements));
}

/**
 * Adds the aborted transactions to what was read. Compaction removes them together with their records, so both must come
 * from before a replacement of segments or both from after it: where one came in between, all is read again.
 */
function withAborted(
  state: LogState,
  offset: number,
  options: LogReadOptions,
  found: FoundBatches,
  replacements: number,
): LogRead | Promise<LogRead> {
  if (options.limit !== "lastStable" || found.sizeBytes === 0) return toLogRead(state, found);
  if (state.segments.replacements !== replacements) return readAgain(state, offset, options, found);
  const segments = state.segments.from(offset);
  if (segments.every(hasNoAborted)) return toLogRead(state, found);
  return collectAborted(segments, offset, found.endOffset).then(
    (aborted) => toLogRead(state, found, aborted),
    (error) => {
      if (state.segments.replacements !== replacements) return readAgain(state, offset, options, found);
      found.release();
      throw error;
    },
  );
}

function readAgain(
  state: LogState,
  offset: number,
  options: LogReadOptions,
  found: FoundBatches,
): LogRead | Promise<LogRead> {
  found.release();
  return readLog(state, offset, options);
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
    for (const entry of await segment.reading(async () => await segment.transactionIndex.entries())) {
      if (entry.lastOffset >= offset && entry.firstOffset < endOffset) {
        aborted.push({ producerId: entry.producerId, firstOffset: entry.firstOffset });
      }
      // LSO was beyond the range when this one ended: no later marker can reach back into it.
      if (entry.lastStableOffset >= endOffset) return aborted;
    }
  }
  return aborted;
}
