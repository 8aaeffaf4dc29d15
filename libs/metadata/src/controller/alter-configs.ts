import { ErrorCode } from "@ottla/protocol";
import {
  brokerById,
  type ConfigImage,
  ConfigResourceType,
  configResourceKey,
  configsOf,
  type MetadataImage,
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
  return alterEach(state, alterations, validateOnly, (alteration, before) => {
    const names = alteration.configs.map((config) => config.name);
    if (new Set(names).size < names.length) {
      throw refuse(ErrorCode.INVALID_REQUEST, "Error due to duplicate config keys");
    }
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
  return alterEach(state, replacements, validateOnly, (replacement) => {
    const after = new Map<string, string>();
    for (const { name, value } of replacement.configs) {
      if (value === null) throw refuse(ErrorCode.INVALID_REQUEST, `Null value not supported for config ${name}`);
      after.set(name, value);
    }
    return after;
  });
}

function alterEach<Resource extends ConfigResource & { readonly configs: readonly unknown[] }>(
  state: ControllerState,
  resources: readonly Resource[],
  validateOnly: boolean,
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
      checkResource(state.image, resource);
      const before = configsOf(state.image, resourceType, resourceName);
      const after = alter(resource, before);
      state.policy.configs.validate(resourceType, resourceName, after);
      records.push(...configRecords(resource, before, after));
      return { resourceType, resourceName, ...SUCCESS };
    } catch (error) {
      return { resourceType, resourceName, ...outcomeOf(error) };
    }
  });
  return { records: validateOnly ? [] : records, response };
}

function keyOf({ resourceType, resourceName }: ConfigResource): string {
  return configResourceKey(resourceType, resourceName);
}

function checkResource(image: MetadataImage, { resourceType, resourceName }: ConfigResource): void {
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      if (image.topicsByName.has(resourceName)) return;
      throw refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resourceName}' does not exist.`);
    case ConfigResourceType.BROKER:
      if (resourceName === "" || brokerById(image, Number(resourceName)) !== undefined) return;
      throw refuse(ErrorCode.INVALID_REQUEST, `Broker ${resourceName} is not registered.`);
    case ConfigResourceType.GROUP:
    case ConfigResourceType.CLIENT_METRICS:
      if (resourceName !== "") return;
      throw refuse(ErrorCode.INVALID_REQUEST, "The resource name must not be empty.");
    default:
      throw refuse(ErrorCode.INVALID_REQUEST, `Unexpected resource type ${resourceType}.`);
  }
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
  if (value === null) {
    throw refuse(ErrorCode.INVALID_REQUEST, `Null value not supported for the operation on config ${name}`);
  }
  switch (configOperation) {
    case ConfigOperation.SET:
      configs.set(name, value);
      return;
    case ConfigOperation.APPEND:
    case ConfigOperation.SUBTRACT: {
      const operation = configOperation === ConfigOperation.APPEND ? "APPEND" : "SUBTRACT";
      if (!policy.isList(resourceType, name)) {
        throw refuse(ErrorCode.INVALID_CONFIG, `Can't ${operation} to key ${name} because its type is not LIST.`);
      }
      const current = itemsOf(configs.get(name) ?? policy.defaultValue(resourceType, name) ?? "");
      configs.set(name, (operation === "APPEND" ? appended : subtracted)(current, itemsOf(value)).join(","));
      return;
    }
    default:
      throw refuse(ErrorCode.INVALID_REQUEST, `Unknown config operation ${configOperation}.`);
  }
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
