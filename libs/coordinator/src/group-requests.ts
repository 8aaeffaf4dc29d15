import type {
  ConsumerGroupDescribeRequest,
  ConsumerGroupHeartbeatRequest,
  consumerGroupDescribeApi,
  consumerGroupHeartbeatApi,
  DeleteGroupsRequest,
  DescribeGroupsRequest,
  deleteGroupsApi,
  describeGroupsApi,
  HeartbeatRequest,
  heartbeatApi,
  JoinGroupRequest,
  joinGroupApi,
  LeaveGroupRequest,
  ListGroupsRequest,
  leaveGroupApi,
  listGroupsApi,
  OffsetCommitRequest,
  OffsetDeleteRequest,
  OffsetFetchRequest,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  ResponseInput,
  SyncGroupRequest,
  syncGroupApi,
  TxnOffsetCommitRequest,
  txnOffsetCommitApi,
  Uuid,
} from "@ottla/protocol";
import type { MarkerToWrite } from "./shard/coordinator-shard.ts";
import type { Ticket } from "./shard/ticket.ts";

export type JoinGroupAnswer = ResponseInput<typeof joinGroupApi>;
export type SyncGroupAnswer = ResponseInput<typeof syncGroupApi>;
export type HeartbeatAnswer = ResponseInput<typeof heartbeatApi>;
export type LeaveGroupAnswer = ResponseInput<typeof leaveGroupApi>;
export type OffsetCommitAnswer = ResponseInput<typeof offsetCommitApi>;
export type TxnOffsetCommitAnswer = ResponseInput<typeof txnOffsetCommitApi>;
export type OffsetFetchGroup = OffsetFetchRequest["groups"][number];
export type OffsetFetchGroupAnswer = NonNullable<ResponseInput<typeof offsetFetchApi>["groups"]>[number];
export type OffsetDeleteAnswer = ResponseInput<typeof offsetDeleteApi>;
export type ListedGroup = ResponseInput<typeof listGroupsApi>["groups"][number];
export type DescribedGroup = ResponseInput<typeof describeGroupsApi>["groups"][number];
export type DeletedGroup = ResponseInput<typeof deleteGroupsApi>["results"][number];

export type ConsumerHeartbeatAnswer = ResponseInput<typeof consumerGroupHeartbeatApi>;
export type DescribedConsumerGroup = ResponseInput<typeof consumerGroupDescribeApi>["groups"][number];

export type LeavingMember = LeaveGroupRequest["members"][number];

/** Who sent a request. */
export interface GroupClient {
  readonly apiVersion: number;
  readonly clientId: string;
  /** As Kafka shows it: `/` and the address. */
  readonly clientHost: string;
}

/** A topic that was deleted. Its id keeps the offsets of a new topic of the same name apart. */
export interface DeletedTopic {
  readonly name: string;
  readonly topicId: Uuid;
}

/**
 * Everything that can happen to a shard from outside, time apart. Requests have been validated only as far as their
 * encoding goes, and are for groups of this shard. Byte members may be views over a network buffer: what is kept of
 * them is copied.
 */
export type GroupRequest =
  | {
      readonly type: "joinGroup";
      readonly request: JoinGroupRequest;
      readonly client: GroupClient;
      readonly ticket: Ticket<JoinGroupAnswer>;
    }
  | {
      readonly type: "consumerHeartbeat";
      readonly request: ConsumerGroupHeartbeatRequest;
      readonly client: GroupClient;
      readonly ticket: Ticket<ConsumerHeartbeatAnswer>;
    }
  | {
      readonly type: "describeConsumerGroups";
      readonly groupIds: ConsumerGroupDescribeRequest["groupIds"];
      readonly ticket: Ticket<readonly DescribedConsumerGroup[]>;
    }
  | { readonly type: "syncGroup"; readonly request: SyncGroupRequest; readonly ticket: Ticket<SyncGroupAnswer> }
  | { readonly type: "heartbeat"; readonly request: HeartbeatRequest; readonly ticket: Ticket<HeartbeatAnswer> }
  | {
      readonly type: "leaveGroup";
      readonly groupId: string;
      /** One for the versions that name a single member. */
      readonly members: readonly LeavingMember[];
      readonly ticket: Ticket<LeaveGroupAnswer>;
    }
  | {
      readonly type: "offsetCommit";
      /** Topics by name, with their ids where they are known; topics that do not exist have been taken out. */
      readonly request: OffsetCommitRequest;
      readonly apiVersion: number;
      readonly ticket: Ticket<OffsetCommitAnswer>;
    }
  | {
      readonly type: "txnOffsetCommit";
      /** Topics that do not exist have been taken out; the partition of the group is in the transaction. */
      readonly request: TxnOffsetCommitRequest;
      /** The id of each topic. */
      readonly topicIds: ReadonlyMap<string, Uuid>;
      readonly ticket: Ticket<TxnOffsetCommitAnswer>;
    }
  /** A transaction that may have offsets in this shard is over. The answer is Kafka's error code. */
  | { readonly type: "endTransaction"; readonly marker: MarkerToWrite; readonly ticket: Ticket<number> }
  | {
      readonly type: "offsetFetch";
      /** Topics by name, with their ids where they are known; null for all topics. */
      readonly request: OffsetFetchGroup;
      readonly requireStable: boolean;
      readonly ticket: Ticket<OffsetFetchGroupAnswer>;
    }
  | {
      readonly type: "offsetDelete";
      readonly request: OffsetDeleteRequest;
      readonly ticket: Ticket<OffsetDeleteAnswer>;
    }
  | {
      readonly type: "deleteGroups";
      readonly groupIds: DeleteGroupsRequest["groupsNames"];
      readonly ticket: Ticket<readonly DeletedGroup[]>;
    }
  | {
      readonly type: "listGroups";
      readonly request: ListGroupsRequest;
      readonly ticket: Ticket<readonly ListedGroup[]>;
    }
  | {
      readonly type: "describeGroups";
      readonly groupIds: DescribeGroupsRequest["groups"];
      readonly apiVersion: number;
      readonly ticket: Ticket<readonly DescribedGroup[]>;
    }
  /** The client that waits for this ticket has gone. It gets no answer, and no one waits for it. */
  | { readonly type: "clientGone"; readonly groupId: string; readonly ticket: Ticket<never> }
  | { readonly type: "topicsDeleted"; readonly topics: readonly DeletedTopic[] };
