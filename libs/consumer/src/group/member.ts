import type { KafkaError } from "@ottla/protocol";
import type { GroupMetadata, MemberAssignment, PartitionAssignor } from "../assignors/assignor.ts";
import type { TopicPartition } from "../topic-partition.ts";
import type { GiveUpScope, MemberIdentity, MembershipState } from "./membership.ts";
import type { Subscription } from "./subscription.ts";

/** What a member of a group is configured with. */
export interface GroupMemberOptions {
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  /** Only in the classic protocol: in the consumer protocol the group's config says. */
  readonly sessionTimeoutMs: number;
  /** The same. */
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly rackId: string | null;
  /** In order of preference; at least one. Only in the classic protocol. */
  readonly assignors: readonly PartitionAssignor[];
  /** The coordinator's assignor, null for its choice. Only in the consumer protocol. */
  readonly remoteAssignor: string | null;
}

/** Who hears of how requests fare. */
export interface RequestListener {
  /** A request failed, and is sent again. */
  onTrouble(operation: string, error: KafkaError): void;
  /** It was answered. */
  onRecovered(operation: string): void;
}

/** What the consumer does for its membership, and hears of it. */
export interface GroupMemberHost extends RequestListener {
  readonly subscription: Subscription;
  /** The partitions read at this moment. */
  owned(): readonly TopicPartition[];
  /**
   * Gives partitions up. `revoke`: what is in hand is finished and committed first, unless `signal` says that there is
   * no more time; `lose`: they belong to others already. Must not reject.
   */
  giveUp(how: "revoke" | "lose", what: GiveUpScope, signal: AbortSignal): Promise<void>;
  /** Reads exactly the partitions assigned from now on. Must not reject. */
  adopt(assignment: MemberAssignment, group: GroupMetadata): Promise<void>;
  /** Settles when the handler is back. Must not reject. */
  handlerBack(signal: AbortSignal): Promise<void>;
  onTransition(from: MembershipState, to: MembershipState, reason: string): void;
  /** The membership has ended for good, with an error unless it was closed. */
  onEnd(error: KafkaError | null): void;
}

/** The membership of a group, in whichever protocol. */
export interface GroupMember {
  readonly state: MembershipState;
  /** Whether the listener is told now that partitions go: they still are this member's, to commit for. */
  readonly isGivingUp: boolean;
  /** Whom commits are made for. @throws KafkaError `REBALANCE_IN_PROGRESS` while the member is part of no generation */
  readonly committer: MemberIdentity;
  /** Whether a rebalance is under way whose outcome a commit may have to wait for. */
  readonly isRebalancing: boolean;
  /** Whether the coordinator has put this member out of its generation. */
  readonly isExpelled: boolean;
  readonly group: GroupMetadata;
  /** Begins to join. */
  start(): void;
  /** The subscription has changed. */
  resubscribe(): void;
  /**
   * A commit made in the name of `identity` was refused. Returns whether one in the name of {@link committer} may do,
   * now or after the rebalance.
   */
  commitRefused(error: KafkaError, identity: MemberIdentity): boolean;
  /** The handler hangs: leave until it is back. */
  suspend(): void;
  /** There is traffic: heartbeats that are due go out, whatever timers do. */
  pulse(): void;
  /** Gives the partitions up, leaves, and settles when that is done. */
  close(): Promise<void>;
}
