import type { FileCache } from "../files/file-cache.ts";
import { IndexFile } from "./index-file.ts";

const ENTRY_BYTES = 8;
const POSITION_AT = 4;

/** From where to where a batch lies in a segment's log, with others around it; where it ends may not be known. */
export interface Stretch {
  readonly position: number;
  readonly endPosition: number | null;
}

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
    return (await this.stretchOf(offset)).position;
  }

  /** The stretch of the log that the batch with `offset` lies in, as the entries around it have it. */
  async stretchOf(offset: number): Promise<Stretch> {
    const relativeOffset = offset - this.#baseOffset;
    const count = await this.index.countWhile((entries, at) => entries.getInt32(at) <= relativeOffset);
    const last = count === 0 ? null : await this.#entry(count - 1);
    // An entry has the last offset of its batch: where it is not the one wanted, the batch of the next entry may hold it.
    const next = await this.#entry(last?.getInt32(0) === relativeOffset ? count : count + 1);
    return { position: last?.getInt32(POSITION_AT) ?? 0, endPosition: next?.getInt32(POSITION_AT) ?? null };
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
      await this.index.countWhile((entries, at) => {
        return entries.getInt32(at) < offset - this.#baseOffset && entries.getInt32(at + POSITION_AT) < position;
      }),
    );
  }

  async #entry(index: number): Promise<DataView | null> {
    return index < this.index.count ? await this.index.entry(index) : null;
  }
}
