import type { FileCache } from "../files/file-cache.ts";
import { IndexFile } from "./index-file.ts";

const ENTRY_BYTES = 8;
const POSITION_AT = 4;

/**
 * Where batches lie in a segment's log, for some of them: entries of (offset - base offset: int32, position: int32).
 * The offset is the last one of the batch that starts at the position.
 */
export class OffsetIndex {
  readonly index: IndexFile;
  readonly #baseOffset: number;

  constructor(files: FileCache, path: string, baseOffset: number, fileBytes: number) {
    this.index = new IndexFile(files, path, ENTRY_BYTES, fileBytes);
    this.#baseOffset = baseOffset;
  }

  append(offset: number, position: number): void {
    const entry = this.index.push();
    entry.setInt32(0, offset - this.#baseOffset);
    entry.setInt32(POSITION_AT, position);
  }

  /** A position at or before the start of the batch that holds `offset`, and close to it. */
  async lookup(offset: number): Promise<number> {
    const relativeOffset = offset - this.#baseOffset;
    const entry = await this.index.findLast((entry) => entry.getInt32(0) <= relativeOffset);
    return entry === null ? 0 : entry.getInt32(POSITION_AT);
  }

  /** Whether offsets and positions ascend strictly and stay below `logBytes`. No entry is made for a first batch. */
  async isSane(logBytes: number): Promise<boolean> {
    if (this.index.hasBrokenEnd) return false;
    let [lastOffset, lastPosition] = [0, 0];
    for (const entry of await this.index.entries()) {
      const [offset, position] = [entry.getInt32(0), entry.getInt32(POSITION_AT)];
      if (offset <= lastOffset || position <= lastPosition || position >= logBytes) return false;
      [lastOffset, lastPosition] = [offset, position];
    }
    return true;
  }

  /** Removes the entries of batches that end at or after `offset`, or start at or after `position`. */
  async truncateTo(offset: number, position: number): Promise<void> {
    await this.index.truncate(
      await countWhile(this.index, (entry) => {
        return entry.getInt32(0) < offset - this.#baseOffset && entry.getInt32(POSITION_AT) < position;
      }),
    );
  }
}

/** How many entries at the start of `index` fulfil a condition that holds for a prefix of them. */
export async function countWhile(index: IndexFile, holds: (entry: DataView) => boolean): Promise<number> {
  let low = 0;
  let high = index.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(await index.entry(middle))) low = middle + 1;
    else high = middle;
  }
  return low;
}
