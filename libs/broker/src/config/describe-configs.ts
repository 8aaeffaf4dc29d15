import { type BrokerConfig, ConfigSource, type ConfigSynonym } from "./broker-config.ts";
import { brokerConfigTable } from "./broker-config-table.ts";
import { type ConfigDefinition, isSensitive } from "./config-definition.ts";
import { fromName, type InheritedConfig } from "./inherited-config.ts";
import { javaHashOrder, javaStringHash } from "./java-hash-order.ts";

/** A config as DescribeConfigs tells it. */
export interface DescribedConfig {
  readonly name: string;
  /** Null where there is none, or it must not be shown. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
  readonly type: number;
  /** Null for a key of nobody's. */
  readonly documentation: string | null;
  /** All that gives the key a value, the strongest first. */
  readonly synonyms: readonly ConfigSynonym[];
}

type Table = Readonly<Record<string, ConfigDefinition<unknown>>>;

/**
 * Apache Kafka tells configs in the order of a hash map, which depends on how large that is: more keys than ours are in it.
 * Keys that share a place there may come the other way round here.
 */
const ORDER_OF_BROKERS = 512;
/** The same for topics. */
export const ORDER_OF_TOPICS = 64;
/** The same for groups. */
export const ORDER_OF_GROUPS = 32;

/** Every config of a topic or group; `order` is {@link ORDER_OF_TOPICS} or {@link ORDER_OF_GROUPS}. */
export function describeInheritedConfigs<Keys extends Table>(
  resource: InheritedConfig<Keys>,
  order: number,
): DescribedConfig[] {
  const names = (Object.keys(resource.table) as (keyof Keys & string)[]).filter(isShown);
  return javaHashOrder(names, javaStringHash, order).map((name) =>
    describe(name, resource.table[name]!, resource.text(name), resource.synonyms(name), false),
  );
}

/** Every config of a broker, in Kafka's order. */
export function describeBrokerConfigs(broker: BrokerConfig): DescribedConfig[] {
  const table: Table = brokerConfigTable;
  const unknown = broker.unknownKeys;
  return javaHashOrder([...Object.keys(table), ...unknown], javaStringHash, ORDER_OF_BROKERS).map((name) => {
    if (!Object.hasOwn(table, name)) return describeUnknown(name, broker.synonyms(name));
    const value = broker.synonyms(name)[0]?.value ?? null;
    const isReadOnly = table[name]!.updateMode === "read-only";
    return describe(name, table[name]!, value, relatedSynonyms(broker, name), isReadOnly);
  });
}

/** As Kafka: a key of nobody's may be a secret. */
function describeUnknown(name: string, synonyms: readonly ConfigSynonym[]): DescribedConfig {
  return {
    name,
    value: null,
    source: synonyms[0]!.source,
    isReadOnly: true,
    isSensitive: true,
    type: UNKNOWN_TYPE,
    documentation: null,
    synonyms: withoutValues(synonyms),
  };
}

/** Kafka's number for a type that is not known. */
const UNKNOWN_TYPE = 0;

function withoutValues(synonyms: readonly ConfigSynonym[]): ConfigSynonym[] {
  return synonyms.map((synonym) => ({ ...synonym, value: null }));
}

/** Keys that are one thing in different units, or each other's defaults; the strongest first. */
const RELATED_KEYS: readonly (readonly string[])[] = [
  ["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
  ["log.roll.ms", "log.roll.hours"],
  ["log.roll.jitter.ms", "log.roll.jitter.hours"],
];
const FLUSH_KEYS = ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"];

/** As in Kafka: with those of related keys, from the first on that stands under the key itself. */
function relatedSynonyms(broker: BrokerConfig, name: string): readonly ConfigSynonym[] {
  const keys = name === FLUSH_KEYS[0] ? FLUSH_KEYS : (RELATED_KEYS.find((related) => related.includes(name)) ?? [name]);
  const synonyms = keys.flatMap((key) => broker.synonyms(key)).sort((a, b) => a.source - b.source);
  return fromName(name, synonyms);
}

/** As Kafka: what is there for tests of the log alone is not told. */
function isShown(name: string): boolean {
  return !name.startsWith("internal.");
}

function describe(
  name: string,
  definition: ConfigDefinition<unknown>,
  value: string | null,
  synonyms: readonly ConfigSynonym[],
  isReadOnly: boolean,
): DescribedConfig {
  const hidden = isSensitive(definition);
  return {
    name,
    value: hidden ? null : value,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    isReadOnly,
    isSensitive: hidden,
    type: definition.type,
    documentation: documentationOf(definition),
    synonyms: hidden ? withoutValues(synonyms) : synonyms,
  };
}

/** Who reads what a key is about reads as well that it does nothing here. */
function documentationOf({ documentation, support }: ConfigDefinition<unknown>): string {
  switch (support.kind) {
    case "honoured":
      return documentation;
    case "ignored":
      return `${documentation} Accepted, and without effect: ${support.reason}.`;
    case "refused":
      return `${documentation} Not supported: ${support.reason}.`;
  }
}
