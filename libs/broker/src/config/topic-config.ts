import type { ConfigImage } from "@ottla/metadata";
import type { LogConfig } from "@ottla/storage";
import type { BatchPolicy } from "../partition/batch-preparation.ts";
import type { TopicCompression } from "../partition/prepare-batch.ts";
import { ThrottledReplicas } from "../replication/replication-quota.ts";
import { type BrokerConfig, ConfigSource } from "./broker-config.ts";
import { LONG_MAX } from "./config-definition.ts";
import { InheritedConfig, type InheritedKeys } from "./inherited-config.ts";
import { topicConfigSynonyms, topicConfigTable } from "./topic-config-table.ts";

const keys: InheritedKeys<typeof topicConfigTable> = {
  table: topicConfigTable,
  synonyms: topicConfigSynonyms,
  ownSource: ConfigSource.DYNAMIC_TOPIC_CONFIG,
};

/** The configs of one topic: its own over its broker's. */
export class TopicConfig extends InheritedConfig<typeof topicConfigTable> {
  constructor(own: ConfigImage, broker: BrokerConfig) {
    super(keys, own, broker);
  }
}

/** The log of Kafka has `Long.MAX_VALUE` where ours has Infinity. */
function limit(value: number): number {
  return value === LONG_MAX ? Number.POSITIVE_INFINITY : value;
}

/** The level of a codec is a config of its own; snappy has none. */
function compressionOf(topic: TopicConfig): TopicCompression | null {
  const type = topic.require("compression.type");
  switch (type) {
    case "producer":
      return null;
    case "uncompressed":
      return { type: "none" };
    case "snappy":
      return { type };
    default: {
      const level = topic.require(`compression.${type}.level`);
      // -1 is zlib's "your own default".
      return type === "gzip" && level < 0 ? { type } : { type, level };
    }
  }
}

/** A topic's configs as far as its partitions go by them. */
export interface PartitionConfig extends LogConfig, BatchPolicy {
  readonly minInsyncReplicas: number;
  /** Replicas that are sent to (leader) or fetched (follower) no faster than the broker's throttled rate. */
  readonly leaderThrottled: ThrottledReplicas;
  readonly followerThrottled: ThrottledReplicas;
}

/** What partitions and their logs need to know of a topic's configs. */
export function partitionConfigOf(topic: TopicConfig): PartitionConfig {
  return {
    segmentBytes: topic.get("internal.segment.bytes") ?? topic.require("segment.bytes"),
    segmentMs: limit(topic.require("segment.ms")),
    segmentJitterMs: topic.require("segment.jitter.ms"),
    segmentIndexBytes: topic.require("segment.index.bytes"),
    indexIntervalBytes: topic.require("index.interval.bytes"),
    retentionMs: limit(topic.require("retention.ms")),
    retentionBytes: limit(topic.require("retention.bytes")),
    maxMessageBytes: topic.require("max.message.bytes"),
    cleanupPolicy: topic.require("cleanup.policy"),
    messageTimestampType: topic.require("message.timestamp.type"),
    messageTimestampBeforeMaxMs: limit(topic.require("message.timestamp.before.max.ms")),
    messageTimestampAfterMaxMs: limit(topic.require("message.timestamp.after.max.ms")),
    flushMessages: limit(topic.require("flush.messages")),
    flushMs: limit(topic.require("flush.ms")),
    fileDeleteDelayMs: topic.require("file.delete.delay.ms"),
    minCleanableDirtyRatio: topic.require("min.cleanable.dirty.ratio"),
    minCompactionLagMs: topic.require("min.compaction.lag.ms"),
    maxCompactionLagMs: limit(topic.require("max.compaction.lag.ms")),
    deleteRetentionMs: topic.require("delete.retention.ms"),
    minInsyncReplicas: topic.require("min.insync.replicas"),
    leaderThrottled: new ThrottledReplicas(topic.require("leader.replication.throttled.replicas")),
    followerThrottled: new ThrottledReplicas(topic.require("follower.replication.throttled.replicas")),
    compression: compressionOf(topic),
  };
}
