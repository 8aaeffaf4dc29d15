import type { TopicPartition } from "../topic-partition.ts";

/** An offset to commit for a partition. */
export interface OffsetToCommit extends TopicPartition {
  /** The offset to go on from: that of the last processed record, plus one. */
  readonly offset: number;
  /** Epoch of the leader that took the last processed record. Default: -1, not known. */
  readonly leaderEpoch?: number;
  /** Anything that is to be kept with the offset (`offset.metadata.max.bytes`). Default: empty. */
  readonly metadata?: string;
}

/** An offset that a group has committed for a partition. */
export interface CommittedOffset extends TopicPartition {
  /** Of the record to be read next. */
  readonly offset: number;
  /** -1 if not known. */
  readonly leaderEpoch: number;
  /** The text that was kept beside the offset. */
  readonly metadata: string;
}

/** A place in a partition, by offset or by time. */
export interface OffsetAndTimestamp extends TopicPartition {
  /** The offset that was found. */
  readonly offset: number;
  /** Timestamp of the record there, in milliseconds; -1 where the offset is an end of the log. */
  readonly timestampMs: number;
  /** -1 if not known. */
  readonly leaderEpoch: number;
}
