import { batchSizeAt, lastOffsetAt } from "@ottla/protocol/internal";
import type { Tail } from "../memory/tail.ts";
import type { FoundBatches } from "./log-read.ts";

/**
 * Reads batches from the tail in memory: slices of the bytes that arrived. `offset` must lie in the tail.
 * Takes batches that end below `limitOffset`, and as many as fit `maxBytes`; the first one also where it does not fit
 * and `minOneBatch` is set.
 */
export function readTail(
  tail: Tail,
  offset: number,
  limitOffset: number,
  maxBytes: number,
  minOneBatch: boolean,
): FoundBatches {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  let endOffset = offset;
  for (let index = tail.indexOf(offset); index < tail.chunks.length; index++) {
    const { bytes, baseOffset, lastOffset } = tail.chunks[index]!;
    if (baseOffset >= limitOffset) break;
    const start = baseOffset < offset ? positionOf(bytes, offset) : 0;
    const remainingBytes = maxBytes - sizeBytes;
    const isWhole = lastOffset < limitOffset && bytes.length - start <= remainingBytes;
    const mustTakeOne = minOneBatch && sizeBytes === 0;
    const end = isWhole ? bytes.length : endOfBatches(bytes, start, limitOffset, remainingBytes, mustTakeOne);
    if (end > start) {
      chunks.push(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
      sizeBytes += end - start;
      endOffset = isWhole ? lastOffset + 1 : lastEndOffset(bytes, start, end);
    }
    if (!isWhole) break;
  }
  return { chunks, sizeBytes, endOffset, release: tail.lend(chunks) };
}

/** Where the first batch starts that ends at or after `offset`. */
export function positionOf(bytes: Uint8Array, offset: number): number {
  let position = 0;
  while (lastOffsetAt(bytes, position) < offset) position += batchSizeAt(bytes, position);
  return position;
}

/** Where the last batch ends that is wanted; `start` when none is. All batches up to `bytes.length` are whole. */
export function endOfBatches(
  bytes: Uint8Array,
  start: number,
  limitOffset: number,
  maxBytes: number,
  mustTakeOne: boolean,
): number {
  let end = start;
  while (end < bytes.length && lastOffsetAt(bytes, end) < limitOffset) {
    const next = end + batchSizeAt(bytes, end);
    const fits = next - start <= maxBytes || (mustTakeOne && end === start);
    if (!fits) break;
    end = next;
  }
  return end;
}

export function lastEndOffset(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  for (let next = start; next < end; next += batchSizeAt(bytes, next)) position = next;
  return lastOffsetAt(bytes, position) + 1;
}
