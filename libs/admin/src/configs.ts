import type { CallOptions } from "@ottla/client";
import { type ClusterClient, describe, invalidArgument, type RequestTarget } from "@ottla/client/internal";
import { describeConfigsApi, incrementalAlterConfigsApi, listConfigResourcesApi } from "@ottla/protocol";
import { checkResources, resultsOf } from "./partial-failure.ts";
import { type BulkOptions, mapAll } from "./progress.ts";
import { requireVersion } from "./unsupported.ts";

/** Kafka's numbers of what can have configs. */
const RESOURCE_TYPES = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const;

/** What can have configs. */
export type ConfigResourceType = keyof typeof RESOURCE_TYPES;

/** One thing that has configs. */
export interface ConfigResource {
  /** What kind of thing has the configs. */
  readonly type: ConfigResourceType;
  /** Topic name, broker id as text (empty: the default of all brokers), or group id. */
  readonly name: string;
}

/** What to ask of one resource. */
export interface ConfigQuery extends ConfigResource {
  /** Default: all keys. */
  readonly keys?: readonly string[];
}

/** Where a config's value comes from. */
export type ConfigSource =
  | "unknown"
  | "topic"
  | "dynamicBroker"
  | "dynamicDefaultBroker"
  | "staticBroker"
  | "default"
  | "dynamicBrokerLogger"
  | "clientMetrics"
  | "group";

const SOURCES: readonly ConfigSource[] = [
  "unknown",
  "topic",
  "dynamicBroker",
  "dynamicDefaultBroker",
  "staticBroker",
  "default",
  "dynamicBrokerLogger",
  "clientMetrics",
  "group",
];

/** One config of a resource. */
export interface ConfigEntry {
  /** Kafka's key, such as `retention.ms`. */
  readonly key: string;
  /** Null for a secret, and where no value is set. */
  readonly value: string | null;
  /** Where the value comes from. */
  readonly source: ConfigSource;
  /** Whether it cannot be changed while the broker runs. */
  readonly isReadOnly: boolean;
  /** Whether it is a secret, whose value is not shown. */
  readonly isSensitive: boolean;
  /** In words; null when it was not asked for, or the broker is older than Kafka 2.6. */
  readonly documentation: string | null;
  /** Values that stand behind this one, strongest first. Empty when they were not asked for. */
  readonly synonyms: readonly { readonly key: string; readonly value: string | null; readonly source: ConfigSource }[];
}

export interface ResourceConfigs extends ConfigResource {
  /** Its configs, in the order in which the broker gives them. */
  readonly entries: readonly ConfigEntry[];
}

/** How configs are described. */
export interface DescribeConfigsOptions extends BulkOptions {
  /** Default false. */
  readonly includeSynonyms?: boolean;
  /** Default false. */
  readonly includeDocumentation?: boolean;
}

/** How configs are changed. */
export interface AlterConfigsOptions extends BulkOptions {
  /** Checks everything and changes nothing. Default false. */
  readonly validateOnly?: boolean;
}

/** Which resources to list. */
export interface ListConfigResourcesOptions extends CallOptions {
  /** Default: all types. Kafka before 4.1 lists `clientMetrics` alone. */
  readonly types?: readonly ConfigResourceType[];
}

const OPERATIONS = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

/** A change of one config (KIP-339). `append` and `subtract` are for lists; `delete` goes back to the default. */
export interface ConfigChange {
  /** Kafka's key, such as `retention.ms`. */
  readonly key: string;
  /** Default `"set"`. */
  readonly operation?: keyof typeof OPERATIONS;
  /** Not needed for `delete`. */
  readonly value?: string | number | boolean;
}

export interface ConfigAlteration extends ConfigResource {
  /** What changes, in this order; all of it or nothing. */
  readonly changes: readonly ConfigChange[];
}

export async function describeConfigs(
  client: ClusterClient,
  queries: readonly ConfigQuery[],
  { includeSynonyms = false, includeDocumentation = false, onProgress, ...call }: DescribeConfigsOptions,
): Promise<ResourceConfigs[]> {
  const answers = await mapAll([...byTarget(queries)], onProgress, async ([target, group]) => {
    const resources = group.map((query) => ({ ...toResource(query), configurationKeys: query.keys ?? null }));
    const request = { resources, includeSynonyms, includeDocumentation };
    const { results } = await client.ask(targetOf(target), describeConfigsApi, request, call);
    return results;
  });
  return resultsOf(
    "describeConfigs",
    answers.flat(),
    (result) => ({ ...result, resource: result.resourceName }),
    ({ resourceType, resourceName, configs }) => ({
      type: typeOf(resourceType),
      name: resourceName,
      entries: configs.map(toEntry),
    }),
  );
}

export async function incrementalAlterConfigs(
  client: ClusterClient,
  alterations: readonly ConfigAlteration[],
  { validateOnly = false, onProgress, ...call }: AlterConfigsOptions,
): Promise<void> {
  const answers = await mapAll([...byTarget(alterations)], onProgress, async ([target, group]) => {
    const resources = group.map((alteration) => ({
      ...toResource(alteration),
      configs: alteration.changes.map(toOperation),
    }));
    const request = { resources, validateOnly };
    const { responses } = await client.ask(targetOf(target), incrementalAlterConfigsApi, request, call);
    return responses;
  });
  checkResources(
    "incrementalAlterConfigs",
    answers.flat().map((response) => ({ ...response, resource: response.resourceName })),
  );
}

const FIRST_LIST_VERSION_WITH_TYPES = 1;

export async function listConfigResources(
  client: ClusterClient,
  { types = [], ...call }: ListConfigResourcesOptions,
): Promise<ConfigResource[]> {
  const body = (version: number) => {
    const isOnlyMetrics = types.length === 1 && types[0] === "clientMetrics";
    if (version < FIRST_LIST_VERSION_WITH_TYPES && isOnlyMetrics) return {};
    requireVersion(
      "Listing resources other than clientMetrics",
      listConfigResourcesApi,
      version,
      FIRST_LIST_VERSION_WITH_TYPES,
    );
    return { resourceTypes: types.map((type) => numberOf(RESOURCE_TYPES, "type", type)) };
  };
  const { configResources } = await client.ask("any", listConfigResourcesApi, body, call);
  return configResources.map(({ resourceType, resourceName }) => ({ type: typeOf(resourceType), name: resourceName }));
}

function toOperation(change: ConfigChange) {
  if (typeof change?.key !== "string") {
    throw invalidArgument(
      `a change is ${describe(change)}; it must be an object with a key, and a value or operation.`,
    );
  }
  const { key, operation = "set", value } = change;
  const configOperation = numberOf(OPERATIONS, "operation", operation);
  return { name: key, configOperation, value: value === undefined ? null : String(value) };
}

function toResource({ type, name }: ConfigResource) {
  return { resourceType: numberOf(RESOURCE_TYPES, "type", type), resourceName: name };
}

/** Kafka's number of something that has a name. @throws KafkaError `INVALID_ARGUMENT` where nothing is called so */
function numberOf<Name extends string>(numbers: Readonly<Record<Name, number>>, what: string, name: Name): number {
  if (Object.hasOwn(numbers, name)) return numbers[name];
  throw invalidArgument(`${what} is ${describe(name)}; it must be one of ${Object.keys(numbers).join(", ")}.`);
}

function typeOf(resourceType: number): ConfigResourceType {
  const known = (Object.keys(RESOURCE_TYPES) as ConfigResourceType[]).find(
    (type) => RESOURCE_TYPES[type] === resourceType,
  );
  return known ?? "topic";
}

/** A broker answers for its own configs; any broker answers for everything else. */
function byTarget<Resource extends ConfigResource>(resources: readonly Resource[]): Map<string, Resource[]> {
  const groups = new Map<string, Resource[]>();
  for (const resource of resources) {
    const ofBroker = (resource.type === "broker" && resource.name !== "") || resource.type === "brokerLogger";
    const target = ofBroker ? resource.name : "";
    groups.set(target, [...(groups.get(target) ?? []), resource]);
  }
  return groups;
}

function targetOf(brokerName: string): RequestTarget {
  if (brokerName === "") return "any";
  if (/^\d+$/.test(brokerName)) return { broker: Number(brokerName) };
  throw invalidArgument(`name is ${describe(brokerName)}; it must be the id of a broker, such as "1".`);
}

function toEntry(config: {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  readonly documentation: string | null;
  readonly synonyms: readonly { readonly name: string; readonly value: string | null; readonly source: number }[];
}): ConfigEntry {
  return {
    key: config.name,
    value: config.value,
    source: SOURCES[config.configSource] ?? "unknown",
    isReadOnly: config.readOnly,
    isSensitive: config.isSensitive,
    documentation: config.documentation === "" ? null : config.documentation,
    synonyms: config.synonyms.map(({ name, value, source }) => ({
      key: name,
      value,
      source: SOURCES[source] ?? "unknown",
    })),
  };
}
