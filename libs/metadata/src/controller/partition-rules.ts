import { type Uuid, ZERO_UUID } from "@ottla/protocol";
import {
  type BrokerImage,
  brokerById,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
} from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import type { ControllerState } from "./controller-state.ts";
import { type PartitionRules, type PartitionTarget, partitionChange } from "./partition-change.ts";

/** Which levels of eligible leader replicas (KIP-966) are in force. */
export const ELR_VERSION_FEATURE = "eligible.leader.replicas.version";

export function keepsElr(image: MetadataImage): boolean {
  return (image.features.get(ELR_VERSION_FEATURE) ?? 0) > 0;
}

/** Whether a broker can lead: it is unfenced, and not about to stop. */
export function isActiveBroker(image: MetadataImage, brokerId: number): boolean {
  const broker = brokerById(image, brokerId);
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown;
}

/** A broker with one directory has no choice; one with several decides for itself (KIP-858). */
export function directoryOf(image: MetadataImage, brokerId: number): Uuid {
  const logDirs = brokerById(image, brokerId)?.logDirs ?? [];
  return logDirs.length === 1 ? logDirs[0]! : UNASSIGNED_DIRECTORY;
}

/** Whether a broker can use this log directory; it can use the one that it has not chosen yet. */
export function hasOnlineDirectory({ logDirs }: BrokerImage, directoryId: Uuid): boolean {
  return directoryId === UNASSIGNED_DIRECTORY || logDirs.length === 0 || logDirs.includes(directoryId);
}

/** Kafka's directory id for "not decided yet". */
const UNASSIGNED_DIRECTORY = ZERO_UUID;

/** What changes of a topic's partitions go by. */
export function rulesFor({ image, policy }: ControllerState, topic: string): PartitionRules {
  return {
    isActive: (brokerId) => isActiveBroker(image, brokerId),
    isDirectoryOnline: (brokerId, directoryId) => {
      const broker = brokerById(image, brokerId);
      return broker !== undefined && hasOnlineDirectory(broker, directoryId);
    },
    minInsyncReplicas: Number(policy.configs.topicValue(image, topic, "min.insync.replicas") ?? 1),
    directoryOf: (brokerId) => directoryOf(image, brokerId),
    keepsElr: keepsElr(image),
  };
}

/** The config that lets a topic have a leader that is not in sync. */
export const UNCLEAN_ELECTION_CONFIG = "unclean.leader.election.enable";

/** Whether a topic takes a leader that is not in sync rather than none. */
export function allowsUncleanElection({ image, policy }: ControllerState, topic: string): boolean {
  return policy.configs.topicValue(image, topic, UNCLEAN_ELECTION_CONFIG) === "true";
}

/** The record that brings a partition to `target`; none where nothing changes. */
export function partitionChangeRecord(
  { topicId }: Pick<TopicImage, "topicId">,
  partition: PartitionImage,
  target: PartitionTarget,
  rules: PartitionRules,
): NewMetadataRecord[] {
  const fields = partitionChange(partition, target, rules);
  return fields === null
    ? []
    : [{ type: "PartitionChangeRecord", topicId, partitionId: partition.partition, ...fields }];
}
