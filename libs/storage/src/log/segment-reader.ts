import { BATCH_HEADER_BYTES, batchSizeAt, lastOffsetAt } from "@ottla/protocol/internal";
import type { ReadEnds } from "../segments/read-ends.ts";
import type { Segment } from "../segments/segment.ts";
import { type FoundBatches, nothingFound } from "./log-read.ts";
import type { LogState } from "./log-state.ts";
import { endOfBatches, lastEndOffset } from "./tail-reader.ts";

/** What a read wants, in terms of offsets and bytes. */
export interface Wanted {
  readonly offset: number;
  /** Only batches that end below it. */
  readonly limitOffset: number;
  readonly maxBytes: number;
  readonly minOneBatch: boolean;
}

/** Reads batches from disk into a pooled buffer, from the one segment that has the first batch wanted. */
export async function readSegments(state: LogState, wanted: Wanted): Promise<FoundBatches> {
  // The list is asked anew for each segment: those that follow may be deleted or compacted meanwhile.
  let segment = state.segments.from(wanted.offset)[0];
  while (segment !== undefined && segment.baseOffset < wanted.limitOffset) {
    const current = segment;
    const found = await current.reading(() => readSegment(state, current, wanted));
    if (found !== null) return found;
    segment = state.segments.after(current.baseOffset);
  }
  return nothingFound(wanted.offset);
}

/** A damaged index must not make a read large. What is larger indeed is read in two. */
const STRETCH_BYTES_MAX = 1024 * 1024;

/** Null when the segment has no batch that ends at or after the offset wanted. */
async function readSegment(state: LogState, segment: Segment, wanted: Wanted): Promise<FoundBatches | null> {
  // Those from before the first wait: a truncation meanwhile begins with others.
  const { readEnds } = segment;
  let block = await blockFor(segment, wanted, readEnds);
  while (segment.sizeBytes - block.position >= BATCH_HEADER_BYTES) {
    const found = await readBlock(state, segment, block, wanted, readEnds);
    if ("chunks" in found) return found;
    if (found.nextPosition === block.position && found.neededBytes <= block.sizeBytes) return null;
    const sizeBytes = Math.max(block.sizeBytes, found.neededBytes);
    block = { position: found.nextPosition, sizeBytes, isByIndex: false };
  }
  return null;
}

/** What is read at once. */
interface Block {
  readonly position: number;
  readonly sizeBytes: number;
  /** Whether it is the index that says that a batch at or before the one wanted begins there: it may be damaged. */
  readonly isByIndex: boolean;
}

/**
 * The block to read first, so that one is enough. Who reads on from where a read has ended has the batch wanted at its
 * beginning, others have it somewhere in the stretch that the index names.
 */
async function blockFor(segment: Segment, { offset, maxBytes }: Wanted, readEnds: ReadEnds): Promise<Block> {
  const { position, endPosition } = await segment.stretchFor(offset);
  const stretchBytes = Math.min((endPosition ?? segment.sizeBytes) - position, STRETCH_BYTES_MAX);
  const end = readEnds.positionOf(offset);
  if (end !== undefined && end + BATCH_HEADER_BYTES <= segment.sizeBytes) {
    return { position: end, sizeBytes: Math.max(maxBytes + BATCH_HEADER_BYTES, stretchBytes), isByIndex: false };
  }
  const sizeBytes = maxBytes + Math.max(BATCH_HEADER_BYTES, stretchBytes);
  return { position, sizeBytes, isByIndex: position > 0 };
}

interface ReadOn {
  /** Where to read next. */
  readonly nextPosition: number;
  /** At least how much. */
  readonly neededBytes: number;
}

const SEGMENT_START: ReadOn = { nextPosition: 0, neededBytes: BATCH_HEADER_BYTES };

async function readBlock(
  state: LogState,
  segment: Segment,
  { position, sizeBytes, isByIndex }: Block,
  wanted: Wanted,
  readEnds: ReadEnds,
): Promise<FoundBatches | ReadOn> {
  const { pool } = state.env;
  const buffer = pool.acquire(Math.min(sizeBytes, segment.sizeBytes - position));
  let isKept = false;
  try {
    const readBytes = await segment.log.use((file) => file.read(buffer, position));
    const block = buffer.subarray(0, readBytes);
    if (isByIndex && !segment.isAtOrBefore(block, wanted.offset)) return SEGMENT_START;
    const batches = wholeBatches(block);
    const start = skipTo(batches, wanted.offset);
    if (start === batches.length) {
      return { nextPosition: position + start, neededBytes: sizeOfBatchAt(block, start) };
    }
    const end = endOfBatches(batches, start, wanted.limitOffset, wanted.maxBytes, wanted.minOneBatch);
    if (end === start) return nothingFound(wanted.offset);
    isKept = true;
    const endOffset = lastEndOffset(batches, start, end);
    readEnds.add(endOffset, position + end);
    return {
      chunks: [batches.subarray(start, end)],
      sizeBytes: end - start,
      endOffset,
      release: once(() => pool.release(buffer)),
    };
  } finally {
    if (!isKept) pool.release(buffer);
  }
}

/** The part of a block that holds whole batches. */
function wholeBatches(block: Uint8Array): Uint8Array {
  let end = 0;
  for (let sizeBytes = sizeOfBatchAt(block, 0); sizeBytes > 0 && end + sizeBytes <= block.length; ) {
    end += sizeBytes;
    sizeBytes = sizeOfBatchAt(block, end);
  }
  return block.subarray(0, end);
}

/** The size of the batch at `position` by its header; 0 where the block does not hold a (plausible) header. */
function sizeOfBatchAt(block: Uint8Array, position: number): number {
  if (block.length - position < BATCH_HEADER_BYTES) return 0;
  return Math.max(0, batchSizeAt(block, position));
}

function skipTo(batches: Uint8Array, offset: number): number {
  let position = 0;
  while (position < batches.length && lastOffsetAt(batches, position) < offset) {
    position += batchSizeAt(batches, position);
  }
  return position;
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
