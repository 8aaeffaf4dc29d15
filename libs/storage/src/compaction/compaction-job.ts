import type { AbortedTransactionEntry } from "../indexes/transaction-index.ts";

/** A segment that compaction reads. */
export interface JobSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly offsetIndexBytes: number;
  readonly timeIndexBytes: number;
}

/** The last that the log remembers of a producer: the batch that says it must outlive compaction. */
export interface LastOfProducer {
  readonly producerEpoch: number;
  /**
   * The last offsets of the producer's last batch of data that is durable, and of its last one; empty where only a
   * marker is known.
   */
  readonly lastDataOffsets: readonly number[];
}

/**
 * One pass of compaction over a log, as plain data: it may be run by another thread. Segments are all that begin below
 * `endOffset`, in order.
 */
export interface CompactionJob {
  /** The log's directory, as a path of the disk. */
  readonly directory: string;
  readonly segments: readonly JobSegment[];
  /** What lies below has been compacted before. */
  readonly firstDirtyOffset: number;
  /** What lies at or above is not touched. A segment begins here. */
  readonly endOffset: number;
  readonly aborted: readonly AbortedTransactionEntry[];
  readonly lastOfProducers: ReadonlyMap<number, LastOfProducer>;
  readonly nowMs: number;
  /** `delete.retention.ms` */
  readonly deleteRetentionMs: number;
  readonly segmentBytes: number;
  readonly segmentIndexBytes: number;
  readonly indexIntervalBytes: number;
  readonly limits: CompactionLimits;
  /** For the hashes of keys. */
  readonly seed: number;
}

/** What one compaction may use. */
export interface CompactionLimits {
  /** Memory for the map of keys: `log.cleaner.dedupe.buffer.size` by the number of threads. */
  readonly dedupeBufferBytes: number;
  /** `log.cleaner.io.buffer.load.factor` */
  readonly loadFactor: number;
  /** `log.cleaner.io.max.bytes.per.second` by the number of threads. */
  readonly ioMaxBytesPerSecond: number;
}

/** Segments `sources` (by base offset) have been written anew, as `.cleaned` files under the first one's name. */
export interface CleanedGroup {
  readonly sources: readonly number[];
  readonly logBytes: number;
  readonly offsetIndexBytes: number;
  readonly timeIndexBytes: number;
  readonly transactionIndexBytes: number;
}

export interface CompactionResult {
  /** Everything below is compacted now: less than was asked for when the map of keys was full before. */
  readonly cleanedEndOffset: number;
  /** The thread that did it, by its own account; absent where it was the log's own. */
  readonly thread?: string;
}

/**
 * Runs a job. After each group it waits until `swap` has put the group in place. Rejects with what `swap` rejects with,
 * and soon after `signal` is aborted; it touches no file any more then.
 */
export type CompactionExecutor = (
  job: CompactionJob,
  swap: (group: CleanedGroup) => Promise<void>,
  signal: AbortSignal,
) => Promise<CompactionResult>;
