import { readRecordBatch } from "@ottla/protocol";
import { batchSizeAt, isControlBatchAt, lastOffsetAt } from "@ottla/protocol/internal";
import type { Disk, Runtime } from "@ottla/runtime";
import { CachedFile, FileCache } from "../files/file-cache.ts";
import { CLEANED_SUFFIX, joinPath, LOG_SUFFIX, offsetFileName } from "../files/names.ts";
import { BufferPool } from "../memory/buffer-pool.ts";
import { NEW_SEGMENT, Segment } from "../segments/segment.ts";
import { BatchFilter } from "./batch-filter.ts";
import { CleanedTransactions } from "./cleaned-transactions.ts";
import type { CleanedGroup, CompactionJob, CompactionResult, JobSegment } from "./compaction-job.ts";
import { groupSegments } from "./group-segments.ts";
import { OffsetMap } from "./offset-map.ts";
import { Pace } from "./pace.ts";
import { type BlockVisitor, walkBlocks } from "./walk-batches.ts";

const OPEN_FILES_MAX = 16;
const POOLED_BYTES = 4 * 1024 * 1024;

/**
 * One pass of compaction: maps the latest offset of each key in the dirty part of the log, then writes all segments
 * anew without what later records replace. Touches nothing but `.cleaned` files; `swap` puts them in place.
 */
export async function cleanLog(
  disk: Disk,
  runtime: Pick<Runtime, "clock" | "timers">,
  job: CompactionJob,
  swap: (group: CleanedGroup) => Promise<void>,
  signal: AbortSignal,
): Promise<CompactionResult> {
  return await new LogCleaning(disk, runtime, job, signal).run(swap);
}

class LogCleaning {
  readonly #job: CompactionJob;
  readonly #signal: AbortSignal;
  readonly #files: FileCache;
  readonly #pool = new BufferPool(POOLED_BYTES);
  readonly #pace: Pace;
  readonly #map: OffsetMap;
  /** What is being written: the markers that stay put their transaction into its index. */
  #target: Segment | null = null;

  constructor(disk: Disk, runtime: Pick<Runtime, "clock" | "timers">, job: CompactionJob, signal: AbortSignal) {
    const { limits, firstDirtyOffset, endOffset, seed } = job;
    this.#job = job;
    this.#signal = signal;
    this.#files = new FileCache(disk, OPEN_FILES_MAX);
    this.#pace = new Pace(runtime, limits.ioMaxBytesPerSecond);
    const keysMax = Math.min(
      OffsetMap.capacityIn(limits.dedupeBufferBytes, limits.loadFactor),
      endOffset - firstDirtyOffset,
    );
    this.#map = new OffsetMap(keysMax, limits.loadFactor, seed);
  }

  async run(swap: (group: CleanedGroup) => Promise<void>): Promise<CompactionResult> {
    const cleanedEndOffset = await this.#mapKeys();
    const transactions = new CleanedTransactions(this.#job.aborted, (entry) => {
      this.#target?.transactionIndex.append(entry);
    });
    const filter = new BatchFilter(this.#job, { map: this.#map, mappedEndOffset: cleanedEndOffset }, transactions);
    const concerned = this.#job.segments.filter((segment) => segment.baseOffset < cleanedEndOffset);
    for (const group of groupSegments(concerned, this.#job)) await swap(await this.#cleanGroup(group, filter));
    return { cleanedEndOffset };
  }

  /** Maps what is dirty until the map is full; returns the offset up to which it knows the latest of every key. */
  async #mapKeys(): Promise<number> {
    const { segments, firstDirtyOffset, endOffset, aborted } = this.#job;
    const first = Math.max(
      0,
      segments.findLastIndex((segment) => segment.baseOffset <= firstDirtyOffset),
    );
    const startOffset = segments[first]!.baseOffset;
    // A transaction whose marker lies before is not met: it would count as aborting whatever its producer wrote since.
    const met = aborted.filter((transaction) => transaction.lastOffset >= startOffset);
    const transactions = new CleanedTransactions(met, () => {});
    let mappedEndOffset = firstDirtyOffset;
    let isFull = false;
    for (const segment of segments.slice(first)) {
      await this.#walk(segment, async (bytes, position) => {
        const nextOffset = lastOffsetAt(bytes, position) + 1;
        if (isControlBatchAt(bytes, position)) transactions.isMarkerOfNothing(bytes, position);
        else if (!transactions.isAbortedData(bytes, position) && nextOffset > firstDirtyOffset) {
          const fullAt = await this.#mapBatch(bytes, position);
          isFull = fullAt !== null;
          if (fullAt !== null) mappedEndOffset = Math.max(mappedEndOffset, fullAt);
        }
        if (!isFull) mappedEndOffset = Math.max(mappedEndOffset, nextOffset);
        return !isFull;
      });
      if (isFull) return mappedEndOffset;
    }
    return endOffset;
  }

  /** Returns the offset of the first record whose key did not fit; null where all did. */
  async #mapBatch(bytes: Uint8Array, position: number): Promise<number | null> {
    const batch = await readRecordBatch(bytes, position);
    for (const cursor = batch.cursor(); cursor.next(); ) {
      if (cursor.keyLength < 0 || cursor.offset < this.#job.firstDirtyOffset) continue;
      if (!this.#map.put(cursor.bytes, cursor.keyStart, cursor.keyLength, cursor.offset)) return cursor.offset;
    }
    return null;
  }

  async #cleanGroup(group: readonly JobSegment[], filter: BatchFilter): Promise<CleanedGroup> {
    const { directory } = this.#job;
    const { baseOffset } = group[0]!;
    const cleaned = new Segment(this.#files, directory, baseOffset, NEW_SEGMENT, 0, CLEANED_SUFFIX);
    this.#target = cleaned;
    try {
      await this.#write(cleaned, group, filter);
    } finally {
      await cleaned.close();
    }
    return {
      sources: group.map((source) => source.baseOffset),
      logBytes: cleaned.sizeBytes,
      offsetIndexBytes: cleaned.offsetIndex.index.sizeBytes,
      timeIndexBytes: cleaned.timeIndex.index.sizeBytes,
      transactionIndexBytes: cleaned.transactionIndex.index.sizeBytes,
    };
  }

  /** All four files are written, be they empty: the swap goes by their names. */
  async #write(cleaned: Segment, group: readonly JobSegment[], filter: BatchFilter): Promise<void> {
    for (const file of cleaned.files) await file.use((open) => open.truncate(0));
    for (const source of group) {
      await this.#walkBlocks(source, async (bytes, end) => {
        const kept: Uint8Array[] = [];
        for (let position = 0; position < end; position += batchSizeAt(bytes, position)) {
          const batch = await filter.filter(bytes, position);
          if (batch !== null) kept.push(batch);
        }
        await this.#append(cleaned, kept);
        return true;
      });
    }
    await cleaned.finishIndexes();
    for (const file of cleaned.files) await file.use((open) => open.sync());
  }

  async #append(cleaned: Segment, batches: readonly Uint8Array[]): Promise<void> {
    if (batches.length === 0) return;
    await cleaned.log.use((file) => file.write(batches, cleaned.sizeBytes));
    for (const batch of batches) {
      cleaned.batchWritten(batch, 0, batch.length, this.#job.indexIntervalBytes);
      await this.#pace.spend(batch.length);
    }
  }

  async #walk(source: JobSegment, visit: (bytes: Uint8Array, position: number) => Promise<boolean>): Promise<void> {
    await this.#walkBlocks(source, async (bytes, end) => {
      for (let position = 0; position < end; position += batchSizeAt(bytes, position)) {
        if (!(await visit(bytes, position))) return false;
      }
      return true;
    });
  }

  async #walkBlocks(source: JobSegment, visit: BlockVisitor): Promise<void> {
    const path = joinPath(this.#job.directory, offsetFileName(source.baseOffset, LOG_SUFFIX));
    const log = new CachedFile(this.#files, path);
    try {
      await walkBlocks(log, this.#pool, source.sizeBytes, async (bytes, end) => {
        this.#signal.throwIfAborted();
        await this.#pace.spend(end);
        return await visit(bytes, end);
      });
    } finally {
      await log.close();
    }
  }
}
