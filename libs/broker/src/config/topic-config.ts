import type { ConfigImage } from "@ottla/metadata";
import type { LogConfig } from "@ottla/storage";
import { type BrokerConfig, ConfigSource, type ConfigSynonym } from "./broker-config.ts";
import { type ConfigDefinition, LONG_MAX } from "./config-definition.ts";
import {
  type TopicConfigName,
  type TopicConfigSynonym,
  type TopicConfigValue,
  topicConfigSynonyms,
  topicConfigTable,
} from "./topic-config-table.ts";

/** A value that counts for a topic, in the unit of the key that it is set by. */
interface Candidate extends ConfigSynonym {
  /** Milliseconds in that unit; 1 where the units are the same. */
  readonly unitMs: number;
}

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
    const text = this.text(name);
    return (
      text === null ? definition.defaultValue : (definition.parse(text) ?? null)
    ) as TopicConfigValue<Name> | null;
  }

  require<Name extends TopicConfigName>(name: Name): TopicConfigValue<Name> {
    const value = this.get(name);
    if (value === null) throw new Error(`${name} has no value`);
    return value;
  }

  /** The value that counts, as text in the key's own unit; null where there is none. */
  text(name: TopicConfigName): string | null {
    const strongest = this.#candidates(name)[0];
    return strongest?.value == null ? null : inMs(strongest.value, strongest.unitMs);
  }

  /** All that gives the key a value, the strongest first, each under its own name and in its own unit. */
  synonyms(name: TopicConfigName): ConfigSynonym[] {
    return this.#candidates(name).map(({ unitMs: _, ...synonym }) => synonym);
  }

  #candidates(name: TopicConfigName): Candidate[] {
    const own = this.#own.get(name);
    const found: Candidate[] =
      own === undefined ? [] : [{ name, value: own, source: ConfigSource.DYNAMIC_TOPIC_CONFIG, unitMs: 1 }];
    const fromBroker = topicConfigSynonyms[name]?.flatMap((synonym) => this.#brokerCandidates(synonym));
    return [...found, ...(fromBroker ?? defaultOf(name))].sort(bySource);
  }

  #brokerCandidates({ brokerKey, unitMs = 1 }: TopicConfigSynonym): Candidate[] {
    return this.#broker.synonyms(brokerKey).map((synonym) => ({ ...synonym, unitMs }));
  }
}

/** Every value that was set is stronger than any default; among equals the order of the synonyms counts. */
function bySource(a: Candidate, b: Candidate): number {
  return a.source - b.source;
}

/** Negative values mean "no limit" in every unit. */
function inMs(value: string, unitMs: number): string {
  const number = Number(value);
  return unitMs === 1 || number < 0 ? value : String(number * unitMs);
}

function defaultOf(name: TopicConfigName): Candidate[] {
  const definition: ConfigDefinition<unknown> = topicConfigTable[name];
  if (definition.defaultValue === null) return [];
  const value = definition.format(definition.defaultValue);
  return [{ name, value, source: ConfigSource.DEFAULT_CONFIG, unitMs: 1 }];
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
