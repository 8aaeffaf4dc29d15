import type { FileCache } from "../files/file-cache.ts";
import { IndexFile } from "./index-file.ts";

const ENTRY_BYTES = 12;
const OFFSET_AT = 8;

/** The largest timestamp in a segment up to some batch, and the last offset of the batch that has it. */
export interface TimestampOffset {
  readonly timestampMs: number;
  readonly offset: number;
}

/**
 * Entries of (timestamp: int64, offset - base offset: int32): up to and with the batch that ends at the offset, no
 * record of the segment is younger than the timestamp. Timestamps ascend strictly.
 */
export class TimeIndex {
  readonly index: IndexFile;
  readonly #baseOffset: number;
  /** The last entry's timestamp, or null where the file has not been asked yet. */
  #lastTimestampMs: number | null;

  constructor(files: FileCache, path: string, baseOffset: number, fileBytes: number) {
    this.index = new IndexFile(files, path, ENTRY_BYTES, fileBytes);
    this.#baseOffset = baseOffset;
    this.#lastTimestampMs = this.index.count === 0 ? -1 : null;
  }

  /** Adds an entry where the timestamp is larger than the last one's; does nothing otherwise. */
  maybeAppend(timestampMs: number, offset: number): void {
    if (this.#lastTimestampMs === null) throw new Error("the time index is appended to before it was loaded");
    if (timestampMs <= this.#lastTimestampMs) return;
    const entry = this.index.push();
    entry.setBigInt64(0, BigInt(timestampMs));
    entry.setInt32(OFFSET_AT, offset - this.#baseOffset);
    this.#lastTimestampMs = timestampMs;
  }

  /** The entry with the largest timestamp below `timestampMs`, or null: a record at or after it comes later. */
  async lookupBefore(timestampMs: number): Promise<TimestampOffset | null> {
    const entry = await this.index.findLast((entries, at) => timestampAt(entries, at) < timestampMs);
    return entry === null ? null : this.#decode(entry);
  }

  /** The last entry of a batch that ends before `offset`, or null. */
  async lastBefore(offset: number): Promise<TimestampOffset | null> {
    const relativeOffset = offset - this.#baseOffset;
    const entry = await this.index.findLast((entries, at) => entries.getInt32(at + OFFSET_AT) < relativeOffset);
    return entry === null ? null : this.#decode(entry);
  }

  /** The last entry, or null in an empty index. */
  async lastEntry(): Promise<TimestampOffset | null> {
    const { count } = this.index;
    const last = count === 0 ? null : this.#decode(await this.index.entry(count - 1));
    this.#lastTimestampMs = last?.timestampMs ?? -1;
    return last;
  }

  /** Whether timestamps and offsets ascend. Timestamp 0 is what a crash leaves where an entry was written in part. */
  async isSane(): Promise<boolean> {
    if (this.index.hasBrokenEnd) return false;
    let [lastTimestampMs, lastOffset] = [0, 0];
    for (const entry of await this.index.entries()) {
      const [timestampMs, offset] = [timestampAt(entry, 0), entry.getInt32(OFFSET_AT)];
      if (timestampMs <= lastTimestampMs || offset < lastOffset) return false;
      [lastTimestampMs, lastOffset] = [timestampMs, offset];
    }
    return true;
  }

  /** Removes the entries of batches that end at or after `offset`. */
  async truncateTo(offset: number): Promise<void> {
    const relativeOffset = offset - this.#baseOffset;
    await this.index.truncate(
      await this.index.countWhile((entries, at) => entries.getInt32(at + OFFSET_AT) < relativeOffset),
    );
    await this.lastEntry();
  }

  #decode(entry: DataView): TimestampOffset {
    return { timestampMs: timestampAt(entry, 0), offset: entry.getInt32(OFFSET_AT) + this.#baseOffset };
  }
}

function timestampAt(entries: DataView, position: number): number {
  return Number(entries.getBigInt64(position));
}
