import type { Uuid } from "@ottla/protocol";
import type {
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataValue,
} from "@ottla/protocol/internal";

/** Partitions by topic id, each with the member epoch at which the member was given it. */
export type OwnedPartitions = ReadonlyMap<Uuid, ReadonlyMap<number, number>>;

export const NOTHING_OWNED: OwnedPartitions = new Map();

/**
 * - stable: has all that is in its target assignment.
 * - unrevoked: has been told to give partitions up, and has not done so yet. It stays in its epoch.
 * - unreleased: is in the epoch of its target; others have not given up all that it is to have.
 */
export type ConsumerMemberState = "stable" | "unrevoked" | "unreleased";

/** Kafka's numbers for the states, as the log has them. */
const STATE_NUMBERS: Readonly<Record<ConsumerMemberState, number>> = { stable: 1, unrevoked: 2, unreleased: 3 };

/** Epochs by which a member says what it does. */
export const JOIN_EPOCH = 0;
export const LEAVE_EPOCH = -1;
/** A static member leaves for a while: its place is kept until its session ends. */
export const LEAVE_STATIC_EPOCH = -2;

/** A member of a consumer group. Never changed: another one takes its place, by replay of a record. */
export interface ConsumerMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  /** In order, each once. */
  readonly subscribedTopicNames: readonly string[];
  /** Empty for none. */
  readonly subscribedTopicRegex: string;
  readonly serverAssignor: string | null;
  readonly epoch: number;
  readonly previousEpoch: number;
  readonly state: ConsumerMemberState;
  readonly assigned: OwnedPartitions;
  readonly pendingRevocation: OwnedPartitions;
}

/** What a member is known by, its epoch and partitions apart. */
export type MemberMetadata = Pick<
  ConsumerMember,
  | "instanceId"
  | "rackId"
  | "clientId"
  | "clientHost"
  | "rebalanceTimeoutMs"
  | "subscribedTopicNames"
  | "subscribedTopicRegex"
  | "serverAssignor"
>;

/** Where a member stands: its epochs and its partitions. */
export type MemberProgress = Pick<
  ConsumerMember,
  "epoch" | "previousEpoch" | "state" | "assigned" | "pendingRevocation"
>;

export const INITIAL_PROGRESS: MemberProgress = {
  epoch: JOIN_EPOCH,
  previousEpoch: -1,
  state: "stable",
  assigned: NOTHING_OWNED,
  pendingRevocation: NOTHING_OWNED,
};

/** A member of which nothing is known yet. */
export function vacantMember(memberId: string): ConsumerMember {
  return {
    ...INITIAL_PROGRESS,
    memberId,
    instanceId: null,
    rackId: null,
    clientId: "",
    clientHost: "",
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: [],
    subscribedTopicRegex: "",
    serverAssignor: null,
  };
}

export function memberMetadataValue(metadata: MemberMetadata): ConsumerGroupMemberMetadataValue {
  const { subscribedTopicRegex, instanceId, rackId, clientId, clientHost } = metadata;
  const { subscribedTopicNames, rebalanceTimeoutMs, serverAssignor } = metadata;
  return {
    instanceId,
    rackId,
    clientId,
    clientHost,
    subscribedTopicNames,
    subscribedTopicRegex: subscribedTopicRegex === "" ? null : subscribedTopicRegex,
    rebalanceTimeoutMs,
    serverAssignor,
    classicMemberMetadata: null,
  };
}

export function memberMetadataOf(value: ConsumerGroupMemberMetadataValue): MemberMetadata {
  return { ...value, subscribedTopicRegex: value.subscribedTopicRegex ?? "" };
}

export function memberProgressValue(progress: MemberProgress): ConsumerGroupCurrentMemberAssignmentValue {
  return {
    memberEpoch: progress.epoch,
    previousMemberEpoch: progress.previousEpoch,
    state: STATE_NUMBERS[progress.state],
    assignedPartitions: storedPartitions(progress.assigned),
    partitionsPendingRevocation: storedPartitions(progress.pendingRevocation),
  };
}

export function memberProgressOf(value: ConsumerGroupCurrentMemberAssignmentValue): MemberProgress {
  return {
    epoch: value.memberEpoch,
    previousEpoch: value.previousMemberEpoch,
    state: stateOf(value.state),
    assigned: ownedPartitions(value.assignedPartitions, value.memberEpoch),
    pendingRevocation: ownedPartitions(value.partitionsPendingRevocation, value.memberEpoch),
  };
}

function stateOf(number: number): ConsumerMemberState {
  if (number === STATE_NUMBERS.unrevoked) return "unrevoked";
  return number === STATE_NUMBERS.unreleased ? "unreleased" : "stable";
}

type StoredPartitions = ConsumerGroupCurrentMemberAssignmentValue["assignedPartitions"];

function storedPartitions(owned: OwnedPartitions): StoredPartitions {
  return [...owned].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()],
    assignmentEpochs: [...partitions.values()],
  }));
}

/** Records of older versions do not say at which epoch a partition was assigned: the member's own is the safe one. */
function ownedPartitions(stored: StoredPartitions, memberEpoch: number): OwnedPartitions {
  return new Map(
    stored.map(({ topicId, partitions, assignmentEpochs }) => [
      topicId,
      new Map(partitions.map((partition, index) => [partition, assignmentEpochs?.[index] ?? memberEpoch])),
    ]),
  );
}

/** What tells two subscriptions apart. */
export function subscriptionKey({ subscribedTopicNames, subscribedTopicRegex }: MemberMetadata): string {
  return `${subscribedTopicNames.join(",")} ${subscribedTopicRegex}`;
}
