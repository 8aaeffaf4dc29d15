import {
  type ConfigImage,
  type ConfigPolicy,
  ConfigResourceType,
  configsOf,
  type MetadataImage,
  refuse,
} from "@ottla/metadata";
import { ErrorCode } from "@ottla/protocol";
import { type BrokerConfig, connectionsProblem } from "./broker-config.ts";
import { brokerConfigTable } from "./broker-config-table.ts";
import { type ConfigDefinition, ConfigType, type ConfigUpdateMode, invalidValue } from "./config-definition.ts";
import { ConsumerGroupConfig, checkGroupConfig, type GroupConfigName, groupConfigTable } from "./group-config.ts";
import { nearMatch } from "./near-match.ts";
import { TopicConfig } from "./topic-config.ts";
import { type TopicConfigName, topicConfigTable } from "./topic-config-table.ts";

type Table = Readonly<Record<string, ConfigDefinition<unknown>>>;

const tables: Readonly<Record<number, Table>> = {
  [ConfigResourceType.TOPIC]: topicConfigTable,
  [ConfigResourceType.BROKER]: brokerConfigTable,
  [ConfigResourceType.GROUP]: groupConfigTable,
};

const kinds: Readonly<Record<number, string>> = {
  [ConfigResourceType.TOPIC]: "topic",
  [ConfigResourceType.BROKER]: "broker",
  [ConfigResourceType.GROUP]: "group",
};

const NO_CONFIGS: ConfigImage = new Map();

/** What one operation of the controller may accept as configs of topics, brokers and groups, by the tables. */
export class TableConfigPolicy implements ConfigPolicy {
  readonly #broker: BrokerConfig;
  /** Comparing a name with all that there are takes a while, and a request may have thousands. */
  #suggestionsLeft = 20;

  constructor(broker: BrokerConfig) {
    this.#broker = broker;
  }

  validate(resourceType: number, resourceName: string, configs: ConfigImage): void {
    const table = tables[resourceType];
    if (table === undefined) {
      throw refuse(ErrorCode.INVALID_REQUEST, `Configs of resource type ${resourceType} are not supported.`);
    }
    const isBroker = resourceType === ConfigResourceType.BROKER;
    if (isBroker) checkUpdateModes(resourceName, [...configs.keys()]);
    for (const [name, value] of configs) {
      const problem = this.#problemOf(resourceType, table, name, value);
      if (problem !== null) throw refuse(isBroker ? ErrorCode.INVALID_REQUEST : ErrorCode.INVALID_CONFIG, problem);
    }
    if (isBroker) this.#checkBroker(configs);
    if (resourceType === ConfigResourceType.TOPIC) this.#checkTopic(new TopicConfig(configs, this.#broker));
    if (resourceType === ConfigResourceType.GROUP) checkGroupConfig(configs, this.#broker);
  }

  isKnown(resourceType: number, key: string): boolean {
    return Object.hasOwn(tables[resourceType] ?? {}, key);
  }

  isList(resourceType: number, key: string): boolean {
    return tables[resourceType]?.[key]?.type === ConfigType.LIST;
  }

  defaultValue(resourceType: number, key: string): string | null {
    if (resourceType === ConfigResourceType.TOPIC && Object.hasOwn(topicConfigTable, key)) {
      return new TopicConfig(NO_CONFIGS, this.#broker).text(key as TopicConfigName);
    }
    if (resourceType === ConfigResourceType.GROUP && Object.hasOwn(groupConfigTable, key)) {
      return new ConsumerGroupConfig(NO_CONFIGS, this.#broker).text(key as GroupConfigName);
    }
    const definition = tables[resourceType]?.[key];
    const fallback = definition?.defaultValue ?? null;
    return definition === undefined || fallback === null ? null : definition.format(fallback);
  }

  fileValue(key: string): string | null {
    return this.#broker.withDynamic(NO_CONFIGS, NO_CONFIGS).synonyms(key)[0]?.value ?? null;
  }

  topicValue(image: MetadataImage, topic: string, key: string): string | null {
    if (!Object.hasOwn(topicConfigTable, key)) return null;
    const own = configsOf(image, ConfigResourceType.TOPIC, topic);
    const broker = this.#broker.withDynamicDefault(configsOf(image, ConfigResourceType.BROKER, ""));
    return new TopicConfig(own, broker).text(key as TopicConfigName);
  }

  /** In Kafka's words, with what is allowed and what was probably meant. */
  #problemOf(resourceType: number, table: Table, name: string, value: string): string | null {
    const definition = Object.hasOwn(table, name) ? table[name] : undefined;
    if (definition === undefined) {
      // As Kafka: a plugin of a broker may know it.
      if (resourceType === ConfigResourceType.BROKER) return null;
      return `Unknown ${kinds[resourceType]} config name: ${name}${this.#suggestion(table, name)}`;
    }
    const parsed = definition.parse(value);
    if (parsed === undefined) return definition.complaint(name, value);
    if (definition.support.kind !== "refused") return null;
    const { defaultValue } = definition;
    if (defaultValue !== null && definition.format(parsed) === definition.format(defaultValue)) return null;
    return invalidValue(name, value, definition.support.reason);
  }

  #suggestion(table: Table, name: string): string {
    if (this.#suggestionsLeft === 0) return "";
    this.#suggestionsLeft--;
    const near = nearMatch(name, Object.keys(table));
    return near === undefined ? "" : `; did you mean ${near}?`;
  }

  #checkBroker(configs: ConfigImage): void {
    const problem = connectionsProblem(this.#broker.withDynamic(configs, configs));
    if (problem !== null) throw refuse(ErrorCode.INVALID_REQUEST, `requirement failed: ${problem}`);
  }

  #checkTopic(topic: TopicConfig): void {
    const minLag = topic.require("min.compaction.lag.ms");
    const maxLag = topic.require("max.compaction.lag.ms");
    if (minLag <= maxLag) return;
    throw refuse(
      ErrorCode.INVALID_CONFIG,
      `conflict topic config setting min.compaction.lag.ms (${minLag}) > max.compaction.lag.ms (${maxLag})`,
    );
  }
}

/**
 * Refuses keys that cannot change at run time, or not for all brokers at once.
 * @throws KafkaError INVALID_REQUEST
 */
function checkUpdateModes(brokerName: string, names: readonly string[]): void {
  const withMode = (mode: ConfigUpdateMode) =>
    names.filter((name) => Object.hasOwn(brokerConfigTable, name) && updateModeOf(name) === mode);
  const fixed = withMode("read-only");
  if (fixed.length > 0) {
    throw refuse(ErrorCode.INVALID_REQUEST, `Cannot update these configs dynamically: [${fixed.join(", ")}]`);
  }
  const single = brokerName === "" ? withMode("per-broker") : [];
  if (single.length === 0) return;
  throw refuse(
    ErrorCode.INVALID_REQUEST,
    `Cannot update these configs at default cluster level, broker id must be specified: [${single.join(", ")}]`,
  );
}

function updateModeOf(name: string): ConfigUpdateMode {
  return (brokerConfigTable as Table)[name]!.updateMode;
}
