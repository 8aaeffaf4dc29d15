import { ErrorCode } from "@ottla/protocol";
import { imageWith } from "../image/image-with.ts";
import {
  type ConfigImage,
  ConfigResourceType,
  configResourceKey,
  configsOf,
  type MetadataImage,
} from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { type ControllerState, refuse } from "./controller-state.ts";
import { changesOf } from "./leader-changes.ts";
import { keepsElr } from "./partition-rules.ts";

/**
 * How many replicas have to be in sync. Who is eligible to lead (KIP-966) is reckoned by it: while eligible leader replicas
 * are kept, the controller and all leaders go by one value, that of the metadata.
 */
export const MIN_ISR_CONFIG = "min.insync.replicas";

/** The name of all brokers together as a resource of configs. */
const ALL_BROKERS = "";

/** A change of a resource's configs, by all keys that it names. */
interface ConfigChange {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly { readonly name: string }[];
}

/**
 * As Kafka: where eligible leader replicas are kept, no broker has a value of its own, and that of all brokers stays.
 * @throws KafkaError INVALID_CONFIG
 */
export function checkMinIsr(
  image: MetadataImage,
  { resourceType, resourceName, configs }: ConfigChange,
  before: ConfigImage,
  after: ConfigImage,
): void {
  if (resourceType !== ConfigResourceType.BROKER || !keepsElr(image)) return;
  const isNamed = configs.some(({ name }) => name === MIN_ISR_CONFIG);
  const refused = (what: string) => refuse(ErrorCode.INVALID_CONFIG, `${what} while ELR is enabled.`);
  if (resourceName !== ALL_BROKERS && isNamed) throw refused("Broker-level min.insync.replicas cannot be altered");
  const isRemoved = (isNamed || before.has(MIN_ISR_CONFIG)) && !after.has(MIN_ISR_CONFIG);
  if (resourceName === ALL_BROKERS && isRemoved) {
    throw refused("Cluster-level min.insync.replicas cannot be removed");
  }
}

/**
 * With fewer that have to be in sync, leaders may acknowledge again what replicas that are eligible only (KIP-966) lack.
 * So these are eligible no more; before the configs say so, for these may be in another append.
 */
export function endedEligibilities(state: ControllerState, changes: readonly NewMetadataRecord[]): NewMetadataRecord[] {
  if (!changes.some((record) => record.type === "ConfigRecord" && record.name === MIN_ISR_CONFIG)) return [];
  return changesOf(
    { ...state, image: imageWith(state.image, changes) },
    ({ eligibleLeaderReplicas }) => eligibleLeaderReplicas.length > 0,
    () => ({}),
  );
}

/**
 * What has to be in a cluster's log before these levels of features are: where eligible leader replicas are kept with them,
 * one value for all brokers, by the controller's file where none is set, and none of single brokers. Brokers' files, which
 * may differ, count no more then. A broker on its own goes on by its file, also into the cluster that it may begin.
 */
export function minIsrForAll(state: ControllerState, levels: readonly NewMetadataRecord[]): NewMetadataRecord[] {
  const { image, policy } = state;
  if (!policy.isOfCluster || !keepsElr(imageWith(image, levels))) return [];
  const isMissing = !configsOf(image, ConfigResourceType.BROKER, ALL_BROKERS).has(MIN_ISR_CONFIG);
  const ofSingle = brokersWithMinIsr(image).filter((name) => name !== ALL_BROKERS);
  if (!isMissing && ofSingle.length === 0) return [];
  const value = policy.configs.fileValue(MIN_ISR_CONFIG) ?? LEAST;
  return [
    // Leaders have gone by who knows which values: what was reckoned by another one than the least holds no more.
    ...endedEligibilities(state, [minIsr(ALL_BROKERS, LEAST)]),
    ...(isMissing ? [minIsr(ALL_BROKERS, value)] : []),
    ...ofSingle.map((name) => minIsr(name, null)),
  ];
}

const LEAST = "1";

function minIsr(resourceName: string, value: string | null): NewMetadataRecord {
  return { type: "ConfigRecord", resourceType: ConfigResourceType.BROKER, resourceName, name: MIN_ISR_CONFIG, value };
}

/** Those among them that are registered no more, whose configs stay. */
function brokersWithMinIsr({ configs }: MetadataImage): string[] {
  const prefix = configResourceKey(ConfigResourceType.BROKER, "");
  return [...configs].flatMap(([key, values]) =>
    key.startsWith(prefix) && values.has(MIN_ISR_CONFIG) ? [key.slice(prefix.length)] : [],
  );
}
