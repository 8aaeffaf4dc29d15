import type { Uuid } from "@ottla/protocol";
import type { ClientQuotaImage } from "./client-quotas.ts";
import { PersistentMap } from "./persistent-map.ts";

/** Kafka's numbers for what a config belongs to. */
export const ConfigResourceType = {
  UNKNOWN: 0,
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;

export const NO_LEADER = -1;

/** One partition as the cluster's metadata has it. */
export interface PartitionImage {
  readonly partition: number;
  /** Broker ids in order of preference. */
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly removingReplicas: readonly number[];
  readonly addingReplicas: readonly number[];
  /** The log directory of each replica, in the order of `replicas`. */
  readonly directories: readonly Uuid[];
  readonly eligibleLeaderReplicas: readonly number[];
  readonly lastKnownElr: readonly number[];
  /** The leading broker, or {@link NO_LEADER}. */
  readonly leader: number;
  /** 1 while the partition recovers from an unclean election. */
  readonly leaderRecoveryState: number;
  /** Grows with every election. */
  readonly leaderEpoch: number;
  /** Grows with every change of this partition. */
  readonly partitionEpoch: number;
}

export interface TopicImage {
  readonly name: string;
  readonly topicId: Uuid;
  /** By partition number: `partitions[i].partition === i`. */
  readonly partitions: readonly PartitionImage[];
}

/** Where a broker listens, by listener name. */
export interface BrokerEndpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: number;
  /** The whole URL of a WebSocket listener, or null. */
  readonly url: string | null;
}

/** The level of a feature that is not finalized. */
export const NO_FEATURE_LEVEL = 0;

export interface BrokerFeature {
  readonly name: string;
  readonly minSupportedVersion: number;
  readonly maxSupportedVersion: number;
}

/** A broker that is registered with the cluster. */
export interface BrokerImage {
  readonly brokerId: number;
  /** The offset of its registration record: a broker that registers again gets a higher one. */
  readonly epoch: number;
  /** Another one for every start of the process. */
  readonly incarnationId: Uuid;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly features: readonly BrokerFeature[];
  readonly rack: string | null;
  /** A fenced broker leads nothing and is shown to no client. */
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
  readonly logDirs: readonly Uuid[];
}

/** Configs of one topic, broker or other resource: only what was set, by key. */
export type ConfigImage = ReadonlyMap<string, string>;

/**
 * The cluster's metadata at one offset of its log. Immutable: applying records gives another image, which shares with
 * this one all that did not change.
 */
export interface MetadataImage {
  /** The offset of the last record applied, or -1. */
  readonly offset: number;
  /** The controller epoch of that record, or -1. */
  readonly epoch: number;
  readonly topicsByName: PersistentMap<TopicImage>;
  /** Names of topics by their ids. */
  readonly topicNamesById: PersistentMap<string>;
  /** Names of topics by their names with `.` for `_`: metric names cannot tell those apart, so topics must not. */
  readonly topicNamesByMetricName: PersistentMap<string>;
  /** By id as text. */
  readonly brokers: PersistentMap<BrokerImage>;
  /** By {@link configResourceKey}. */
  readonly configs: PersistentMap<ConfigImage>;
  /** By `quotaEntityKey`. */
  readonly clientQuotas: PersistentMap<ClientQuotaImage>;
  /** Finalized feature levels by name. */
  readonly features: ReadonlyMap<string, number>;
  /** The first producer id that has not been given to any broker. */
  readonly nextProducerId: number;
}

const NO_CONFIGS: ConfigImage = new Map();

export const EMPTY_IMAGE: MetadataImage = Object.freeze({
  offset: -1,
  epoch: -1,
  topicsByName: PersistentMap.empty<TopicImage>(),
  topicNamesById: PersistentMap.empty<string>(),
  topicNamesByMetricName: PersistentMap.empty<string>(),
  brokers: PersistentMap.empty<BrokerImage>(),
  configs: PersistentMap.empty<ConfigImage>(),
  clientQuotas: PersistentMap.empty<ClientQuotaImage>(),
  features: new Map<string, number>(),
  nextProducerId: 0,
});

export function topicById(image: MetadataImage, topicId: Uuid): TopicImage | undefined {
  const name = image.topicNamesById.get(topicId);
  return name === undefined ? undefined : image.topicsByName.get(name);
}

/** What a topic is called in metrics. */
export function metricNameOf(topicName: string): string {
  return topicName.replaceAll("_", ".");
}

export function brokerById(image: MetadataImage, brokerId: number): BrokerImage | undefined {
  return image.brokers.get(String(brokerId));
}

/** How the configs of one resource are found in {@link MetadataImage.configs}. */
export function configResourceKey(resourceType: number, resourceName: string): string {
  return `${resourceType}:${resourceName}`;
}

/** What was set for one resource; empty where nothing was. */
export function configsOf(image: MetadataImage, resourceType: number, resourceName: string): ConfigImage {
  return image.configs.get(configResourceKey(resourceType, resourceName)) ?? NO_CONFIGS;
}
