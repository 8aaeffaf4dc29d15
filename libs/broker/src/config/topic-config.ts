import type { ConfigImage } from "@ottla/metadata";
import type { LogConfig } from "@ottla/storage";
import { type BrokerConfig, ConfigSource, type ConfigSynonym } from "./broker-config.ts";
import type { BrokerConfigName } from "./broker-config-table.ts";
import { type ConfigDefinition, LONG_MAX } from "./config-definition.ts";
import {
  type TopicConfigName,
  type TopicConfigSynonym,
  type TopicConfigValue,
  topicConfigSynonyms,
  topicConfigTable,
} from "./topic-config-table.ts";

/** The configs of one topic: its own over its broker's. */
export class TopicConfig {
  readonly #own: ConfigImage;
  readonly #broker: BrokerConfig;

  constructor(own: ConfigImage, broker: BrokerConfig) {
    this.#own = own;
    this.#broker = broker;
  }

  get<Name extends TopicConfigName>(name: Name): TopicConfigValue<Name> | null {
    const definition: ConfigDefinition<unknown> = topicConfigTable[name];
    const strongest = this.synonyms(name)[0];
    const value = strongest === undefined ? definition.defaultValue : definition.parse(strongest.value ?? "");
    return (value ?? null) as TopicConfigValue<Name> | null;
  }

  require<Name extends TopicConfigName>(name: Name): TopicConfigValue<Name> {
    const value = this.get(name);
    if (value === null) throw new Error(`${name} has no value`);
    return value;
  }

  /** All that gives the key a value, the strongest first, in the topic key's unit. */
  synonyms(name: TopicConfigName): ConfigSynonym[] {
    const own = this.#own.get(name);
    const found: ConfigSynonym[] =
      own === undefined ? [] : [{ name, value: own, source: ConfigSource.DYNAMIC_TOPIC_CONFIG }];
    const brokerKeys = topicConfigSynonyms[name];
    if (brokerKeys === undefined) return [...found, ...defaultOf(name)];
    return [...found, ...brokerKeys.flatMap((synonym) => this.#brokerSynonyms(synonym))].sort(bySource);
  }

  #brokerSynonyms({ brokerKey, unitMs = 1 }: TopicConfigSynonym): ConfigSynonym[] {
    const found = this.#broker.synonyms(brokerKey as BrokerConfigName);
    if (unitMs === 1) return found;
    return found.map((synonym) => ({ ...synonym, value: inUnit(synonym.value, unitMs) }));
  }
}

/** Every value that was set is stronger than any default; among equals the order of the synonyms counts. */
function bySource(a: ConfigSynonym, b: ConfigSynonym): number {
  return a.source - b.source;
}

function inUnit(value: string | null, unitMs: number): string | null {
  if (value === null) return null;
  const number = Number(value);
  return number < 0 ? value : String(number * unitMs);
}

function defaultOf(name: TopicConfigName): ConfigSynonym[] {
  const definition: ConfigDefinition<unknown> = topicConfigTable[name];
  if (definition.defaultValue === null) return [];
  return [{ name, value: definition.format(definition.defaultValue), source: ConfigSource.DEFAULT_CONFIG }];
}

/** The log of Kafka has `Long.MAX_VALUE` where ours has Infinity. */
function limit(value: number): number {
  return value === LONG_MAX ? Number.POSITIVE_INFINITY : value;
}

/** What storage needs to know of a topic's configs. */
export function logConfigOf(topic: TopicConfig): LogConfig {
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
  };
}
