import type { BrokerAddress } from "@ottla/transport";

/** A broker as Metadata describes it. */
export interface BrokerNode {
  /** The broker's id (`broker.id`, `node.id`). */
  readonly id: number;
  readonly address: BrokerAddress;
  readonly rack: string | null;
}

/** One partition as Metadata describes it. */
export interface PartitionView {
  readonly partition: number;
  /** Id of the leader, -1 while there is none. */
  readonly leader: number;
  /** Epoch of that leader, -1 where the broker does not tell. */
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  readonly offlineReplicas: readonly number[];
}

/** One topic as Metadata describes it. */
export interface TopicView {
  readonly name: string;
  /** The topic's id, all zeros (`ZERO_UUID`) where the broker does not tell. */
  readonly topicId: string;
  readonly isInternal: boolean;
  /** By partition number: `partitions[i].partition === i`. */
  readonly partitions: readonly PartitionView[];
}

/** An immutable view of the cluster. A refresh makes another one; partitions that did not change keep their objects. */
export interface ClusterView {
  readonly clusterId: string | null;
  /** Id of the controller (in KRaft: any live broker), -1 if unknown. */
  readonly controllerId: number;
  readonly brokers: ReadonlyMap<number, BrokerNode>;
  readonly topics: ReadonlyMap<string, TopicView>;
  /** The same topics by id, those with an id. */
  readonly topicsById: ReadonlyMap<string, TopicView>;
}

export const EMPTY_CLUSTER_VIEW: ClusterView = {
  clusterId: null,
  controllerId: -1,
  brokers: new Map(),
  topics: new Map(),
  topicsById: new Map(),
};
