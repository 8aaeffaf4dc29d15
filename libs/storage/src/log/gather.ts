import type { TailChunk } from "../memory/tail.ts";

/** What goes into the file in one piece. */
export interface WrittenChunk extends TailChunk {
  /** Whether its bytes are somebody else's once they are written: a follower's, who waits for that. */
  readonly isLent: boolean;
}

/** Up to this size copying an append costs less than carrying it as a buffer of its own, through every write and read. */
export const SMALL_APPEND_BYTES = 1024;

/** The most that is copied together: a read walks the batches of a chunk to find its first one. */
export const GATHERED_BYTES_MAX = 64 * 1024;

/**
 * The appends of a group as few chunks, in order. Appends of ordinary size stay the very bytes that arrived. Runs of
 * small ones are copied together, and so is a small one that pins much more than itself.
 */
export function gather(appends: readonly WrittenChunk[]): WrittenChunk[] {
  const chunks: WrittenChunk[] = [];
  for (let start = 0; start < appends.length; ) {
    const end = endOfSmallRun(appends, start);
    const isWorthCopying = end - start > 1 || (end > start && pinsMuch(appends[start]!));
    if (isWorthCopying) chunks.push(copyTogether(appends.slice(start, end)));
    else chunks.push(asItIs(appends[start]!));
    start = Math.max(end, start + 1);
  }
  return chunks;
}

/** A chunk may stay in memory for long: it must not keep what else is known of its append. */
function asItIs({ bytes, baseOffset, lastOffset, isLent }: WrittenChunk): WrittenChunk {
  return { bytes, baseOffset, lastOffset, isLent };
}

function endOfSmallRun(appends: readonly WrittenChunk[], start: number): number {
  let end = start;
  let sizeBytes = 0;
  while (end < appends.length && appends[end]!.bytes.length <= SMALL_APPEND_BYTES) {
    sizeBytes += appends[end]!.bytes.length;
    if (sizeBytes > GATHERED_BYTES_MAX) break;
    end++;
  }
  return end;
}

function pinsMuch({ bytes, isLent }: WrittenChunk): boolean {
  return !isLent && bytes.buffer.byteLength > 4 * bytes.length;
}

function copyTogether(appends: readonly WrittenChunk[]): WrittenChunk {
  const bytes = new Uint8Array(appends.reduce((sum, append) => sum + append.bytes.length, 0));
  let position = 0;
  for (const append of appends) {
    bytes.set(append.bytes, position);
    position += append.bytes.length;
  }
  return { bytes, baseOffset: appends[0]!.baseOffset, lastOffset: appends.at(-1)!.lastOffset, isLent: false };
}
