import type { MetadataResponse } from "@ottla/protocol";
import { ErrorCode, ZERO_UUID } from "@ottla/protocol/client";
import type { BrokerAddress } from "@ottla/transport";
import { addressOfBroker } from "../broker-address.ts";
import type { BrokerNode, ClusterView, PartitionView, TopicView } from "./cluster-view.ts";

type TopicMetadata = MetadataResponse["topics"][number];
type PartitionMetadata = TopicMetadata["partitions"][number];

/** What a Metadata response amounts to. */
export interface MergedMetadata {
  readonly view: ClusterView;
  /** Error codes of the topics asked for that have one. */
  readonly topicErrors: ReadonlyMap<string, number>;
}

/**
 * The view after `response`: its brokers and topics, over those topics of `previous` that `isWanted`.
 *
 * Brokers learn of changes at different times. Within one topic id a partition therefore never goes back to a lower
 * leader epoch (KIP-320), and a topic that has no leader for a moment keeps what was known of it.
 */
export function mergeMetadata(
  previous: ClusterView,
  response: MetadataResponse,
  bootstrap: BrokerAddress,
  isWanted: (topic: string) => boolean,
): MergedMetadata {
  const topics = new Map<string, TopicView>();
  for (const [name, topic] of previous.topics) if (isWanted(name)) topics.set(name, topic);
  const topicErrors = new Map<string, number>();
  for (const metadata of response.topics) {
    if (metadata.name === null) continue;
    if (metadata.errorCode !== ErrorCode.NONE) topicErrors.set(metadata.name, metadata.errorCode);
    mergeTopic(topics, metadata.name, metadata);
  }
  const view: ClusterView = {
    clusterId: response.clusterId,
    controllerId: response.controllerId,
    brokers: brokersOf(response, bootstrap),
    topics,
    topicsById: byId(topics),
  };
  return { view, topicErrors };
}

function brokersOf(response: MetadataResponse, bootstrap: BrokerAddress): Map<number, BrokerNode> {
  const brokers = new Map<number, BrokerNode>();
  for (const broker of response.brokers) {
    const address = addressOfBroker(broker, bootstrap);
    brokers.set(broker.nodeId, { id: broker.nodeId, address, rack: broker.rack });
  }
  return brokers;
}

function byId(topics: ReadonlyMap<string, TopicView>): Map<string, TopicView> {
  const topicsById = new Map<string, TopicView>();
  for (const topic of topics.values()) if (topic.topicId !== ZERO_UUID) topicsById.set(topic.topicId, topic);
  return topicsById;
}

function mergeTopic(topics: Map<string, TopicView>, name: string, metadata: TopicMetadata): void {
  if (metadata.errorCode === ErrorCode.NONE) topics.set(name, topicOf(name, metadata, topics.get(name)));
  else if (metadata.errorCode !== ErrorCode.LEADER_NOT_AVAILABLE) topics.delete(name);
}

function topicOf(name: string, metadata: TopicMetadata, previous: TopicView | undefined): TopicView {
  const isSameTopic = previous !== undefined && previous.topicId === metadata.topicId;
  const partitions: PartitionView[] = [];
  for (const partition of metadata.partitions) {
    const known = isSameTopic ? previous.partitions[partition.partitionIndex] : undefined;
    partitions[partition.partitionIndex] = partitionOf(partition, known);
  }
  return { name, topicId: metadata.topicId, isInternal: metadata.isInternal, partitions };
}

function partitionOf(metadata: PartitionMetadata, known: PartitionView | undefined): PartitionView {
  if (known !== undefined && metadata.leaderEpoch >= 0 && metadata.leaderEpoch < known.leaderEpoch) return known;
  return {
    partition: metadata.partitionIndex,
    leader: metadata.leaderId,
    leaderEpoch: metadata.leaderEpoch,
    replicas: metadata.replicaNodes,
    inSyncReplicas: metadata.isrNodes,
    offlineReplicas: metadata.offlineReplicas,
  };
}

/** A leader that a Produce or Fetch response told of (KIP-951). */
export interface LeaderHint {
  readonly topic: string;
  readonly partition: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** The view with newer leaders put in; `previous` itself when none of the hints is news. */
export function applyLeaderHints(previous: ClusterView, hints: readonly LeaderHint[]): ClusterView {
  const topics = new Map(previous.topics);
  let changed = false;
  for (const hint of hints) {
    const topic = topics.get(hint.topic);
    const known = topic?.partitions[hint.partition];
    if (topic === undefined || known === undefined || hint.leaderEpoch <= known.leaderEpoch) continue;
    const partitions = topic.partitions.slice();
    partitions[hint.partition] = { ...known, leader: hint.leaderId, leaderEpoch: hint.leaderEpoch };
    topics.set(hint.topic, { ...topic, partitions });
    changed = true;
  }
  return changed ? { ...previous, topics, topicsById: byId(topics) } : previous;
}

/** The view with `nodes` among its brokers, where they are not known yet. */
export function addBrokers(previous: ClusterView, nodes: readonly BrokerNode[]): ClusterView {
  const unknown = nodes.filter((node) => !previous.brokers.has(node.id));
  if (unknown.length === 0) return previous;
  const brokers = new Map(previous.brokers);
  for (const node of unknown) brokers.set(node.id, node);
  return { ...previous, brokers };
}
