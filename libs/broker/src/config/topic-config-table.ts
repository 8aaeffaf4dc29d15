import {
  booleanConfig,
  type ConfigDefinition,
  type ConfigSupport,
  choiceConfig,
  doubleConfig,
  intConfig,
  LONG_MAX,
  listConfig,
  longConfig,
  replicasConfig,
} from "./config-definition.ts";
import type { BrokerSynonym } from "./inherited-config.ts";

const TIERED: ConfigSupport = { kind: "refused", reason: "tiered storage is not supported" };

/** One MiB: the smallest segment of Kafka 4. */
export const SEGMENT_BYTES_MIN = 1024 * 1024;

/** Every config key of a topic, under Kafka's names with Kafka 4.3's defaults. All of them can change at run time. */
export const topicConfigTable = {
  "cleanup.policy": listConfig(
    ["delete"],
    "This config designates the retention policy to use on log segments. `delete` drops what retention no longer covers, `compact` keeps the last record of every key.",
    {
      choices: ["compact", "delete"],
    },
  ),
  "compression.type": choiceConfig(
    ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
    "producer",
    "The codec of the topic's batches on disk; `producer` keeps what the producer chose.",
  ),
  "compression.gzip.level": intConfig(-1, "Level for compression.type gzip: 1 to 9, -1 for the codec's own default.", {
    min: 1,
    max: 9,
    special: -1,
  }),
  "compression.lz4.level": intConfig(9, "Level for compression.type lz4.", {
    min: 1,
    max: 17,
    support: { kind: "ignored", reason: "lz4 is written at its fast level alone" },
  }),
  "compression.zstd.level": intConfig(3, "Level for compression.type zstd.", { min: -131072, max: 22 }),
  "delete.retention.ms": longConfig(
    86_400_000,
    "How long a compacted topic keeps the tombstones of deleted keys, in milliseconds.",
    { min: 0 },
  ),
  "file.delete.delay.ms": longConfig(
    60_000,
    "How long a segment's files stay after it was removed from the log, in milliseconds.",
    { min: 0 },
  ),
  "flush.messages": longConfig(
    LONG_MAX,
    "Sync the log after this many records. 1 makes every acknowledged record survive a power failure; the default leaves syncing to the operating system.",
    { min: 1 },
  ),
  "flush.ms": longConfig(LONG_MAX, "Sync the log when a record has been unsynced this long, in milliseconds.", {
    min: 0,
  }),
  "follower.replication.throttled.replicas": replicasConfig(
    "Replicas whose catching up is throttled: `partition:broker` pairs, or `*`.",
  ),
  "index.interval.bytes": intConfig(4096, "About how many bytes of log lie between two entries of the offset index.", {
    min: 0,
  }),
  "internal.segment.bytes": intConfig(null, "segment.bytes without its lower limit. For tests of the log only."),
  "leader.replication.throttled.replicas": replicasConfig(
    "Replicas that are served throttled: `partition:broker` pairs, or `*`.",
  ),
  "local.retention.bytes": longConfig(-2, "Bytes kept locally by a topic with tiered storage.", {
    min: -2,
    support: TIERED,
  }),
  "local.retention.ms": longConfig(-2, "Milliseconds kept locally by a topic with tiered storage.", {
    min: -2,
    support: TIERED,
  }),
  "max.compaction.lag.ms": longConfig(
    LONG_MAX,
    "The longest a record stays out of compaction's reach, in milliseconds.",
    { min: 1 },
  ),
  "max.message.bytes": intConfig(
    1_048_588,
    "The largest record batch that the topic takes, in bytes (after compression).",
    { min: 0 },
  ),
  "message.timestamp.after.max.ms": longConfig(
    3_600_000,
    "How far ahead of the broker's clock a record's timestamp may lie, in milliseconds.",
    { min: 0 },
  ),
  "message.timestamp.before.max.ms": longConfig(
    LONG_MAX,
    "How far behind the broker's clock a record's timestamp may lie, in milliseconds.",
    { min: 0 },
  ),
  "message.timestamp.type": choiceConfig(
    ["CreateTime", "LogAppendTime"],
    "CreateTime",
    "Whose clock stamps the records: the producer's or the broker's.",
  ),
  "min.cleanable.dirty.ratio": doubleConfig(
    0.5,
    "How much of a compacted log must be uncompacted before it is cleaned, from 0 to 1.",
    { min: 0, max: 1 },
  ),
  "min.compaction.lag.ms": longConfig(0, "The shortest time that a record stays uncompacted, in milliseconds.", {
    min: 0,
  }),
  "min.insync.replicas": intConfig(1, "How many replicas must be in sync for acks=all to be accepted.", { min: 1 }),
  preallocate: booleanConfig(false, "Whether a new segment's file is allocated in full.", {
    support: { kind: "ignored", reason: "segments grow as they are written" },
  }),
  "remote.log.copy.disable": booleanConfig(false, "Stops copying to tiered storage.", { support: TIERED }),
  "remote.log.delete.on.disable": booleanConfig(false, "Deletes tiered data when tiered storage is switched off.", {
    support: TIERED,
  }),
  "remote.storage.enable": booleanConfig(false, "Whether old segments move to tiered storage.", { support: TIERED }),
  "retention.bytes": longConfig(
    -1,
    "Bytes that a partition keeps before its oldest segments go; -1 for no limit. Needs cleanup.policy delete.",
    { min: -1 },
  ),
  "retention.ms": longConfig(
    604_800_000,
    "Milliseconds that a partition keeps records; -1 for ever. Needs cleanup.policy delete.",
    { min: -1 },
  ),
  "segment.bytes": intConfig(
    1_073_741_824,
    "The size of a log segment file in bytes. Retention works in whole segments.",
    { min: SEGMENT_BYTES_MIN },
  ),
  "segment.index.bytes": intConfig(10_485_760, "The largest size of a segment's offset index, in bytes.", { min: 4 }),
  "segment.jitter.ms": longConfig(
    0,
    "The most by which segment.ms is shortened at random, so that segments do not roll all at once.",
    { min: 0 },
  ),
  "segment.ms": longConfig(604_800_000, "Milliseconds after which a segment is rolled even when it is not full.", {
    min: 1,
  }),
  "unclean.leader.election.enable": booleanConfig(
    false,
    "Whether a replica that is not in sync may become leader, losing records, when no other is left.",
  ),
} as const satisfies Readonly<Record<string, ConfigDefinition<unknown>>>;

/** The name of a config key of topics. */
export type TopicConfigName = keyof typeof topicConfigTable;

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

const same = (brokerKey: string): readonly BrokerSynonym[] => [{ brokerKey }];

/**
 * The broker keys that give a topic its default, the strongest first. Topic keys that are absent here have none.
 */
export const topicConfigSynonyms: Readonly<Partial<Record<TopicConfigName, readonly BrokerSynonym[]>>> = {
  "cleanup.policy": same("log.cleanup.policy"),
  "compression.type": same("compression.type"),
  "compression.gzip.level": same("compression.gzip.level"),
  "compression.lz4.level": same("compression.lz4.level"),
  "compression.zstd.level": same("compression.zstd.level"),
  "delete.retention.ms": same("log.cleaner.delete.retention.ms"),
  "file.delete.delay.ms": same("log.segment.delete.delay.ms"),
  "flush.messages": same("log.flush.interval.messages"),
  "flush.ms": [{ brokerKey: "log.flush.interval.ms" }, { brokerKey: "log.flush.scheduler.interval.ms" }],
  "index.interval.bytes": same("log.index.interval.bytes"),
  "max.compaction.lag.ms": same("log.cleaner.max.compaction.lag.ms"),
  "max.message.bytes": same("message.max.bytes"),
  "message.timestamp.after.max.ms": same("log.message.timestamp.after.max.ms"),
  "message.timestamp.before.max.ms": same("log.message.timestamp.before.max.ms"),
  "message.timestamp.type": same("log.message.timestamp.type"),
  "min.cleanable.dirty.ratio": same("log.cleaner.min.cleanable.ratio"),
  "min.compaction.lag.ms": same("log.cleaner.min.compaction.lag.ms"),
  "min.insync.replicas": same("min.insync.replicas"),
  preallocate: same("log.preallocate"),
  "retention.bytes": same("log.retention.bytes"),
  "retention.ms": [
    { brokerKey: "log.retention.ms" },
    { brokerKey: "log.retention.minutes", unitMs: MINUTE_MS },
    { brokerKey: "log.retention.hours", unitMs: HOUR_MS },
  ],
  "segment.bytes": same("log.segment.bytes"),
  "segment.index.bytes": same("log.index.size.max.bytes"),
  "segment.jitter.ms": [{ brokerKey: "log.roll.jitter.ms" }, { brokerKey: "log.roll.jitter.hours", unitMs: HOUR_MS }],
  "segment.ms": [{ brokerKey: "log.roll.ms" }, { brokerKey: "log.roll.hours", unitMs: HOUR_MS }],
  "unclean.leader.election.enable": same("unclean.leader.election.enable"),
};
