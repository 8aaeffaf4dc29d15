import type { TopicPartition } from "../topic-partition.ts";
import type {
  AssignablePartition,
  AssignableTopics,
  MemberAssignment,
  MemberSubscription,
  PartitionAssignor,
} from "./assignor.ts";
import { compareMembers, compareStrings, compareTopicPartitions } from "./order.ts";

/**
 * Topic by topic, gives each member a run of neighbouring partitions, so that topics with the same number of
 * partitions are shared out alike (co-partitioning: the same key of two topics reaches the same member).
 * Kafka's `RangeAssignor`, with its rack awareness (KIP-881): members prefer partitions with a replica in their
 * rack as far as balance and co-partitioning allow.
 */
export class RangeAssignor implements PartitionAssignor {
  readonly name = "range";

  assign(topics: AssignableTopics, members: readonly MemberSubscription[]): Map<string, MemberAssignment> {
    const result = new Map(members.map(({ memberId }) => [memberId, [] as TopicPartition[]]));
    const shares = topicShares(topics, members);
    if (shares.some((share) => share.prefersRacks)) assignWithinRacks(shares, result);
    for (const share of shares) assignRanges(share, () => true, result);
    for (const partitions of result.values()) partitions.sort(compareTopicPartitions);
    return new Map([...result].map(([memberId, partitions]) => [memberId, { partitions, userData: null }]));
  }
}

type Assignments = ReadonlyMap<string, TopicPartition[]>;

function topicShares(topics: AssignableTopics, members: readonly MemberSubscription[]): TopicShare[] {
  const sorted = [...members].sort(compareMembers);
  const subscribers = new Map<string, MemberSubscription[]>();
  for (const member of sorted) {
    for (const topic of new Set(member.topics)) {
      const list = subscribers.get(topic);
      if (list === undefined) subscribers.set(topic, [member]);
      else list.push(member);
    }
  }
  return [...topics]
    .filter(([topic, partitions]) => partitions.length > 0 && subscribers.has(topic))
    .sort(([a], [b]) => compareStrings(a, b))
    .map(([topic, partitions]) => new TopicShare(partitions, subscribers.get(topic)!));
}

/** Gives each member, in order, the first partitions that `mayTake` allows, up to its share. */
function assignRanges(
  share: TopicShare,
  mayTake: (member: MemberSubscription, partition: AssignablePartition) => boolean,
  result: Assignments,
): void {
  for (const member of share.members) {
    if (share.unassigned.size === 0) return;
    const room = share.room(member);
    const taken: AssignablePartition[] = [];
    for (const partition of share.unassigned) {
      if (taken.length >= room) break;
      if (mayTake(member, partition)) taken.push(partition);
    }
    if (taken.length > 0) share.take(member, taken, result);
  }
}

/** First pass when racks matter: what can stay within a rack; what cannot is left to the plain pass. */
function assignWithinRacks(shares: readonly TopicShare[], result: Assignments): void {
  for (const group of groupBy(shares, coPartitioningKey)) {
    if (group.length > 1) assignCoPartitionedWithinRacks(group, result);
    else if (group[0]!.prefersRacks) assignRanges(group[0]!, racksMatch, result);
  }
}

/** Topics are co-partitioned when they have the same members and the same number of partitions. */
function coPartitioningKey(share: TopicShare): string {
  return JSON.stringify([share.partitions.length, ...share.members.map((member) => member.memberId)]);
}

/** Keeps partition N of all topics of the group on one member. */
function assignCoPartitionedWithinRacks(group: readonly TopicShare[], result: Assignments): void {
  if (!group[0]!.anyMemberRack) return;
  const remaining = new Set(group[0]!.members);
  for (let index = 0; index < group[0]!.partitions.length; index++) {
    const member = [...remaining].find((candidate) =>
      group.every((share) => racksMatch(candidate, share.partitions[index]!) && share.room(candidate) > 0),
    );
    if (member === undefined) continue;
    for (const share of group) share.take(member, [share.partitions[index]!], result);
    if (group.every((share) => share.room(member) === 0)) remaining.delete(member);
  }
}

/** A member without a rack matches everything. */
function racksMatch(member: MemberSubscription, partition: AssignablePartition): boolean {
  return !member.rackId || partition.replicaRacks.includes(member.rackId);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/** One topic in the course of being shared out. */
class TopicShare {
  readonly partitions: readonly AssignablePartition[];
  readonly members: readonly MemberSubscription[];
  readonly unassigned: Set<AssignablePartition>;
  readonly anyMemberRack: boolean;
  /** Whether rack-aware placement can make a difference. */
  readonly prefersRacks: boolean;
  readonly #minPerMember: number;
  /** Members that may still get one more than the others. */
  #extras: number;
  readonly #assigned = new Map<string, number>();

  constructor(partitions: readonly AssignablePartition[], members: readonly MemberSubscription[]) {
    this.partitions = partitions;
    this.members = members;
    this.unassigned = new Set(partitions);
    this.#minPerMember = Math.floor(partitions.length / members.length);
    this.#extras = partitions.length % members.length;
    this.anyMemberRack = members.some((member) => member.rackId);
    this.prefersRacks = racksMatter(partitions, members);
  }

  /** How many more partitions `member` may get. */
  room(member: MemberSubscription): number {
    const share = this.#minPerMember + (this.#extras > 0 ? 1 : 0);
    return Math.max(0, share - (this.#assigned.get(member.memberId) ?? 0));
  }

  take(member: MemberSubscription, partitions: readonly AssignablePartition[], result: Assignments): void {
    const count = (this.#assigned.get(member.memberId) ?? 0) + partitions.length;
    this.#assigned.set(member.memberId, count);
    if (count > this.#minPerMember) this.#extras--;
    for (const partition of partitions) {
      this.unassigned.delete(partition);
      result.get(member.memberId)!.push({ topic: partition.topic, partition: partition.partition });
    }
  }
}

/** Racks matter when some member's rack holds replicas and not all partitions are in the same racks. */
function racksMatter(partitions: readonly AssignablePartition[], members: readonly MemberSubscription[]): boolean {
  const partitionRacks = new Set(partitions.flatMap((partition) => partition.replicaRacks));
  if (!members.some((member) => member.rackId && partitionRacks.has(member.rackId))) return false;
  return partitions.some((partition) => new Set(partition.replicaRacks).size !== partitionRacks.size);
}
