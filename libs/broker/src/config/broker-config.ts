import { parseZooKeeperConnect } from "@ottla/metadata";
import { type BrokerConfigName, type BrokerConfigValue, brokerConfigTable } from "./broker-config-table.ts";
import { type ConfigDefinition, isSensitive } from "./config-definition.ts";
import { ConfigError } from "./config-error.ts";
import type { ConfigSetting } from "./config-sources.ts";
import { nearMatch } from "./near-match.ts";

/** Where a config's value comes from; the numbers are those of DescribeConfigs. */
export const ConfigSource = {
  DYNAMIC_TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  GROUP_CONFIG: 8,
} as const;

export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource];

/** One place that gives a key a value. */
export interface ConfigSynonym {
  /** Kafka's key. */
  readonly name: string;
  /** The value as text. */
  readonly value: string | null;
  /** Where that value comes from. */
  readonly source: ConfigSource;
}

type Overrides = ReadonlyMap<string, string>;

const NO_OVERRIDES: Overrides = new Map();

/**
 * The values of one broker: what was set at run time for this broker, for all brokers, in its files, and the defaults,
 * in that order of strength. Immutable; a change at run time gives another one.
 */
export class BrokerConfig {
  readonly #static: Overrides;
  readonly #dynamic: Overrides;
  readonly #dynamicDefault: Overrides;
  readonly #parsed = new Map<string, unknown>();

  private constructor(staticValues: Overrides, dynamic: Overrides, dynamicDefault: Overrides) {
    this.#static = staticValues;
    this.#dynamic = dynamic;
    this.#dynamicDefault = dynamicDefault;
  }

  /**
   * Takes settings, later ones over earlier ones.
   * @throws ConfigError naming every key that is unknown and every value that is not allowed
   */
  static fromSettings(settings: readonly ConfigSetting[]): BrokerConfig {
    const problems = settings.flatMap((setting) => problemOf(setting) ?? []);
    if (problems.length > 0) throw new ConfigError(problems);
    const values = new Map(settings.map(({ key, value }) => [key, value]));
    const config = new BrokerConfig(values, NO_OVERRIDES, NO_OVERRIDES);
    const contradictions = contradictionsIn(config);
    if (contradictions.length > 0) throw new ConfigError(contradictions);
    return config;
  }

  /** The same broker once it knows a value that its settings left open. */
  withStatic(name: BrokerConfigName, value: string): BrokerConfig {
    return new BrokerConfig(new Map(this.#static).set(name, value), this.#dynamic, this.#dynamicDefault);
  }

  /** The same broker with other values set at run time. They have been checked when they were set. */
  withDynamic(dynamic: Overrides, dynamicDefault: Overrides): BrokerConfig {
    return new BrokerConfig(this.#static, dynamic, dynamicDefault);
  }

  /** The same with what an image sets for all brokers, which may be news to this one. */
  withDynamicDefault(dynamicDefault: Overrides): BrokerConfig {
    return new BrokerConfig(this.#static, this.#dynamic, dynamicDefault);
  }

  /** The directories of the logs. */
  get logDirectories(): readonly string[] {
    const single = this.isSet("log.dirs") ? null : this.get("log.dir");
    return single === null ? this.require("log.dirs") : [single];
  }

  /** The id that was set for this broker, or null where that is left open. */
  get configuredNodeId(): number | null {
    return this.isSet("node.id") ? this.require("node.id") : this.get("broker.id");
  }

  /** The value that counts. Null only where the key has no default. */
  get<Name extends BrokerConfigName>(name: Name): BrokerConfigValue<Name> | null {
    const known = this.#parsed.get(name);
    if (known !== undefined) return known as BrokerConfigValue<Name>;
    const definition: ConfigDefinition<unknown> = brokerConfigTable[name];
    const text = this.#text(name);
    const value = text === undefined ? definition.defaultValue : definition.parse(text);
    this.#parsed.set(name, value);
    return value as BrokerConfigValue<Name> | null;
  }

  /** The value of a key that has a default. */
  require<Name extends BrokerConfigName>(name: Name): BrokerConfigValue<Name> {
    const value = this.get(name);
    if (value === null) throw new Error(`${name} has no value`);
    return value;
  }

  /** Whether somebody set the key. */
  isSet(name: BrokerConfigName): boolean {
    return this.#text(name) !== undefined;
  }

  /** All that gives the key a value, the strongest first. */
  synonyms(name: string): ConfigSynonym[] {
    const definition = definitionOf(name);
    const found: ConfigSynonym[] = [];
    const add = (overrides: Overrides, source: ConfigSource) => {
      const value = overrides.get(name);
      if (value !== undefined) found.push({ name, value: normalized(definition, value), source });
    };
    add(this.#dynamic, ConfigSource.DYNAMIC_BROKER_CONFIG);
    add(this.#dynamicDefault, ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
    add(this.#static, ConfigSource.STATIC_BROKER_CONFIG);
    const fallback = definition?.defaultValue ?? null;
    if (definition !== undefined && fallback !== null) {
      found.push({ name, value: definition.format(fallback), source: ConfigSource.DEFAULT_CONFIG });
    }
    return found;
  }

  /** Keys of nobody's that were set at run time: Kafka takes them, for plugins may know them. */
  get unknownKeys(): readonly string[] {
    const keys = new Set([...this.#dynamic.keys(), ...this.#dynamicDefault.keys()]);
    return [...keys].filter((key) => definitionOf(key) === undefined);
  }

  /** Keys that were set and have no effect here, with the reason. */
  ignoredKeys(): { readonly key: string; readonly reason: string }[] {
    return [...this.#static.keys()].flatMap((key) => {
      const support = definitionOf(key)?.support;
      return support?.kind === "ignored" ? [{ key, reason: support.reason }] : [];
    });
  }

  #text(name: string): string | undefined {
    return this.#dynamic.get(name) ?? this.#dynamicDefault.get(name) ?? this.#static.get(name);
  }
}

/** A value as DescribeConfigs writes it, however somebody wrote it. */
export function normalized(definition: ConfigDefinition<unknown> | undefined, text: string): string {
  const value = definition?.parse(text);
  return definition === undefined || value === undefined ? text : definition.format(value);
}

/** Values that are allowed each, but not together. */
function contradictionsIn(config: BrokerConfig): string[] {
  const problems: string[] = [];
  const [nodeId, brokerId] = [config.require("node.id"), config.get("broker.id")];
  if (config.isSet("node.id") && brokerId !== null && nodeId !== brokerId) {
    problems.push(`node.id=${nodeId} and broker.id=${brokerId}: they are two names of one thing; set one of them`);
  }
  const connect = config.get("zookeeper.connect");
  if (connect !== null && connect !== "" && parseZooKeeperConnect(connect) === null) {
    problems.push(
      `zookeeper.connect=${connect}: it must be host:port separated by commas, with a /path after the last`,
    );
  }
  const directories = config.require("log.dirs");
  if (new Set(directories).size < directories.length) {
    problems.push(`log.dirs=${directories.join(",")}: a directory is named twice`);
  }
  const connections = connectionsProblem(config);
  if (connections !== null) problems.push(connections);
  return problems;
}

/** Nobody could connect any more. In Apache Kafka's words; null where that is not so. */
export function connectionsProblem(config: BrokerConfig): string | null {
  if (config.require("max.connections.per.ip") > 0) return null;
  if (config.require("max.connections.per.ip.overrides").size > 0) return null;
  return "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.";
}

function definitionOf(name: string): ConfigDefinition<unknown> | undefined {
  return Object.hasOwn(brokerConfigTable, name) ? brokerConfigTable[name as BrokerConfigName] : undefined;
}

/** What is wrong with a broker setting, as one line for a person; undefined when nothing is. */
export function problemOf({ key, value, origin }: ConfigSetting): string | undefined {
  const definition = definitionOf(key);
  if (definition === undefined) return unknownKey(key, value, origin);
  const shown = isSensitive(definition) ? "[hidden]" : value;
  if (definition.parse(value) === undefined) {
    return `${key}=${shown} (${origin}): it must be ${definition.allowed}`;
  }
  if (definition.support.kind === "refused" && !isHarmless(definition, value)) {
    return `${key}=${shown} (${origin}): ${definition.support.reason}`;
  }
  return undefined;
}

function unknownKey(key: string, value: string, origin: string): string {
  const near = nearMatch(key, Object.keys(brokerConfigTable));
  const hint = near === undefined ? "see `ottla broker --help` for where the keys are listed" : `did you mean ${near}?`;
  const shown = /password|secret/i.test(key) ? "[hidden]" : value;
  return `${key}=${shown} (${origin}): there is no such config key; ${hint}`;
}

/** A key that is refused may still be spelled out with the value that it has anyway. */
function isHarmless(definition: ConfigDefinition<unknown>, text: string): boolean {
  if (text.trim() === "") return true;
  const { defaultValue } = definition;
  return defaultValue !== null && definition.format(definition.parse(text)) === definition.format(defaultValue);
}
