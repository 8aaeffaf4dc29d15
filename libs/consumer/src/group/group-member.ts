import { type ClusterClient, isRetriable, sleep, toKafkaError } from "@ottla/client/internal";
import {
  type ApiDefinition,
  ErrorCode,
  errorByCode,
  type JoinGroupResponse,
  joinGroupApi,
  KafkaError,
  leaveGroupApi,
  type RequestInput,
  type ResponseOf,
  syncGroupApi,
} from "@ottla/protocol";
import type { GroupMetadata, MemberAssignment, MemberSubscription, PartitionAssignor } from "../assignors/assignor.ts";
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from "./consumer-protocol.ts";
import { Heartbeats } from "./heartbeats.ts";
import { countPartitions, decideAssignments } from "./leader.ts";
import {
  ClassicMembership,
  type JoinedGroup,
  type MemberIdentity,
  type MembershipState,
  type MembershipStep,
  type StepOutcome,
} from "./membership.ts";

/** What a member of a classic group is configured with. */
export interface GroupMemberOptions {
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly rackId: string | null;
  /** In order of preference; at least one. */
  readonly assignors: readonly PartitionAssignor[];
}

/** What the consumer does for its membership, and hears of it. */
export interface GroupMemberHost {
  /** The topics subscribed to at this moment. */
  topics(): readonly string[];
  /**
   * Gives up all partitions. `revoke`: what is in hand is finished and committed first, unless `signal` says that there
   * is no more time; `lose`: they belong to others already. Must not reject.
   */
  giveUp(how: "revoke" | "lose", signal: AbortSignal): Promise<void>;
  /** Takes over the partitions assigned. Must not reject. */
  adopt(assignment: MemberAssignment, group: GroupMetadata): Promise<void>;
  /** Settles when the handler is back. Must not reject. */
  handlerBack(signal: AbortSignal): Promise<void>;
  onTransition(from: MembershipState, to: MembershipState, reason: string): void;
  /** Something failed that is tried again. */
  onTrouble(operation: string, error: KafkaError): void;
  /** What was in trouble goes well again. */
  onRecovered(operation: string): void;
  /** The membership has ended for good, with an error unless it was closed. */
  onEnd(error: KafkaError | null): void;
}

/** A JoinGroup or SyncGroup is answered when all members are there: it may take the rebalance timeout and a bit. */
const REBALANCE_GRACE_MS = 5_000;

/** How long a closing consumer waits for its LeaveGroup to be answered. */
const LEAVE_TIMEOUT_MS = 5_000;

/** Plays a {@link ClassicMembership}: carries out its steps against the coordinator, one after another. */
export class GroupMember {
  readonly #client: ClusterClient;
  readonly #options: GroupMemberOptions;
  readonly #host: GroupMemberHost;
  readonly #membership: ClassicMembership;
  readonly #heartbeats: Heartbeats;
  #interruptStep = new AbortController();
  #isInterruptible = false;
  /** While this member is the leader: what its decision was based on. */
  #partitionCounts: ReadonlyMap<string, number> = new Map();
  #ended: Promise<void> | undefined;
  #unsubscribeMetadata = () => {};

  constructor(client: ClusterClient, options: GroupMemberOptions, host: GroupMemberHost) {
    this.#client = client;
    this.#options = options;
    this.#host = host;
    this.#membership = new ClassicMembership(options.groupInstanceId !== null, (from, to, reason) =>
      host.onTransition(from, to, reason),
    );
    this.#heartbeats = new Heartbeats(client, options, {
      onRefused: (error, identity) => this.coordinatorRefused(error, identity),
      onFailed: (error) => host.onTrouble("heartbeat", error),
      onAccepted: () => host.onRecovered("heartbeat"),
    });
  }

  get state(): MembershipState {
    return this.#membership.state;
  }

  /**
   * Whom commits are made for.
   * @throws KafkaError `REBALANCE_IN_PROGRESS` while the member has no partitions to commit for
   */
  get committer(): MemberIdentity {
    if (this.#membership.wantsHeartbeats) return this.#membership.identity;
    throw KafkaError.fromCode(ErrorCode.REBALANCE_IN_PROGRESS, this.#inGroup());
  }

  /** Whether the coordinator has put this member out of its generation. */
  get isExpelled(): boolean {
    return this.#membership.identity.generationId === -1;
  }

  get group(): GroupMetadata {
    const { groupId, groupInstanceId } = this.#options;
    return { groupId, groupInstanceId, ...this.#membership.identity };
  }

  /** Begins to join. */
  start(): void {
    this.#unsubscribeMetadata = this.#client.metadata.onChange(() => this.#onMetadataChange());
    this.#ended = this.#run();
  }

  requestRejoin(reason: string): void {
    if (this.#membership.requestRejoin(reason)) this.#interrupt();
  }

  /** A heartbeat or commit was refused. */
  coordinatorRefused(error: KafkaError, identity: MemberIdentity): void {
    if (this.#membership.coordinatorRefused(error, identity)) this.#interrupt();
    this.#driveHeartbeats();
  }

  /** The handler hangs: leave until it is back. */
  suspend(): void {
    if (this.#membership.suspend()) this.#interrupt();
  }

  /** There is traffic: heartbeats that are due go out, whatever timers do. */
  pulse(): void {
    this.#heartbeats.pulse();
  }

  /** Gives the partitions up, leaves, and settles when that is done. */
  async close(): Promise<void> {
    if (this.#membership.close()) this.#interrupt();
    await this.#ended;
  }

  async #run(): Promise<void> {
    let step = this.#membership.start();
    while (step.do !== "stop") step = this.#membership.next(await this.#perform(step));
    this.#heartbeats.stop();
    this.#unsubscribeMetadata();
    this.#host.onEnd(step.error);
  }

  /** Carries out a step, and has an outcome for whatever happens. */
  async #perform(step: MembershipStep): Promise<StepOutcome> {
    this.#driveHeartbeats();
    this.#interruptStep = new AbortController();
    this.#isInterruptible = step.do !== "adopt" && step.do !== "assign" && step.do !== "leave";
    const { signal } = this.#interruptStep;
    try {
      return await this.#carryOut(step, signal);
    } catch (cause) {
      if (signal.aborted) return { type: "interrupted" };
      return { type: "refused", error: toKafkaError(cause) };
    }
  }

  async #carryOut(step: MembershipStep, signal: AbortSignal): Promise<StepOutcome> {
    switch (step.do) {
      case "join":
        return await this.#join(step.identity, step.afterFailures, signal);
      case "assign":
        return await this.#assign(step.joined);
      case "sync":
        return await this.#sync(step, signal);
      case "adopt":
        return await this.#adopt(step.assignment, step.joined);
      case "giveUp":
        await this.#host.giveUp(step.how, signal);
        return { type: "done" };
      case "leave":
        await this.#leave(step.identity, step.reason);
        return { type: "done" };
      case "awaitHandler":
        await this.#host.handlerBack(signal);
        return { type: "done" };
      default:
        await aborting(signal);
        return { type: "done" };
    }
  }

  #interrupt(): void {
    if (this.#isInterruptible) this.#interruptStep.abort();
  }

  #driveHeartbeats(): void {
    if (this.#membership.wantsHeartbeats) this.#heartbeats.start(this.#membership.identity);
    else this.#heartbeats.stop();
  }

  async #join(identity: MemberIdentity, afterFailures: number, signal: AbortSignal): Promise<StepOutcome> {
    if (afterFailures > 0) await sleep(this.#client.runtime, this.#client.retryBackoffMs(afterFailures), signal);
    this.#partitionCounts = new Map();
    const response = await this.#ask("joining the group", joinGroupApi, () => this.#joinRequest(identity), signal);
    if (response.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      return { type: "memberIdRequired", memberId: response.memberId };
    }
    if (response.errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(response.errorCode, this.#inGroup());
    return { type: "joined", joined: this.#toJoined(response) };
  }

  #joinRequest({ memberId, generationId }: MemberIdentity): RequestInput<typeof joinGroupApi> {
    const { groupId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, rackId, assignors } = this.#options;
    const topics = this.#host.topics();
    this.#client.metadata.track(topics);
    const protocols = assignors.map((assignor) => {
      const userData = assignor.subscriptionUserData?.(topics) ?? null;
      const metadata = encodeSubscription({ topics, userData, ownedPartitions: [], generationId, rackId });
      return { name: assignor.name, metadata };
    });
    return {
      groupId,
      groupInstanceId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId,
      protocolType: "consumer",
      protocols,
    };
  }

  #toJoined(response: JoinGroupResponse): JoinedGroup {
    const isLeader = response.leader === response.memberId;
    return {
      memberId: response.memberId,
      generationId: response.generationId,
      protocolName: response.protocolName ?? "",
      isLeader,
      members: isLeader ? response.members.map((member) => this.#readMember(member)) : [],
      skipAssignment: response.skipAssignment,
    };
  }

  /** A member whose subscription cannot be read gets nothing; the others must not suffer for it. */
  #readMember(member: JoinGroupResponse["members"][number]): MemberSubscription {
    const { memberId, groupInstanceId } = member;
    try {
      return decodeSubscription(memberId, groupInstanceId, member.metadata);
    } catch (error) {
      this.#client.runtime.logger.warn("a member of the group sent a subscription that cannot be read", {
        groupId: this.#options.groupId,
        memberId,
        error,
      });
      const none = { topics: [], userData: null, ownedPartitions: [], generationId: -1, rackId: null };
      return { memberId, groupInstanceId, ...none };
    }
  }

  async #assign(joined: JoinedGroup): Promise<StepOutcome> {
    const deadline = this.#client.deadline("Assigning partitions", { timeoutMs: this.#options.rebalanceTimeoutMs });
    const assignor = this.#assignor(joined.protocolName);
    const decision = await decideAssignments(this.#client, assignor, joined.members, deadline);
    this.#partitionCounts = decision.partitionCounts;
    return { type: "assigned", assignments: joined.skipAssignment ? new Map() : decision.assignments };
  }

  async #sync(step: MembershipStep & { readonly do: "sync" }, signal: AbortSignal): Promise<StepOutcome> {
    const { groupId, groupInstanceId } = this.#options;
    const { memberId, generationId, protocolName } = step.joined;
    const assignments = [...step.assignments].map(([member, assignment]) => ({
      memberId: member,
      assignment: encodeAssignment(assignment),
    }));
    const request = { groupId, groupInstanceId, memberId, generationId, protocolName, assignments };
    const body = () => ({ ...request, protocolType: "consumer" });
    const response = await this.#ask("joining the group", syncGroupApi, body, signal);
    if (response.errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(response.errorCode, this.#inGroup());
    return { type: "synced", assignment: decodeAssignment(response.assignment) };
  }

  async #adopt(assignment: MemberAssignment, joined: JoinedGroup): Promise<StepOutcome> {
    this.#assignor(joined.protocolName).onAssignment?.(assignment, this.group);
    await this.#host.adopt(assignment, this.group);
    return { type: "done" };
  }

  /** Best effort: a coordinator that does not answer will miss our heartbeats. */
  async #leave({ memberId }: MemberIdentity, reason: string): Promise<void> {
    const { groupId } = this.#options;
    const body = (version: number) =>
      version >= 3 ? { groupId, members: [{ memberId, reason }] } : { groupId, memberId };
    const options = { timeoutMs: LEAVE_TIMEOUT_MS, errorOf: () => ErrorCode.NONE };
    await this.#client.ask({ group: groupId }, leaveGroupApi, body, options).catch((error: unknown) => {
      this.#client.runtime.logger.debug("leaving the group failed", { groupId, memberId, error });
    });
  }

  /** Asks the coordinator until it answers with anything that waiting does not heal. */
  async #ask<A extends ApiDefinition>(
    operation: string,
    api: A,
    body: () => RequestInput<A>,
    signal: AbortSignal,
  ): Promise<ResponseOf<A>> {
    const { runtime } = this.#client;
    const timeoutMs = this.#options.rebalanceTimeoutMs + REBALANCE_GRACE_MS;
    for (let failures = 1; ; failures++) {
      try {
        const options = { retry: false, timeoutMs, requestTimeoutMs: timeoutMs, signal, errorOf: retriableErrorOf };
        const response = await this.#client.ask({ group: this.#options.groupId }, api, body, options);
        this.#host.onRecovered(operation);
        return response;
      } catch (error) {
        if (signal.aborted || !isRetriable(error)) throw error;
        this.#host.onTrouble(operation, error);
        await sleep(runtime, this.#client.retryBackoffMs(failures), signal);
      }
    }
  }

  #assignor(name: string): PartitionAssignor {
    const found = this.#options.assignors.find((assignor) => assignor.name === name);
    if (found !== undefined) return found;
    const detail = `${this.#inGroup()}, the coordinator chose the assignor "${name}", which this member does not list`;
    throw KafkaError.fromCode(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, detail);
  }

  #inGroup(): string {
    return `In group "${this.#options.groupId}"`;
  }

  #onMetadataChange(): void {
    if (this.#partitionCounts.size === 0) return;
    const counts = countPartitions(this.#client.metadata.view, this.#partitionCounts.keys());
    const changed = [...this.#partitionCounts].find(([topic, count]) => counts.get(topic) !== count);
    if (changed !== undefined) this.requestRejoin(`topic "${changed[0]}" has other partitions than before`);
  }
}

/** Codes that are dealt with by asking again; all others are for the membership to judge. */
function retriableErrorOf(response: unknown): number {
  const { errorCode } = response as { readonly errorCode: number };
  return errorByCode(errorCode).retriable ? errorCode : ErrorCode.NONE;
}

/** Settles when the signal is given. */
function aborting(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
