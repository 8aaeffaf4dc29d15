import { ErrorCode } from "@ottla/protocol";
import { imageWith } from "../image/image-with.ts";
import {
  brokerById,
  type ConfigImage,
  ConfigResourceType,
  configResourceKey,
  configsOf,
  type MetadataImage,
  NO_LEADER,
} from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import {
  type ConfigPolicy,
  type ControllerResult,
  type ControllerState,
  checkItemsCount,
  type ItemOutcome,
  outcomeOf,
  refuse,
  SUCCESS,
} from "./controller-state.ts";
import { duplicatesOf } from "./duplicates.ts";
import { changesOf } from "./leader-changes.ts";
import { checkMinIsr, endedEligibilities } from "./min-isr.ts";
import { UNCLEAN_ELECTION_CONFIG } from "./partition-rules.ts";
import { topicNameProblem } from "./topic-name.ts";

/** Kafka's numbers for what is done to a config. */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface ConfigResource {
  readonly resourceType: number;
  readonly resourceName: string;
}

export interface ConfigAlteration extends ConfigResource {
  readonly configs: readonly {
    readonly name: string;
    readonly configOperation: number;
    readonly value: string | null;
  }[];
}

export interface ConfigReplacement extends ConfigResource {
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

export type AlteredResource = ConfigResource & ItemOutcome;

/** IncrementalAlterConfigs (KIP-339): changes single keys, each resource on its own. */
export function incrementalAlterConfigs(
  state: ControllerState,
  alterations: readonly ConfigAlteration[],
  validateOnly: boolean,
): ControllerResult<readonly AlteredResource[]> {
  const check = (alteration: ConfigAlteration) => {
    checkNamesDiffer(alteration.configs);
    checkValues(alteration.configs.filter(({ configOperation }) => configOperation !== ConfigOperation.DELETE));
    if (alteration.resourceType !== ConfigResourceType.BROKER) checkLists(state.policy.configs, alteration);
  };
  return alterEach(state, alterations, validateOnly, check, (alteration, before) => {
    if (alteration.resourceType === ConfigResourceType.BROKER) checkLists(state.policy.configs, alteration);
    const after = new Map(before);
    for (const config of alteration.configs) applyOperation(state.policy.configs, after, alteration, config);
    return after;
  });
}

/** AlterConfigs: what is given is all that stays set. */
export function replaceConfigs(
  state: ControllerState,
  replacements: readonly ConfigReplacement[],
  validateOnly: boolean,
): ControllerResult<readonly AlteredResource[]> {
  const check = (replacement: ConfigReplacement) => {
    checkNamesDiffer(replacement.configs);
    checkValues(replacement.configs);
  };
  return alterEach(state, replacements, validateOnly, check, (replacement) => {
    return new Map(replacement.configs.map(({ name, value }) => [name, value ?? ""]));
  });
}

interface NamedValue {
  readonly name: string;
  readonly value: string | null;
}

function checkNamesDiffer(configs: readonly NamedValue[]): void {
  if (new Set(configs.map(({ name }) => name)).size === configs.length) return;
  throw refuse(ErrorCode.INVALID_REQUEST, "Error due to duplicate config keys");
}

function checkValues(configs: readonly NamedValue[]): void {
  const missing = configs.filter(({ value }) => value === null).map(({ name }) => name);
  if (missing.length === 0) return;
  throw refuse(ErrorCode.INVALID_REQUEST, `Null value not supported for : ${missing.join(",")}`);
}

/** As Kafka: this is found before it is looked whether there is such a resource, brokers apart. */
function checkLists(policy: ConfigPolicy, { resourceType, configs }: ConfigAlteration): void {
  for (const { name, configOperation } of configs) {
    const isOfLists = configOperation === ConfigOperation.APPEND || configOperation === ConfigOperation.SUBTRACT;
    if (!isOfLists || policy.isList(resourceType, name)) continue;
    const operation = configOperation === ConfigOperation.APPEND ? "APPEND" : "SUBTRACT";
    throw notAList(policy, resourceType, operation, name);
  }
}

interface NamedConfigs {
  readonly configs: readonly { readonly name: string }[];
}

function alterEach<Resource extends ConfigResource & NamedConfigs>(
  state: ControllerState,
  resources: readonly Resource[],
  validateOnly: boolean,
  check: (resource: Resource) => void,
  alter: (resource: Resource, before: ConfigImage) => ConfigImage,
): ControllerResult<readonly AlteredResource[]> {
  checkItemsCount(resources.reduce((sum, { configs }) => sum + Math.max(configs.length, 1), 0));
  const records: NewMetadataRecord[] = [];
  const duplicates = duplicatesOf(resources.map(keyOf));
  const response = resources.map((resource): AlteredResource => {
    const { resourceType, resourceName } = resource;
    try {
      if (duplicates.has(keyOf(resource))) {
        throw refuse(ErrorCode.INVALID_REQUEST, "Each resource must appear at most once.");
      }
      check(resource);
      checkName(state.image, resource);
      const before = configsOf(state.image, resourceType, resourceName);
      const after = alter(resource, before);
      state.policy.configs.validate(resourceType, resourceName, after);
      // As Kafka: what is wrong with the configs is said first.
      checkExists(state.image, resource);
      checkMinIsr(state.image, resource, before, after);
      records.push(...configRecords(resource, before, after));
      return { resourceType, resourceName, ...SUCCESS };
    } catch (error) {
      return { resourceType, resourceName, ...outcomeOf(error) };
    }
  });
  if (validateOnly) return { records: [], response };
  const [ended, elections] = [endedEligibilities(state, records), uncleanElections(state, records)];
  const isAtomic = ended.length + elections.length === 0;
  return { records: [...ended, ...records, ...elections], response, isAtomic };
}

/**
 * Partitions without a leader get one at once where the configs now allow one that is not in sync: whoever sets this waits
 * for them.
 */
function uncleanElections(state: ControllerState, changes: readonly NewMetadataRecord[]): NewMetadataRecord[] {
  if (!changes.some((record) => record.type === "ConfigRecord" && record.name === UNCLEAN_ELECTION_CONFIG)) return [];
  return changesOf(
    { ...state, image: imageWith(state.image, changes) },
    ({ leader }) => leader === NO_LEADER,
    () => ({}),
  );
}

function keyOf({ resourceType, resourceName }: ConfigResource): string {
  return configResourceKey(resourceType, resourceName);
}

function checkName(image: MetadataImage, { resourceType, resourceName }: ConfigResource): void {
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      checkTopicName(resourceName);
      return;
    case ConfigResourceType.BROKER:
      checkBroker(image, resourceName);
      return;
    case ConfigResourceType.GROUP:
      if (resourceName !== "") return;
      throw refuse(ErrorCode.INVALID_REQUEST, "Default group resources are not allowed.");
    case ConfigResourceType.CLIENT_METRICS:
      if (resourceName !== "") return;
      throw refuse(ErrorCode.INVALID_REQUEST, "Subscription name can't be empty");
    default:
      throw refuse(ErrorCode.INVALID_REQUEST, `Unknown resource type ${resourceType}`);
  }
}

function checkTopicName(name: string): void {
  if (name === "") throw refuse(ErrorCode.INVALID_REQUEST, "Default topic resources are not allowed.");
  const problem = topicNameProblem(name);
  if (problem !== null) throw refuse(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
}

function checkExists(image: MetadataImage, { resourceType, resourceName }: ConfigResource): void {
  if (resourceType !== ConfigResourceType.TOPIC || image.topicsByName.has(resourceName)) return;
  throw refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resourceName}' does not exist.`);
}

/** Without a name it is all brokers. */
function checkBroker(image: MetadataImage, name: string): void {
  if (name === "") return;
  if (!/^[+-]?\d+$/.test(name)) {
    throw refuse(ErrorCode.INVALID_REQUEST, `Node id must be an integer, but it is: ${name}`);
  }
  if (brokerById(image, Number(name)) !== undefined) return;
  const known = [...image.brokers.keys()].sort().join(", ");
  throw refuse(ErrorCode.INVALID_REQUEST, `Unexpected broker id, expected ${known}, but received ${name}`);
}

function applyOperation(
  policy: ConfigPolicy,
  configs: Map<string, string>,
  { resourceType }: ConfigResource,
  { name, configOperation, value }: ConfigAlteration["configs"][number],
): void {
  if (configOperation === ConfigOperation.DELETE) {
    configs.delete(name);
    return;
  }
  switch (configOperation) {
    case ConfigOperation.SET:
      configs.set(name, value ?? "");
      return;
    case ConfigOperation.APPEND:
    case ConfigOperation.SUBTRACT: {
      const change = configOperation === ConfigOperation.APPEND ? appended : subtracted;
      const current = itemsOf(configs.get(name) ?? policy.defaultValue(resourceType, name) ?? "");
      configs.set(name, change(current, itemsOf(value ?? "")).join(","));
      return;
    }
    default:
      throw refuse(ErrorCode.INVALID_REQUEST, `Unknown config operation ${configOperation}.`);
  }
}

/** Brokers and the controller of Apache Kafka word it differently. */
function notAList(policy: ConfigPolicy, resourceType: number, operation: "APPEND" | "SUBTRACT", name: string) {
  if (resourceType !== ConfigResourceType.BROKER) {
    return refuse(ErrorCode.INVALID_CONFIG, `Can't ${operation} to key ${name} because its type is not LIST.`);
  }
  const isKnown = policy.isKnown(resourceType, name);
  const message = isKnown
    ? `Config value ${operation.toLowerCase()} is not allowed for config key: ${name}`
    : `Unknown config name: ${name}`;
  return refuse(ErrorCode.INVALID_CONFIG, message);
}

function itemsOf(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function appended(current: readonly string[], added: readonly string[]): readonly string[] {
  const present = new Set(current);
  return [...current, ...added.filter((item) => !present.has(item))];
}

function subtracted(current: readonly string[], removed: readonly string[]): readonly string[] {
  const gone = new Set(removed);
  return current.filter((item) => !gone.has(item));
}

/** Only what differs is recorded. */
function configRecords(
  { resourceType, resourceName }: ConfigResource,
  before: ConfigImage,
  after: ConfigImage,
): NewMetadataRecord[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => ({ type: "ConfigRecord", resourceType, resourceName, name, value: after.get(name) ?? null }));
}
