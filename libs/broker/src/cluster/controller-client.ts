import type { CreatedTopic, DirectoryAssignment, NewTopic, ProducerIdBlock } from "@ottla/metadata";
import type { Uuid } from "@ottla/protocol";

/** A replica in sync, in the life of its broker in which it is (KIP-903). */
export interface IsrMember {
  readonly brokerId: number;
  /** -1 where the leader does not know it. */
  readonly brokerEpoch: number;
}

/** What a leader asks the controller to make of one partition (AlterPartition v3). */
export interface PartitionAlteration {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly newIsr: readonly IsrMember[];
  /** 0 once the leader has recovered from an unclean election. */
  readonly leaderRecoveryState: number;
}

/** What became of one alteration: the partition's state afterwards, or why it was refused. */
export interface AlteredPartition {
  /**
   * NONE; UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, NOT_CONTROLLER, FENCED_LEADER_EPOCH, INVALID_UPDATE_VERSION,
   * INVALID_REQUEST, INELIGIBLE_REPLICA; NEW_LEADER_ELECTED where the change was made and ended the leadership.
   */
  readonly errorCode: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly leaderRecoveryState: number;
  readonly partitionEpoch: number;
}

/**
 * What a broker asks of the active controller, wherever that is. Every call is one request: it rejects with KafkaError
 * (NOT_CONTROLLER, STALE_BROKER_EPOCH, NETWORK_EXCEPTION, REQUEST_TIMED_OUT …) where it failed as a whole or no controller
 * can be reached, and does not try again by itself.
 */
export interface ControllerClient {
  /** The broker that is controller, or -1 as long as none is known. */
  readonly controllerId: number;
  /** AlterPartition: an answer for each alteration, in the same order. */
  alterPartition(alterations: readonly PartitionAlteration[]): Promise<readonly AlteredPartition[]>;
  /** AllocateProducerIds: ids that no other broker has or will have. */
  allocateProducerIds(): Promise<ProducerIdBlock>;
  /** AssignReplicasToDirs: where this broker has put replicas. What is not the controller's to know any more is passed over. */
  assignReplicasToDirs(assignments: readonly DirectoryAssignment[]): Promise<void>;
  /**
   * CreateTopics, for topics that come into being because somebody asked for them. Resolves when this broker has them.
   * @param clientId whose quotas they count for; null where this broker needs them
   */
  createTopics(topics: readonly NewTopic[], clientId: string | null): Promise<readonly TopicCreation[]>;
}

/** What became of one topic: {@link CreatedTopic} without what only the controller knows. */
export type TopicCreation = Pick<CreatedTopic, "name" | "errno" | "message">;
