import {
  BATCH_HEADER_BYTES,
  baseOffsetAt,
  lastOffsetAt,
  magicAt,
  maxTimestampAt,
  RECORD_BATCH_MAGIC,
} from "@ottla/protocol/internal";
import type { Disk } from "@ottla/runtime";
import { CachedFile, type FileCache } from "../files/file-cache.ts";
import {
  DELETED_SUFFIX,
  joinPath,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetFileName,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from "../files/names.ts";
import { OffsetIndex, type Stretch } from "../indexes/offset-index.ts";
import { TimeIndex, type TimestampOffset } from "../indexes/time-index.ts";
import { TransactionIndex } from "../indexes/transaction-index.ts";
import { ReadEnds } from "./read-ends.ts";

/** What the disk holds of a segment when it is opened. */
export interface SegmentSizes {
  readonly logBytes: number;
  readonly offsetIndexBytes: number;
  readonly timeIndexBytes: number;
  readonly transactionIndexBytes: number;
}

export const NEW_SEGMENT: SegmentSizes = {
  logBytes: 0,
  offsetIndexBytes: 0,
  timeIndexBytes: 0,
  transactionIndexBytes: 0,
};

const NO_TIMESTAMP_OFFSET: TimestampOffset = { timestampMs: -1, offset: -1 };

/** A stretch of the log: a file of batches and its indexes. Every offset in it is at least `baseOffset`. */
export class Segment {
  readonly baseOffset: number;
  readonly log: CachedFile;
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  readonly transactionIndex: TransactionIndex;
  /** Bytes of batches that are in the file and count. */
  sizeBytes: number;
  /** When the segment was created, or last written to before it was opened. */
  readonly createdMs: number;
  /** The first batch's largest timestamp, which the segment's age counts from; null while it is empty, or not read. */
  firstTimestampMs: number | null = null;
  /** The largest timestamp so far with its batch's last offset; null where the time index has not been read yet. */
  #maxTimestamp: TimestampOffset | null;
  #bytesSinceIndexEntry = 0;
  /** Others after a truncation: who has read what is cut off notes its end in those that nobody asks any more. */
  readEnds = new ReadEnds();
  /** Bytes at the end that are not synced, or a length that is not. */
  isUnsynced: boolean;
  /** Closed, or to be deleted: no file of it is made any more. */
  #isGone = false;
  #readers = 0;
  #whenUnread: (() => void) | null = null;

  /** @param fileSuffix what its files' names end with, beside their own suffixes: `.cleaned` or `.swap` in compaction */
  constructor(
    files: FileCache,
    directory: string,
    baseOffset: number,
    sizes: SegmentSizes,
    createdMs: number,
    fileSuffix = "",
  ) {
    const path = (suffix: string) => joinPath(directory, offsetFileName(baseOffset, suffix) + fileSuffix);
    this.baseOffset = baseOffset;
    this.createdMs = createdMs;
    this.sizeBytes = sizes.logBytes;
    this.isUnsynced = sizes === NEW_SEGMENT;
    // What lies where a new segment is made was left by a crash.
    this.log = new CachedFile(files, path(LOG_SUFFIX), { create: true, truncate: sizes === NEW_SEGMENT });
    this.offsetIndex = new OffsetIndex(files, path(OFFSET_INDEX_SUFFIX), baseOffset, sizes.offsetIndexBytes);
    this.timeIndex = new TimeIndex(files, path(TIME_INDEX_SUFFIX), baseOffset, sizes.timeIndexBytes);
    this.transactionIndex = new TransactionIndex(files, path(TRANSACTION_INDEX_SUFFIX), sizes.transactionIndexBytes);
    this.#maxTimestamp = this.timeIndex.index.count === 0 ? NO_TIMESTAMP_OFFSET : null;
  }

  /** True if an index file ends in the middle of an entry. */
  get hasBrokenIndex(): boolean {
    return this.offsetIndex.index.hasBrokenEnd || this.timeIndex.index.hasBrokenEnd;
  }

  /** The largest timestamp so far, with the last offset of its batch; -1 where there is none. */
  async maxTimestamp(): Promise<TimestampOffset> {
    this.#maxTimestamp ??= (await this.timeIndex.lastEntry()) ?? NO_TIMESTAMP_OFFSET;
    return this.#maxTimestamp;
  }

  /**
   * Takes a batch into account that was written at the end of the file. The time index must have been read.
   * An index entry is made for it when `indexIntervalBytes` of log lie behind the last one.
   */
  batchWritten(bytes: Uint8Array, position: number, sizeBytes: number, indexIntervalBytes: number): void {
    if (this.sizeBytes === 0) {
      this.firstTimestampMs = maxTimestampAt(bytes, position);
      this.#makeLookupIndexes();
    }
    this.batchFound(bytes, position, sizeBytes, indexIntervalBytes);
    this.isUnsynced = true;
  }

  /** The same for a batch that has long been in the file, of which the indexes are made anew: nothing of them is saved. */
  batchFound(bytes: Uint8Array, position: number, sizeBytes: number, indexIntervalBytes: number): void {
    const lastOffset = lastOffsetAt(bytes, position);
    const timestampMs = maxTimestampAt(bytes, position);
    if (timestampMs > this.#maxTimestamp!.timestampMs) this.#maxTimestamp = { timestampMs, offset: lastOffset };
    if (this.#bytesSinceIndexEntry > indexIntervalBytes) {
      this.offsetIndex.append(lastOffset, this.sizeBytes);
      this.timeIndex.maybeAppend(this.#maxTimestamp!.timestampMs, this.#maxTimestamp!.offset);
      this.#bytesSinceIndexEntry = 0;
    }
    this.sizeBytes += sizeBytes;
    this.#bytesSinceIndexEntry += sizeBytes;
  }

  /**
   * Whoever looks into the directory finds the files that Kafka's has, if with no entries until they are saved. Nobody waits
   * for that: of ten thousand new partitions these are twenty thousand files. A failure shows when they are saved.
   */
  #makeLookupIndexes(): void {
    for (const { index } of [this.offsetIndex, this.timeIndex]) index.file.makeInTurn(() => !this.#isGone);
  }

  /** The last step before a segment is closed for writing. */
  async finishIndexes(): Promise<void> {
    await this.addLastTimeEntry();
    await this.saveIndexes();
  }

  /** The time index of a segment that is not written to must know its largest timestamp. */
  async addLastTimeEntry(): Promise<void> {
    const { timestampMs, offset } = await this.maxTimestamp();
    if (timestampMs >= 0) this.timeIndex.maybeAppend(timestampMs, offset);
  }

  async saveIndexes(): Promise<void> {
    await Promise.all([this.offsetIndex.index.save(), this.timeIndex.index.save(), this.transactionIndex.save()]);
  }

  async syncLog(): Promise<void> {
    if (!this.isUnsynced) return;
    this.isUnsynced = false;
    await this.log.sync();
  }

  async syncIndexes(): Promise<void> {
    await Promise.all([this.offsetIndex.index.sync(), this.timeIndex.index.sync(), this.transactionIndex.sync()]);
  }

  /** After an unclean stop: what the indexes' files show need not be on the disk. */
  async markIndexesUnsynced(disk: Disk): Promise<void> {
    for (const { index } of [this.offsetIndex, this.timeIndex, this.transactionIndex]) {
      if ((await disk.stat(index.file.path)) !== null) index.markUnsynced();
    }
  }

  /** Cuts off what is in the file behind its last batch. */
  async cutFile(): Promise<void> {
    await this.log.use((file) => file.truncate(this.sizeBytes));
    // The cut must reach the disk too: once another segment follows, nobody looks at this one's end again.
    this.isUnsynced = true;
  }

  /**
   * Cuts the file at its known size for good, before anything takes the place of what is cut: else a power cut could
   * bring back an older leader's batch, whole, between newer ones, and nothing would tell.
   */
  async cutFileForGood(): Promise<void> {
    await this.cutFile();
    await this.log.sync();
  }

  /** Cuts the file at `position`, which is where the batch with `offset` began, and the indexes with it. */
  async truncateTo(offset: number, position: number): Promise<void> {
    this.sizeBytes = position;
    this.readEnds = new ReadEnds();
    await this.cutFileForGood();
    await this.truncateIndexesTo(offset);
    this.#bytesSinceIndexEntry = 0;
    this.firstTimestampMs = null;
    await this.prepareForAppends();
  }

  /** Drops index entries of batches that end at or after `offset`, or that lie beyond the end of the file. */
  async truncateIndexesTo(offset: number): Promise<void> {
    await this.transactionIndex.truncateTo(offset);
    await this.truncateLookupIndexesTo(offset);
  }

  /** The same for the two indexes that batches alone can be found with. */
  async truncateLookupIndexesTo(offset: number): Promise<void> {
    await this.offsetIndex.truncateTo(offset, this.sizeBytes);
    await this.timeIndex.truncateTo(offset);
    this.#maxTimestamp = null;
    await this.maxTimestamp();
  }

  /** Reads what must be known of a segment before it is written to. */
  async prepareForAppends(): Promise<void> {
    await this.maxTimestamp();
    if (this.sizeBytes < BATCH_HEADER_BYTES) return;
    const header = new Uint8Array(BATCH_HEADER_BYTES);
    await this.log.use((file) => file.read(header, 0));
    this.firstTimestampMs = maxTimestampAt(header, 0);
  }

  /** Counts batches that lie between the last index entry and the end towards the largest timestamp. */
  batchSeen(bytes: Uint8Array, position: number, sizeBytes: number): void {
    const timestampMs = maxTimestampAt(bytes, position);
    if (timestampMs > this.#maxTimestamp!.timestampMs) {
      this.#maxTimestamp = { timestampMs, offset: lastOffsetAt(bytes, position) };
    }
    this.#bytesSinceIndexEntry += sizeBytes;
  }

  /**
   * A position at or before the start of the batch that holds `offset`, and close to it. An index entry that does not
   * lead to a batch at or before `offset` is not believed: then it is the start of the segment.
   */
  async positionFor(offset: number): Promise<number> {
    const { position } = await this.stretchFor(offset);
    if (position === 0) return 0;
    const header = new Uint8Array(BATCH_HEADER_BYTES);
    const readBytes = await this.log.use((file) => file.readSync(header, position));
    return this.isAtOrBefore(header.subarray(0, readBytes), offset) ? position : 0;
  }

  /**
   * Where the batch that holds `offset` lies by the index alone. It may be damaged: unless the stretch begins at 0, what
   * is there is to be held to {@link isAtOrBefore}.
   */
  async stretchFor(offset: number): Promise<Stretch> {
    const stretch = await this.offsetIndex.stretchOf(offset);
    const { position } = stretch;
    return position > 0 && position + BATCH_HEADER_BYTES <= this.sizeBytes ? stretch : { ...stretch, position: 0 };
  }

  /** Whether bytes begin with the header of a batch of this segment that is at or before `offset`. */
  isAtOrBefore(bytes: Uint8Array, offset: number): boolean {
    if (bytes.length < BATCH_HEADER_BYTES || magicAt(bytes, 0) !== RECORD_BATCH_MAGIC) return false;
    const baseOffset = baseOffsetAt(bytes, 0);
    return baseOffset >= this.baseOffset && baseOffset <= offset;
  }

  /** Whether the entries of all indexes ascend and lie within the log. Reads them all. */
  async hasSaneIndexes(): Promise<boolean> {
    return (
      (await this.offsetIndex.isSane(this.sizeBytes)) &&
      (await this.timeIndex.isSane()) &&
      (await this.transactionIndex.isSane(this.baseOffset))
    );
  }

  /** Empties all indexes, whatever they hold. */
  clearIndexes(): Promise<void> {
    return this.truncateIndexesTo(Number.NEGATIVE_INFINITY);
  }

  /** Runs what reads the segment; its files are not taken away before that is done. */
  async reading<T>(action: () => Promise<T>): Promise<T> {
    this.#readers++;
    try {
      return await action();
    } finally {
      this.#readers--;
      if (this.#readers === 0) this.#whenUnread?.();
    }
  }

  /** Closes the files, once nobody reads the segment. */
  async close(): Promise<void> {
    this.#isGone = true;
    if (this.#readers > 0) {
      await new Promise<void>((resolve) => {
        const previous = this.#whenUnread;
        this.#whenUnread = () => {
          previous?.();
          resolve();
        };
      });
    }
    for (const { index } of [this.offsetIndex, this.timeIndex, this.transactionIndex]) index.forget();
    await Promise.all(this.files.map((file) => file.close()));
  }

  /** Renames the files out of the way; those who read them go on. May be called again. Returns the new paths. */
  async markDeleted(disk: Disk): Promise<string[]> {
    this.#isGone = true;
    const renamed: string[] = [];
    for (const file of this.files) {
      if ((await disk.stat(file.path)) === null) continue;
      if (!file.path.endsWith(DELETED_SUFFIX)) await file.rename(file.path + DELETED_SUFFIX);
      renamed.push(file.path);
    }
    return renamed;
  }

  /** The log first, then the indexes. */
  get files(): readonly CachedFile[] {
    return [this.log, this.offsetIndex.index.file, this.timeIndex.index.file, this.transactionIndex.index.file];
  }
}
