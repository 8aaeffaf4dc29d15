import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { quotaEntityParts } from "./client-quotas.ts";
import type { BrokerImage, MetadataImage, PartitionImage, TopicImage } from "./metadata-image.ts";

/** The records that make up an image: what a snapshot holds. Replaying them on an empty image gives `image` again. */
export function recordsOf(image: MetadataImage): NewMetadataRecord[] {
  return [
    ...featureRecords(image),
    ...[...image.brokers.values()].map(brokerRecord),
    ...[...image.topicsByName.values()].flatMap(topicRecords),
    ...configRecords(image),
    ...quotaRecords(image),
    ...producerIdRecords(image),
  ];
}

function* featureRecords(image: MetadataImage): IterableIterator<NewMetadataRecord> {
  for (const [name, featureLevel] of image.features) yield { type: "FeatureLevelRecord", name, featureLevel };
}

function brokerRecord(broker: BrokerImage): NewMetadataRecord {
  return {
    type: "RegisterBrokerRecord",
    brokerId: broker.brokerId,
    incarnationId: broker.incarnationId,
    brokerEpoch: broker.epoch,
    endPoints: broker.endpoints,
    features: broker.features,
    rack: broker.rack,
    fenced: broker.fenced,
    inControlledShutdown: broker.inControlledShutdown,
    logDirs: broker.logDirs,
  };
}

function topicRecords({ name, topicId, partitions }: TopicImage): NewMetadataRecord[] {
  return [
    { type: "TopicRecord", name, topicId },
    ...partitions.map((partition) => partitionRecord(topicId, partition)),
  ];
}

function partitionRecord(topicId: string, partition: PartitionImage): NewMetadataRecord {
  return {
    type: "PartitionRecord",
    partitionId: partition.partition,
    topicId,
    replicas: partition.replicas,
    isr: partition.isr,
    removingReplicas: partition.removingReplicas,
    addingReplicas: partition.addingReplicas,
    leader: partition.leader,
    leaderRecoveryState: partition.leaderRecoveryState,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    directories: partition.directories,
    ...(partition.eligibleLeaderReplicas.length > 0 && { eligibleLeaderReplicas: partition.eligibleLeaderReplicas }),
    ...(partition.lastKnownElr.length > 0 && { lastKnownElr: partition.lastKnownElr }),
  };
}

function* configRecords(image: MetadataImage): IterableIterator<NewMetadataRecord> {
  for (const [key, config] of image.configs) {
    const colon = key.indexOf(":");
    const resource = { resourceType: Number(key.slice(0, colon)), resourceName: key.slice(colon + 1) };
    for (const [name, value] of config) yield { type: "ConfigRecord", ...resource, name, value };
  }
}

function* quotaRecords({ clientQuotas }: MetadataImage): IterableIterator<NewMetadataRecord> {
  for (const { entity, values } of clientQuotas.values()) {
    const parts = quotaEntityParts(entity);
    for (const [key, value] of values) {
      yield { type: "ClientQuotaRecord", entity: parts, key, value, remove: false };
    }
  }
}

function producerIdRecords({ nextProducerId }: MetadataImage): NewMetadataRecord[] {
  return nextProducerId === 0 ? [] : [{ type: "ProducerIdsRecord", brokerId: -1, nextProducerId }];
}
