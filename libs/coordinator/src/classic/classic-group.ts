import type { GroupMetadataValue } from "@ottla/protocol/internal";
import type { JoinGroupAnswer } from "../group-requests.ts";
import type { ShardDeadline } from "../shard/deadline-subject.ts";
import { Deadline } from "../shard/deadlines.ts";
import type { Ticket } from "../shard/ticket.ts";
import { ClassicMember, type MemberDetails, type MemberProtocol } from "./classic-member.ts";
import { ProtocolVotes } from "./protocol-votes.ts";
import { subscribedTopics } from "./subscribed-topics.ts";

/**
 * - Empty: no members; perhaps committed offsets.
 * - PreparingRebalance: waits for the members to join (again).
 * - CompletingRebalance: every member has been told of the new generation; waits for the leader's assignment.
 * - Stable: every member can have its assignment.
 * - Dead: being deleted; waits for the log to say so.
 */
export type ClassicGroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead";

const PREVIOUS_STATES: Readonly<Record<ClassicGroupState, readonly ClassicGroupState[]>> = {
  Empty: ["PreparingRebalance", "Dead"],
  PreparingRebalance: ["Empty", "CompletingRebalance", "Stable"],
  CompletingRebalance: ["PreparingRebalance"],
  Stable: ["CompletingRebalance"],
  Dead: ["Empty"],
};

/** The protocol type of consumers, who subscribe to topics; Connect and others have their own. */
export const CONSUMER_PROTOCOL_TYPE = "consumer";

/** Time that an initial rebalance may still be put off for more members to arrive. */
export interface InitialRebalance {
  readonly delayMs: number;
  readonly remainingMs: number;
}

/**
 * A group of the classic protocol, where a member, the leader, assigns the partitions.
 *
 * Invariants: the leader is a member; every name in `staticMemberIds` is a member; a pending member is no member yet;
 * members exist exactly in the states PreparingRebalance, CompletingRebalance and Stable (in the first of these they
 * may all have left). Members, waiting requests and timers live in memory; the log knows the last generation that
 * became stable or empty.
 */
export class ClassicGroup {
  readonly type = "classic";
  readonly groupId: string;
  state: ClassicGroupState = "Empty";
  generationId = 0;
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  /** When the group entered its state; -1 where the log does not say. */
  stateTimestampMs: number;
  /** Whether the log has records of this group, its offsets included, which outlive it unless it is deleted there. */
  isInLog = false;
  /** The generation whose assignment has been handed to the log; a leader that repeats itself does not change it. */
  assignedGenerationId = -1;
  /** Set while the rebalance under way is the first since the group was empty. */
  initialRebalance: InitialRebalance | null = null;
  /** Whether a member came since the initial rebalance was last put off. */
  hasNewMembers = false;
  /** What its consumers subscribe to; null where that is not known. */
  subscribedTopics: ReadonlySet<string> | null = null;

  readonly members = new Map<string, ClassicMember>();
  readonly sessions = new Map<string, ShardDeadline>();
  /** Ids handed out with MEMBER_ID_REQUIRED, whose members have not joined with them yet. */
  readonly pendingMembers = new Set<string>();
  /** Members of this generation that have not asked for their assignment yet. */
  readonly pendingSyncs = new Set<string>();
  readonly joinDeadline: ShardDeadline;
  readonly syncDeadline: ShardDeadline;

  private readonly staticMemberIds = new Map<string, string>();
  private readonly votes = new ProtocolVotes();
  private joinedCount = 0;

  constructor(groupId: string, wallMs: number) {
    this.groupId = groupId;
    this.stateTimestampMs = wallMs;
    this.joinDeadline = new Deadline({ type: "classicJoin", groupId });
    this.syncDeadline = new Deadline({ type: "classicSync", groupId });
  }

  /** The group as its last record in the log has it. */
  static fromRecord(groupId: string, value: GroupMetadataValue): ClassicGroup {
    const group = new ClassicGroup(groupId, value.currentStateTimestamp);
    group.isInLog = true;
    group.generationId = value.generation;
    group.protocolType = value.protocolType === "" ? null : value.protocolType;
    group.protocolName = value.protocol;
    for (const member of value.members) group.addLoadedMember(value, member);
    group.leaderId = value.leader;
    group.state = group.members.size === 0 ? "Empty" : "Stable";
    group.subscribedTopics = group.findSubscribedTopics();
    return group;
  }

  private addLoadedMember(value: GroupMetadataValue, stored: GroupMetadataValue["members"][number]): void {
    const member = new ClassicMember(stored.memberId, stored.groupInstanceId, {
      clientId: stored.clientId,
      clientHost: stored.clientHost,
      rebalanceTimeoutMs: stored.rebalanceTimeout === -1 ? stored.sessionTimeout : stored.rebalanceTimeout,
      sessionTimeoutMs: stored.sessionTimeout,
      protocols: [{ name: value.protocol ?? "", metadata: stored.subscription.slice() }],
    });
    member.assignment = stored.assignment.slice();
    this.addMember(member, value.protocolType);
  }

  get isEmpty(): boolean {
    return this.state === "Empty";
  }

  /** Nothing is lost when a group like this is forgotten, provided it has no offsets. */
  get isDisposable(): boolean {
    return this.state === "Empty" && !this.isInLog && this.pendingMembers.size === 0;
  }

  get isConsumerGroup(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  get canRebalance(): boolean {
    return PREVIOUS_STATES.PreparingRebalance.includes(this.state);
  }

  get joinedMemberCount(): number {
    return this.joinedCount;
  }

  get haveAllMembersJoined(): boolean {
    return this.joinedCount === this.members.size && this.pendingMembers.size === 0;
  }

  /** The longest that any member may take to join again. */
  get rebalanceTimeoutMs(): number {
    let longestMs = 0;
    for (const { details } of this.members.values()) longestMs = Math.max(longestMs, details.rebalanceTimeoutMs);
    return longestMs;
  }

  transitionTo(state: ClassicGroupState, wallMs: number): void {
    if (!PREVIOUS_STATES[state].includes(this.state)) {
      throw new Error(`group ${this.groupId} cannot go from ${this.state} to ${state}`);
    }
    this.state = state;
    this.stateTimestampMs = wallMs;
  }

  /** Opens the next generation with the members there are. */
  startNextGeneration(wallMs: number): void {
    this.generationId++;
    this.pendingSyncs.clear();
    const isEmpty = this.members.size === 0;
    this.protocolName = isEmpty ? null : this.selectProtocol();
    this.transitionTo(isEmpty ? "Empty" : "CompletingRebalance", wallMs);
    this.subscribedTopics = this.findSubscribedTopics();
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId;
  }

  staticMemberId(groupInstanceId: string): string | undefined {
    return this.staticMemberIds.get(groupInstanceId);
  }

  /** The protocol that every member supports and most members prefer. The group has members. */
  selectProtocol(): string {
    return this.votes.elect(this.members.values());
  }

  /** Whether a member with these protocols can be in the group with the members there are. */
  supportsProtocols(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.state === "Empty") return protocolType !== "" && protocols.length > 0;
    if (this.protocolType !== protocolType) return false;
    return protocols.some((protocol) => this.votes.isSupportedByAll(protocol.name, this.members.size));
  }

  addMember(member: ClassicMember, protocolType: string): void {
    if (this.members.size === 0) this.protocolType = protocolType;
    if (member.groupInstanceId !== null) this.staticMemberIds.set(member.groupInstanceId, member.memberId);
    this.leaderId ??= member.memberId;
    this.members.set(member.memberId, member);
    this.votes.add(member.details.protocols);
    this.pendingMembers.delete(member.memberId);
  }

  /** Takes a member, or a pending one, out. Its tickets are the caller's to answer. */
  removeMember(memberId: string): void {
    const member = this.members.get(memberId);
    if (member !== undefined) {
      this.members.delete(memberId);
      this.votes.remove(member.details.protocols);
      this.takeJoin(member);
      if (member.groupInstanceId !== null) this.staticMemberIds.delete(member.groupInstanceId);
    }
    if (this.leaderId === memberId) this.leaderId = this.members.keys().next().value ?? null;
    this.pendingMembers.delete(memberId);
    this.pendingSyncs.delete(memberId);
  }

  /** Gives a static member's place (its details, its assignment, leadership) to another member id. */
  replaceMember(replaced: ClassicMember, memberId: string): ClassicMember {
    const member = new ClassicMember(memberId, replaced.groupInstanceId, replaced.details);
    member.assignment = replaced.assignment;
    this.takeJoin(replaced);
    this.members.delete(replaced.memberId);
    this.members.set(memberId, member);
    if (this.pendingSyncs.delete(replaced.memberId)) this.pendingSyncs.add(memberId);
    if (this.leaderId === replaced.memberId) this.leaderId = memberId;
    if (replaced.groupInstanceId !== null) this.staticMemberIds.set(replaced.groupInstanceId, memberId);
    return member;
  }

  updateMember(member: ClassicMember, details: MemberDetails): void {
    this.votes.remove(member.details.protocols);
    member.details = details;
    this.votes.add(details.protocols);
  }

  /** The member has joined and waits for the others; the ticket of an earlier attempt comes back. */
  putJoin(member: ClassicMember, ticket: Ticket<JoinGroupAnswer>): Ticket<JoinGroupAnswer> | null {
    if (!member.hasJoined) this.joinedCount++;
    member.hasJoined = true;
    const earlier = member.joinTicket;
    member.joinTicket = ticket;
    return earlier;
  }

  /** The member waits no longer; its ticket comes back, if someone still holds the other end. */
  takeJoin(member: ClassicMember): Ticket<JoinGroupAnswer> | null {
    if (member.hasJoined) this.joinedCount--;
    member.hasJoined = false;
    const ticket = member.joinTicket;
    member.joinTicket = null;
    return ticket;
  }

  /**
   * Makes sure that the leader has joined, preferring a member whose client is there to answer to.
   * @returns false when no member has joined
   */
  electJoinedLeader(): boolean {
    const leader = this.leaderId === null ? undefined : this.members.get(this.leaderId);
    if (leader?.joinTicket) return true;
    let joined = leader?.hasJoined ? leader : undefined;
    for (const member of this.members.values()) {
      if (!member.hasJoined) continue;
      joined ??= member;
      if (member.joinTicket === null) continue;
      joined = member;
      break;
    }
    if (joined !== undefined) this.leaderId = joined.memberId;
    return joined !== undefined;
  }

  private findSubscribedTopics(): ReadonlySet<string> | null {
    if (!this.isConsumerGroup) return null;
    const { protocolName } = this;
    const members = protocolName === null ? [] : [...this.members.values()];
    return subscribedTopics(members.map((member) => member.metadataFor(protocolName ?? "")));
  }

  /** Whether consumers of this group read `topic`, as far as is known: if in doubt, consumers do. */
  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics === null ? this.isConsumerGroup : this.subscribedTopics.has(topic);
  }
}
