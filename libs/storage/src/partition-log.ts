import type { LogConfig } from "./log-config.ts";

/**
 * What one partition's log offers to whoever leads or follows that partition.
 *
 * Three positions are kept apart, on one node too. `logEndOffset` (LEO) is the offset after the last record
 * that has been written; `highWatermark` (HW) is the offset after the last record that every in-sync replica has,
 * moved by the replication layer alone; `lastStableOffset` (LSO) is where the first open transaction begins,
 * never above HW. Invariant at every moment: logStartOffset <= LSO <= HW <= LEO.
 */
export interface PartitionLog {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  /** The epoch of the last record, or -1 in an empty log that never had a leader. */
  readonly latestLeaderEpoch: number;
  /** The offset that the next record gets: `logEndOffset`, once all that was appended so far is written. */
  readonly nextOffset: number;
  /** Bytes in all segments. */
  readonly sizeBytes: number;
  /** Whether the log's disk has failed: nothing can be read or appended until the broker is started again. */
  readonly isOffline: boolean;

  /**
   * Appends record batches as the partition's leader: checks them, assigns offsets and the leader epoch in place
   * (both lie outside the CRC; the bytes belong to the log from now on), and queues them for the group commit.
   *
   * Offsets are assigned before this returns, in call order. `written` settles when the bytes are in the file
   * (and synced, where `flush.messages` asks for it); from then on they count in `logEndOffset`.
   * Throws {@link AppendRejected} when a batch is invalid: nothing of the call is appended then.
   */
  appendAsLeader(batches: Uint8Array, options: LeaderAppendOptions): LogAppend;

  /**
   * Appends batches that already carry offsets and epochs, as fetched from the leader. The bytes are only lent: once
   * `written` has settled nobody looks at them any more.
   */
  appendAsFollower(batches: Uint8Array): LogAppend;

  /**
   * Reads whole batches from `offset` on, up to `limit`'s position and about `maxBytes`.
   * The chunks are slices (of the tail in memory, or of pooled buffers) that stay valid until `release()`.
   * Throws {@link OffsetOutOfRange} when `offset` lies outside [logStartOffset, logEndOffset].
   */
  read(offset: number, options: LogReadOptions): LogRead | Promise<LogRead>;

  /** The first record at or after `timestampMs`, up to `limit`; null when there is none. Kafka's ListOffsets by time. */
  offsetForTimestamp(timestampMs: number, limit: ReadLimit): Promise<TimestampAndOffset | null>;
  /** The record with the highest timestamp (ListOffsets -3); null in an empty log. */
  offsetForMaxTimestamp(): Promise<TimestampAndOffset | null>;
  /** The end of the largest epoch not above `leaderEpoch` (KIP-101/279); null when unknown. */
  endOffsetForEpoch(leaderEpoch: number): EpochEndOffset | null;
  /** The leader epoch that the record at `offset` belongs to; -1 when unknown. */
  epochForOffset(offset: number): number;

  /** The idempotent and transactional producers that the log remembers, as DescribeProducers tells of them. */
  producers(): ProducerDescription[];

  /** Whether the producer has an open transaction here, begun in this epoch; decided by what was appended so far. */
  hasOpenTransaction(producerId: number, producerEpoch: number): boolean;

  /** Moves the high watermark forward (or, for a follower after truncation, wherever it must be). */
  setHighWatermark(offset: number): void;
  /** Moves the log start offset forward (DeleteRecords, retention). */
  advanceLogStartOffset(offset: number): Promise<void>;
  /** Removes every record at or above `offset` (a follower's divergence). */
  truncateTo(offset: number): Promise<void>;
  /** Removes everything and starts again at `offset`. */
  truncateFullyAndStartAt(offset: number): Promise<void>;
  /** Records that a leader with this epoch starts at the current log end offset. */
  assignLeaderEpoch(leaderEpoch: number): Promise<void>;
  /** Applies the topic's configuration, now and whenever it changes. */
  updateConfig(config: LogConfig): void;

  /** Settles when all that was appended so far is written, or has failed. Never rejects. */
  settled(): Promise<void>;
  /** Writes and syncs all that was appended so far. */
  flush(): Promise<void>;
  /** Flushes and closes. Appends that come later are rejected. */
  close(): Promise<void>;

  /**
   * Called synchronously after `logEndOffset`, `highWatermark` or `lastStableOffset` moved, and when the log has gone
   * offline. Returns its removal.
   */
  onAdvance(listener: () => void): () => void;
}

export interface LeaderAppendOptions {
  readonly leaderEpoch: number;
  /**
   * Who appends: `client` batches are fully validated (CRC, idempotence, timestamps, sizes);
   * `coordinator` batches were built by this broker. `control` ones may carry control records too.
   */
  readonly origin: "client" | "coordinator" | "control";
  /**
   * For markers: the level of `transaction.version` that the transaction was made by. From 2 on each transaction ends
   * with an epoch of its own, and a marker of an epoch that its producer still writes in is refused (KIP-1228).
   */
  readonly transactionVersion?: number;
}

export interface LogAppend {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** The timestamp that the broker gave the records (LogAppendTime), or -1 (CreateTime). */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /** True when an idempotent producer sent these batches again: offsets are the first ones, nothing was appended. */
  readonly isDuplicate: boolean;
  /** Settles when the records are written. Rejects with DiskError. Never rejects unhandled. */
  readonly written: Promise<void>;
}

/** How far a reader may see: replicas to the log end, consumers to HW or (read_committed) to LSO. */
export type ReadLimit = "logEnd" | "highWatermark" | "lastStable";

export interface LogReadOptions {
  readonly maxBytes: number;
  /** Return the first batch even when it is larger than `maxBytes` (KIP-74). */
  readonly minOneBatch: boolean;
  readonly limit: ReadLimit;
}

export interface LogRead {
  readonly chunks: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** For `lastStable` reads: the aborted transactions that overlap the range read. */
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Gives pooled buffers back. Call it once the chunks have left the process. */
  release(): void;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** What a partition knows of one producer (KIP-664). */
export interface ProducerDescription {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** The sequence number of its last record; -1 where none is remembered. */
  readonly lastSequence: number;
  /** The largest timestamp of its last batch or marker; -1 where there is none. */
  readonly lastTimestampMs: number;
  /** The epoch of the transaction coordinator that wrote its last marker; -1 before the first. */
  readonly coordinatorEpoch: number;
  /** The first offset of its open transaction; -1 where none is open. */
  readonly transactionStartOffset: number;
}

export interface TimestampAndOffset {
  readonly timestampMs: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

export interface EpochEndOffset {
  readonly leaderEpoch: number;
  readonly endOffset: number;
}
