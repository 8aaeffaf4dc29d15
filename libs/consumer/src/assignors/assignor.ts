import type { TopicPartition } from "../topic-partition.ts";

/**
 * How partitions change hands in a rebalance (KIP-429). `eager`: every member gives up all it has before it joins
 * again. `cooperative`: members keep reading and give up only what moves.
 */
export type RebalanceProtocol = "eager" | "cooperative";

/** A partition that can be assigned. */
export interface AssignablePartition extends TopicPartition {
  /** Racks of the brokers that hold a replica, without duplicates; empty where brokers name no rack (KIP-881). */
  readonly replicaRacks: readonly string[];
}

/** The partitions of each topic that some member subscribes to, in partition order. Unknown topics are left out. */
export type AssignableTopics = ReadonlyMap<string, readonly AssignablePartition[]>;

/** What one member of the group sent when it joined. */
export interface MemberSubscription {
  /** The id of the member in the group. */
  readonly memberId: string;
  /** Set for a static member (KIP-345). */
  readonly groupInstanceId: string | null;
  /** The names that it subscribes to. */
  readonly topics: readonly string[];
  /** What this assignor's `subscriptionUserData` gave on that member. */
  readonly userData: Uint8Array | null;
  /** What the member held when it joined; empty for a member that rebalances eagerly. */
  readonly ownedPartitions: readonly TopicPartition[];
  /** The generation in which the member got `ownedPartitions`; -1 when it does not say. */
  readonly generationId: number;
  /** Its `clientRack`; null where it names none. */
  readonly rackId: string | null;
}

/** What one member gets. */
export interface MemberAssignment {
  /** What the member reads from now on. */
  readonly partitions: readonly TopicPartition[];
  /** Bytes for this assignor on the member, handed to its `onAssignment`. */
  readonly userData: Uint8Array | null;
}

/** Who this consumer is in its group. */
export interface GroupMetadata {
  /** The id of the group. */
  readonly groupId: string;
  /** The generation of a classic group, or the member epoch in the consumer protocol; -1 outside of one. */
  readonly generationId: number;
  /** The id that the coordinator knows this member by; empty before it has joined. */
  readonly memberId: string;
  /** Of a static member; else null. */
  readonly groupInstanceId: string | null;
}

/**
 * Decides which member of a group reads which partition. The member that the coordinator picked as leader runs it;
 * every member of a group must list an assignor of the same name. Mirrors Kafka's `ConsumerPartitionAssignor`.
 *
 * One object serves one consumer: an assignor may keep state between `onAssignment` and `subscriptionUserData`.
 */
export interface PartitionAssignor {
  /** Name in the group protocol: `range`, `roundrobin`, `sticky`, or one of your own. */
  readonly name: string;
  /** The rebalance protocols that the assignor can be used with; `["eager"]` when absent. */
  readonly supportedProtocols?: readonly RebalanceProtocol[];
  /** Bytes that go with this member's subscription to the leader. */
  subscriptionUserData?(topics: readonly string[]): Uint8Array | null;
  /** Shares the partitions out: an entry for each member, each partition in one entry at most. */
  assign(topics: AssignableTopics, members: readonly MemberSubscription[]): ReadonlyMap<string, MemberAssignment>;
  /** Called on every member with what it got, after each rebalance. */
  onAssignment?(assignment: MemberAssignment, group: GroupMetadata): void;
}
