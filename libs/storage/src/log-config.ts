/** A topic's log settings under Kafka's names, in camelCase. Where Kafka says Long.MAX_VALUE, Infinity stands here. */
export interface LogConfig {
  /** `segment.bytes`: a segment is closed before it would grow past this. */
  readonly segmentBytes: number;
  /** `segment.ms`: a segment is closed when records come this much later than its first. */
  readonly segmentMs: number;
  /** `segment.jitter.ms`: at most this much is taken off `segmentMs`, so that segments do not all roll at once. */
  readonly segmentJitterMs: number;
  /** `segment.index.bytes`: a segment is closed when one of its indexes has this size. */
  readonly segmentIndexBytes: number;
  /** `index.interval.bytes`: bytes of log between two index entries. */
  readonly indexIntervalBytes: number;
  /** `retention.ms`; -1 keeps records for ever. */
  readonly retentionMs: number;
  /** `retention.bytes`; -1 sets no limit. */
  readonly retentionBytes: number;
  /** `max.message.bytes`: the largest record batch that is accepted. */
  readonly maxMessageBytes: number;
  /** `cleanup.policy`. */
  readonly cleanupPolicy: readonly ("delete" | "compact")[];
  /** `message.timestamp.type`. */
  readonly messageTimestampType: "CreateTime" | "LogAppendTime";
  /** `message.timestamp.before.max.ms`: how far a record's timestamp may lie in the past. */
  readonly messageTimestampBeforeMaxMs: number;
  /** `message.timestamp.after.max.ms`: how far a record's timestamp may lie in the future. */
  readonly messageTimestampAfterMaxMs: number;
  /** `flush.messages`: sync to disk, and hold acknowledgements until then, each time this many records are unsynced. */
  readonly flushMessages: number;
  /** `flush.ms`: sync in the background when records have waited this long. */
  readonly flushMs: number;
  /** `file.delete.delay.ms`: how long a deleted segment's files stay on disk. */
  readonly fileDeleteDelayMs: number;
  /** `min.cleanable.dirty.ratio`. */
  readonly minCleanableDirtyRatio: number;
  /** `min.compaction.lag.ms`. */
  readonly minCompactionLagMs: number;
  /** `max.compaction.lag.ms`. */
  readonly maxCompactionLagMs: number;
  /** `delete.retention.ms`. */
  readonly deleteRetentionMs: number;
  /** `min.insync.replicas`. */
  readonly minInsyncReplicas: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Apache Kafka's defaults. */
export const defaultLogConfig: LogConfig = {
  segmentBytes: 1024 ** 3,
  segmentMs: 7 * DAY_MS,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 * 1024 ** 2,
  indexIntervalBytes: 4096,
  retentionMs: 7 * DAY_MS,
  retentionBytes: -1,
  maxMessageBytes: 1024 ** 2 + 12,
  cleanupPolicy: ["delete"],
  messageTimestampType: "CreateTime",
  messageTimestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  messageTimestampAfterMaxMs: HOUR_MS,
  flushMessages: Number.POSITIVE_INFINITY,
  flushMs: Number.POSITIVE_INFINITY,
  fileDeleteDelayMs: 60_000,
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.POSITIVE_INFINITY,
  deleteRetentionMs: DAY_MS,
  minInsyncReplicas: 1,
};
