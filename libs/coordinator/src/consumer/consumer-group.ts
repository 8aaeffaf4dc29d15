import type { Uuid } from "@ottla/protocol";
import type { ShardDeadline } from "../shard/deadline-subject.ts";
import type { Journal } from "../shard/journal.ts";
import { NO_PARTITIONS, type Partitions } from "./assignors/assignor.ts";
import { type ConsumerMember, type OwnedPartitions, subscriptionKey } from "./consumer-member.ts";

/**
 * - Empty: no members; perhaps committed offsets.
 * - Assigning: something has changed, and there is no target assignment for it yet.
 * - Reconciling: members are on their way to the target assignment.
 * - Stable: every member has its part of it.
 */
export type ConsumerGroupState = "Empty" | "Assigning" | "Reconciling" | "Stable";

/** The topics that a regular expression matched. */
export interface ResolvedRegex {
  readonly topics: ReadonlySet<string>;
  readonly version: number;
  readonly timestampMs: number;
}

const NO_TOPICS: ReadonlySet<string> = new Set();

/**
 * A group of the consumer protocol (KIP-848), where the coordinator assigns the partitions. All of it is durable: it
 * changes by replay of records alone, and every change is entered in the journal. Deadlines live in memory.
 *
 * Invariant: a partition is assigned to, or still to be revoked from, one member at the most (see `ownerOf`).
 */
export class ConsumerGroup {
  readonly type = "consumer";
  readonly protocolType = "consumer";
  readonly groupId: string;
  /** Rises when members, subscriptions or topics change. */
  groupEpoch = 0;
  /** Of the topics that the group read when `groupEpoch` was last set. */
  metadataHash = 0n;
  /** The group epoch that the target assignment was made for. */
  targetEpoch = 0;
  targetTimestampMs = 0;
  /** The version of the topic catalog that the group was last held against; -1 for none. In memory only. */
  checkedCatalogVersion = -1;

  readonly sessions = new Map<string, ShardDeadline>();
  readonly rebalanceDeadlines = new Map<string, ShardDeadline>();

  private readonly journal: Journal;
  private readonly membersById = new Map<string, ConsumerMember>();
  private readonly staticMemberIds = new Map<string, string>();
  private readonly targets = new Map<string, Partitions>();
  private readonly regexes = new Map<string, ResolvedRegex>();
  private readonly owners = new Map<Uuid, Map<number, string>>();
  private readonly nameSubscribers = new Map<string, number>();
  private readonly regexSubscribers = new Map<string, number>();
  private readonly subscriptionCounts = new Map<string, number>();

  constructor(groupId: string, journal: Journal) {
    this.groupId = groupId;
    this.journal = journal;
  }

  get state(): ConsumerGroupState {
    if (this.isEmpty) return "Empty";
    if (this.groupEpoch > this.targetEpoch) return "Assigning";
    for (const { state, epoch } of this.membersById.values()) {
      if (state !== "stable" || epoch !== this.targetEpoch) return "Reconciling";
    }
    return "Stable";
  }

  get isEmpty(): boolean {
    return this.membersById.size === 0;
  }

  get members(): ReadonlyMap<string, ConsumerMember> {
    return this.membersById;
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    return this.membersById.get(this.staticMemberIds.get(instanceId) ?? "");
  }

  targetOf(memberId: string): Partitions {
    return this.targets.get(memberId) ?? NO_PARTITIONS;
  }

  get targetMemberIds(): IterableIterator<string> {
    return this.targets.keys();
  }

  get resolvedRegexes(): ReadonlyMap<string, ResolvedRegex> {
    return this.regexes;
  }

  /** The member that has the partition, or has not given it up yet. */
  ownerOf(topicId: Uuid, partition: number): string | undefined {
    return this.owners.get(topicId)?.get(partition);
  }

  get isHomogeneous(): boolean {
    return this.subscriptionCounts.size <= 1;
  }

  isRegexInUse(regex: string): boolean {
    return this.regexSubscribers.has(regex);
  }

  get subscribedRegexes(): Iterable<string> {
    return this.regexSubscribers.keys();
  }

  /** Every topic that a member names or that an expression of a member matched. */
  subscribedTopics(): ReadonlySet<string> {
    const topics = new Set(this.nameSubscribers.keys());
    for (const regex of this.regexSubscribers.keys()) for (const topic of this.matchesOf(regex)) topics.add(topic);
    return topics;
  }

  isSubscribedTo(topic: string): boolean {
    if (this.nameSubscribers.has(topic)) return true;
    for (const regex of this.regexSubscribers.keys()) if (this.matchesOf(regex).has(topic)) return true;
    return false;
  }

  matchesOf(regex: string): ReadonlySet<string> {
    return this.regexes.get(regex)?.topics ?? NO_TOPICS;
  }

  setEpoch(epoch: number, metadataHash: bigint): void {
    const { groupEpoch, metadataHash: hash } = this;
    this.groupEpoch = epoch;
    this.metadataHash = metadataHash;
    this.journal.record(() => {
      this.groupEpoch = groupEpoch;
      this.metadataHash = hash;
      this.checkedCatalogVersion = -1;
    });
  }

  setTargetEpoch(epoch: number, timestampMs: number): void {
    const { targetEpoch, targetTimestampMs } = this;
    this.targetEpoch = epoch;
    this.targetTimestampMs = timestampMs;
    this.journal.record(() => {
      this.targetEpoch = targetEpoch;
      this.targetTimestampMs = targetTimestampMs;
    });
  }

  /** Sets a member's target assignment, or takes it away. */
  setTarget(memberId: string, target: Partitions | undefined): void {
    this.setIn(this.targets, memberId, target);
  }

  /** Sets what an expression matched, or forgets it. */
  setRegex(regex: string, resolved: ResolvedRegex | undefined): void {
    this.setIn(this.regexes, regex, resolved);
  }

  private setIn<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
    const before = map.get(key);
    put(map, key, value);
    this.journal.record(() => put(map, key, before));
  }

  /** Puts a member in, in place of the one with its id, or takes that one out. */
  setMember(memberId: string, member: ConsumerMember | undefined): void {
    const before = this.membersById.get(memberId);
    this.exchange(before, member);
    this.journal.record(() => this.exchange(member, before));
  }

  private exchange(before: ConsumerMember | undefined, after: ConsumerMember | undefined): void {
    if (before !== undefined) this.takeOut(before, after);
    if (after !== undefined) this.putIn(after, before);
  }

  private takeOut(member: ConsumerMember, after: ConsumerMember | undefined): void {
    const { memberId, instanceId } = member;
    if (after === undefined) this.membersById.delete(memberId);
    if (instanceId !== null && this.staticMemberIds.get(instanceId) === memberId && after?.instanceId !== instanceId) {
      this.staticMemberIds.delete(instanceId);
    }
    if (member.assigned !== after?.assigned) this.release(memberId, member.assigned);
    if (member.pendingRevocation !== after?.pendingRevocation) this.release(memberId, member.pendingRevocation);
    if (after === undefined || !hasSameSubscription(member, after)) this.countSubscription(member, -1);
  }

  private putIn(member: ConsumerMember, before: ConsumerMember | undefined): void {
    const { memberId, instanceId } = member;
    this.membersById.set(memberId, member);
    if (instanceId !== null) this.staticMemberIds.set(instanceId, memberId);
    // Also where only one of the two has changed: releasing the other may have taken a partition of this one along.
    if (member.assigned !== before?.assigned || member.pendingRevocation !== before?.pendingRevocation) {
      this.claim(memberId, member.assigned);
      this.claim(memberId, member.pendingRevocation);
    }
    if (before === undefined || !hasSameSubscription(member, before)) this.countSubscription(member, 1);
  }

  private release(memberId: string, owned: OwnedPartitions): void {
    for (const [topicId, partitions] of owned) {
      const owners = this.owners.get(topicId);
      if (owners === undefined) continue;
      for (const partition of partitions.keys()) if (owners.get(partition) === memberId) owners.delete(partition);
      if (owners.size === 0) this.owners.delete(topicId);
    }
  }

  private claim(memberId: string, owned: OwnedPartitions): void {
    for (const [topicId, partitions] of owned) {
      const owners = this.owners.get(topicId) ?? new Map<number, string>();
      this.owners.set(topicId, owners);
      for (const partition of partitions.keys()) owners.set(partition, memberId);
    }
  }

  private countSubscription(member: ConsumerMember, by: 1 | -1): void {
    for (const name of member.subscribedTopicNames) count(this.nameSubscribers, name, by);
    if (member.subscribedTopicRegex !== "") count(this.regexSubscribers, member.subscribedTopicRegex, by);
    count(this.subscriptionCounts, subscriptionKey(member), by);
  }
}

function hasSameSubscription(a: ConsumerMember, b: ConsumerMember): boolean {
  return a.subscribedTopicNames === b.subscribedTopicNames && a.subscribedTopicRegex === b.subscribedTopicRegex;
}

function put<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const sum = (counts.get(key) ?? 0) + by;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}
