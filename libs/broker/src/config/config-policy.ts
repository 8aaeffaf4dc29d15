import {
  type ConfigImage,
  type ConfigPolicy,
  ConfigResourceType,
  configsOf,
  type MetadataImage,
  refuse,
} from "@ottla/metadata";
import { ErrorCode } from "@ottla/protocol";
import type { BrokerConfig } from "./broker-config.ts";
import { brokerConfigTable } from "./broker-config-table.ts";
import { type ConfigDefinition, ConfigType } from "./config-definition.ts";
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
    for (const [name, value] of configs) {
      const problem =
        this.#problemOf(table, name, value) ??
        (resourceType === ConfigResourceType.BROKER ? updateProblem(name, resourceName) : null);
      if (problem !== null) throw refuse(ErrorCode.INVALID_CONFIG, problem);
    }
    if (resourceType === ConfigResourceType.TOPIC) this.#checkTopic(new TopicConfig(configs, this.#broker));
    if (resourceType === ConfigResourceType.GROUP) checkGroupConfig(configs, this.#broker);
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

  topicValue(image: MetadataImage, topic: string, key: string): string | null {
    if (!Object.hasOwn(topicConfigTable, key)) return null;
    const own = configsOf(image, ConfigResourceType.TOPIC, topic);
    return new TopicConfig(own, this.#broker).text(key as TopicConfigName);
  }

  /** In Kafka's words, with what is allowed and what was probably meant. */
  #problemOf(table: Table, name: string, value: string): string | null {
    const definition = Object.hasOwn(table, name) ? table[name] : undefined;
    if (definition === undefined) return `Unknown config name: ${name}${this.#suggestion(table, name)}`;
    const parsed = definition.parse(value);
    if (parsed === undefined) {
      return `Invalid value ${value} for configuration ${name}: it must be ${definition.allowed}`;
    }
    if (definition.support.kind !== "refused") return null;
    const { defaultValue } = definition;
    if (defaultValue !== null && definition.format(parsed) === definition.format(defaultValue)) return null;
    return `Invalid value ${value} for configuration ${name}: ${definition.support.reason}`;
  }

  #suggestion(table: Table, name: string): string {
    if (this.#suggestionsLeft === 0) return "";
    this.#suggestionsLeft--;
    const near = nearMatch(name, Object.keys(table));
    return near === undefined ? "" : `; did you mean ${near}?`;
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

function updateProblem(name: string, brokerName: string): string | null {
  const { updateMode } = (brokerConfigTable as Table)[name]!;
  if (updateMode === "read-only") return `Cannot update these configs dynamically: ${name} (it is read-only)`;
  if (updateMode === "per-broker" && brokerName === "") {
    return `Cannot update these configs at default cluster level: ${name}`;
  }
  return null;
}
