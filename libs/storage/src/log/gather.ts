import type { TailChunk } from "../memory/tail.ts";

/** Up to this size copying an append costs less than carrying it as a buffer of its own, through every write and read. */
export const SMALL_APPEND_BYTES = 1024;

/** The most that is copied together: a read walks the batches of a chunk to find its first one. */
export const GATHERED_BYTES_MAX = 64 * 1024;

/**
 * The appends of a group as few chunks, in order. Appends of ordinary size stay the very bytes that arrived. Runs of
 * small ones are copied together, and so is a small one that pins much more than itself.
 */
export function gather(appends: readonly TailChunk[]): TailChunk[] {
  const chunks: TailChunk[] = [];
  for (let start = 0; start < appends.length; ) {
    const end = endOfSmallRun(appends, start);
    const isWorthCopying = end - start > 1 || (end > start && pinsMuch(appends[start]!.bytes));
    if (isWorthCopying) chunks.push(copyTogether(appends.slice(start, end)));
    else chunks.push(asItIs(appends[start]!));
    start = Math.max(end, start + 1);
  }
  return chunks;
}

/** A chunk may stay in memory for long: it must not keep what else is known of its append. */
function asItIs({ bytes, baseOffset, lastOffset }: TailChunk): TailChunk {
  return { bytes, baseOffset, lastOffset };
}

function endOfSmallRun(appends: readonly TailChunk[], start: number): number {
  let end = start;
  let sizeBytes = 0;
  while (end < appends.length && appends[end]!.bytes.length <= SMALL_APPEND_BYTES) {
    sizeBytes += appends[end]!.bytes.length;
    if (sizeBytes > GATHERED_BYTES_MAX) break;
    end++;
  }
  return end;
}

function pinsMuch(bytes: Uint8Array): boolean {
  return bytes.buffer.byteLength > 4 * bytes.length;
}

function copyTogether(appends: readonly TailChunk[]): TailChunk {
  const bytes = new Uint8Array(appends.reduce((sum, append) => sum + append.bytes.length, 0));
  let position = 0;
  for (const append of appends) {
    bytes.set(append.bytes, position);
    position += append.bytes.length;
  }
  return { bytes, baseOffset: appends[0]!.baseOffset, lastOffset: appends.at(-1)!.lastOffset };
}
