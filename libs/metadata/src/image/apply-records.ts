import type {
  BrokerRegistrationChangeRecord,
  ClientQuotaRecord,
  ConfigRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RegisterBrokerRecord,
} from "@ottla/protocol/internal";
import type { MetadataRecord } from "../records/metadata-record.ts";
import { quotaEntityKey, quotaEntityOf } from "./client-quotas.ts";
import {
  type BrokerImage,
  brokerById,
  ConfigResourceType,
  configResourceKey,
  type MetadataImage,
  metricNameOf,
  NO_FEATURE_LEVEL,
  type PartitionImage,
  type TopicImage,
  topicById,
} from "./metadata-image.ts";

/** The metadata log says something that cannot be: it is damaged, or was written by something else. */
export class CorruptMetadataError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CorruptMetadataError";
  }
}

/**
 * Lists of partitions that were made in a replay and that no image shows which anybody but this replay has: they may be
 * changed in place. Without that each of a topic's 10,000 partitions would cost a copy of all of them.
 */
export type FreshLists = Set<readonly PartitionImage[]>;

/**
 * The image after `record`, which is at `offset` of the log and was written in `epoch`.
 * @param fresh of records that are replayed in one go; the images between them must not be kept
 */
export function applyRecord(
  image: MetadataImage,
  record: MetadataRecord,
  offset: number,
  epoch: number,
  fresh: FreshLists = new Set(),
): MetadataImage {
  return { ...image, ...changeOf(image, record, fresh), offset, epoch };
}

type ImageChange = Partial<MetadataImage>;

const NO_CHANGE: ImageChange = {};

function changeOf(image: MetadataImage, record: MetadataRecord, fresh: FreshLists): ImageChange {
  switch (record.type) {
    case "TopicRecord":
      return withTopic(image, { name: record.name, topicId: record.topicId, partitions: [] });
    case "PartitionRecord":
      return withPartition(image, topicOf(image, record.topicId), newPartition(record), fresh);
    case "PartitionChangeRecord":
      return changePartition(image, record, fresh);
    case "RemoveTopicRecord":
      return withoutTopic(image, topicOf(image, record.topicId));
    case "ConfigRecord":
      return changeConfig(image, record);
    case "ClientQuotaRecord":
      return changeQuota(image, record);
    case "RegisterBrokerRecord":
      return { brokers: image.brokers.set(String(record.brokerId), newBroker(record)) };
    case "UnregisterBrokerRecord":
      return { brokers: image.brokers.delete(String(record.brokerId)) };
    case "FenceBrokerRecord":
      return changeBroker(image, record.id, record.epoch, { fenced: true });
    case "UnfenceBrokerRecord":
      return changeBroker(image, record.id, record.epoch, { fenced: false });
    case "BrokerRegistrationChangeRecord":
      return changeBroker(image, record.brokerId, record.brokerEpoch, registrationChange(record));
    case "FeatureLevelRecord":
      return { features: withFeature(image.features, record.name, record.featureLevel) };
    case "ProducerIdsRecord":
      return { nextProducerId: record.nextProducerId };
    // What lies between a transaction's beginning and its end takes effect as a whole: see `replayEntry`.
    case "BeginTransactionRecord":
    case "EndTransactionRecord":
    case "AbortTransactionRecord":
    case "NoOpRecord":
      return NO_CHANGE;
  }
}

/** A feature at level 0 is not there. */
function withFeature(features: MetadataImage["features"], name: string, level: number): MetadataImage["features"] {
  const changed = new Map(features);
  if (level === NO_FEATURE_LEVEL) changed.delete(name);
  else changed.set(name, level);
  return changed;
}

function topicOf(image: MetadataImage, topicId: string): TopicImage {
  const topic = topicById(image, topicId);
  if (topic === undefined)
    throw new CorruptMetadataError(`the metadata log speaks of topic ${topicId}, which is not there`);
  return topic;
}

function withTopic(image: MetadataImage, topic: TopicImage): ImageChange {
  const other = image.topicsByName.get(topic.name);
  if (other !== undefined && other.topicId !== topic.topicId) {
    throw new CorruptMetadataError(`the metadata log creates topic ${topic.name} twice`);
  }
  return {
    topicsByName: image.topicsByName.set(topic.name, topic),
    topicNamesById: image.topicNamesById.set(topic.topicId, topic.name),
    topicNamesByMetricName: image.topicNamesByMetricName.set(metricNameOf(topic.name), topic.name),
  };
}

function withoutTopic(image: MetadataImage, topic: TopicImage): ImageChange {
  return {
    topicsByName: image.topicsByName.delete(topic.name),
    topicNamesById: image.topicNamesById.delete(topic.topicId),
    topicNamesByMetricName: image.topicNamesByMetricName.delete(metricNameOf(topic.name)),
    configs: image.configs.delete(configResourceKey(ConfigResourceType.TOPIC, topic.name)),
  };
}

function withPartition(
  image: MetadataImage,
  topic: TopicImage,
  partition: PartitionImage,
  fresh: FreshLists,
): ImageChange {
  if (partition.partition > topic.partitions.length) {
    throw new CorruptMetadataError(`partition ${partition.partition} of ${topic.name} comes before its predecessors`);
  }
  const isFresh = fresh.has(topic.partitions);
  const partitions = isFresh ? (topic.partitions as PartitionImage[]) : topic.partitions.slice();
  if (!isFresh) fresh.add(partitions);
  partitions[partition.partition] = partition;
  return { topicsByName: image.topicsByName.set(topic.name, { ...topic, partitions }) };
}

function newPartition(record: PartitionRecord): PartitionImage {
  return {
    partition: record.partitionId,
    replicas: record.replicas,
    isr: record.isr,
    removingReplicas: record.removingReplicas,
    addingReplicas: record.addingReplicas,
    directories: record.directories,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? [],
    lastKnownElr: record.lastKnownElr ?? [],
    leader: record.leader,
    leaderRecoveryState: record.leaderRecoveryState,
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
  };
}

const LEADER_UNCHANGED = -2;
const RECOVERY_STATE_UNCHANGED = -1;

function changePartition(image: MetadataImage, record: PartitionChangeRecord, fresh: FreshLists): ImageChange {
  const topic = topicOf(image, record.topicId);
  const before = topic.partitions[record.partitionId];
  if (before === undefined) {
    throw new CorruptMetadataError(
      `the metadata log changes partition ${record.partitionId} of ${topic.name}, which is not there`,
    );
  }
  return withPartition(image, topic, changedPartition(before, record), fresh);
}

/** A change that names a leader is an election: the leader epoch grows. The partition epoch grows with every change. */
export function changedPartition(before: PartitionImage, record: PartitionChangeRecord): PartitionImage {
  const elects = record.leader !== LEADER_UNCHANGED;
  const { leaderRecoveryState } = record;
  return {
    partition: before.partition,
    replicas: record.replicas ?? before.replicas,
    isr: record.isr ?? before.isr,
    removingReplicas: record.removingReplicas ?? before.removingReplicas,
    addingReplicas: record.addingReplicas ?? before.addingReplicas,
    directories: record.directories ?? before.directories,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: record.lastKnownElr ?? before.lastKnownElr,
    leader: elects ? record.leader : before.leader,
    leaderRecoveryState:
      leaderRecoveryState === RECOVERY_STATE_UNCHANGED ? before.leaderRecoveryState : leaderRecoveryState,
    leaderEpoch: elects ? before.leaderEpoch + 1 : before.leaderEpoch,
    partitionEpoch: before.partitionEpoch + 1,
  };
}

function changeConfig(image: MetadataImage, record: ConfigRecord): ImageChange {
  const key = configResourceKey(record.resourceType, record.resourceName);
  const config = new Map(image.configs.get(key));
  if (record.value === null) config.delete(record.name);
  else config.set(record.name, record.value);
  return { configs: config.size === 0 ? image.configs.delete(key) : image.configs.set(key, config) };
}

function changeQuota({ clientQuotas }: MetadataImage, record: ClientQuotaRecord): ImageChange {
  const entity = quotaEntityOf(record.entity);
  const key = quotaEntityKey(entity);
  const values = new Map(clientQuotas.get(key)?.values);
  if (record.remove) values.delete(record.key);
  else values.set(record.key, record.value);
  return { clientQuotas: values.size === 0 ? clientQuotas.delete(key) : clientQuotas.set(key, { entity, values }) };
}

function newBroker(record: RegisterBrokerRecord): BrokerImage {
  return {
    brokerId: record.brokerId,
    epoch: record.brokerEpoch,
    incarnationId: record.incarnationId,
    endpoints: record.endPoints,
    features: record.features,
    rack: record.rack,
    fenced: record.fenced,
    inControlledShutdown: record.inControlledShutdown,
    logDirs: record.logDirs,
  };
}

function registrationChange(record: BrokerRegistrationChangeRecord): Partial<BrokerImage> {
  return {
    ...(record.fenced !== 0 && { fenced: record.fenced > 0 }),
    ...(record.inControlledShutdown > 0 && { inControlledShutdown: true }),
    ...(record.logDirs.length > 0 && { logDirs: record.logDirs }),
  };
}

/** A change that names another epoch than the broker has now was meant for an earlier life of it. */
function changeBroker(
  image: MetadataImage,
  brokerId: number,
  epoch: number,
  change: Partial<BrokerImage>,
): ImageChange {
  const broker = brokerById(image, brokerId);
  if (broker === undefined || broker.epoch !== epoch) {
    throw new CorruptMetadataError(`the metadata log changes broker ${brokerId} of epoch ${epoch}, which is not there`);
  }
  return { brokers: image.brokers.set(String(brokerId), { ...broker, ...change }) };
}
