import { type BrokerConfig, ConfigSource, type ConfigSynonym } from "./broker-config.ts";
import { brokerConfigTable } from "./broker-config-table.ts";
import { type ConfigDefinition, isSensitive } from "./config-definition.ts";
import { fromName, type InheritedConfig } from "./inherited-config.ts";

/** A config as DescribeConfigs tells it. */
export interface DescribedConfig {
  readonly name: string;
  /** Null where there is none, or it must not be shown. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
  readonly type: number;
  readonly documentation: string;
  /** All that gives the key a value, the strongest first. */
  readonly synonyms: readonly ConfigSynonym[];
}

type Table = Readonly<Record<string, ConfigDefinition<unknown>>>;

/** Every config of a topic or group, by name. */
export function describeInheritedConfigs<Keys extends Table>(resource: InheritedConfig<Keys>): DescribedConfig[] {
  const names = (Object.keys(resource.table) as (keyof Keys & string)[]).filter(isShown).sort();
  return names.map((name) =>
    describe(name, resource.table[name]!, resource.text(name), resource.synonyms(name), false),
  );
}

/** Every config of a broker, by name. */
export function describeBrokerConfigs(broker: BrokerConfig): DescribedConfig[] {
  const table: Table = brokerConfigTable;
  return Object.keys(table)
    .sort()
    .map((name) => {
      const value = broker.synonyms(name)[0]?.value ?? null;
      const isReadOnly = table[name]!.updateMode === "read-only";
      return describe(name, table[name]!, value, relatedSynonyms(broker, name), isReadOnly);
    });
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
    synonyms: hidden ? synonyms.map((synonym) => ({ ...synonym, value: null })) : synonyms,
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
