import { type ClusterClient, sleep, toKafkaError } from "@ottla/client/internal";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { GroupMetadata, MemberAssignment, PartitionAssignor } from "../assignors/assignor.ts";
import { type GroupMemberOptions, GroupRequests, type RequestListener } from "./group-requests.ts";
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

/** What the consumer does for its membership, and hears of it. */
export interface GroupMemberHost extends RequestListener {
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
  /** The membership has ended for good, with an error unless it was closed. */
  onEnd(error: KafkaError | null): void;
}

/** Plays a {@link ClassicMembership}: carries out its steps against the coordinator, one after another. */
export class GroupMember {
  readonly #client: ClusterClient;
  readonly #options: GroupMemberOptions;
  readonly #host: GroupMemberHost;
  readonly #membership: ClassicMembership;
  readonly #requests: GroupRequests;
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
    this.#requests = new GroupRequests(client, options, host);
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
    this.#isInterruptible = step.do !== "adopt" && step.do !== "leave";
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
        return await this.#assign(step.joined, signal);
      case "sync":
        return { type: "synced", assignment: await this.#requests.sync(step.joined, step.assignments, signal) };
      case "adopt":
        return await this.#adopt(step.assignment, step.joined);
      case "giveUp":
        await this.#host.giveUp(step.how, signal);
        return { type: "done" };
      case "leave":
        await this.#requests.leave(step.identity, step.reason);
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
    const topics = this.#host.topics();
    this.#client.metadata.track(topics);
    return await this.#requests.join(identity, topics, signal);
  }

  async #assign(joined: JoinedGroup, signal: AbortSignal): Promise<StepOutcome> {
    const timeoutMs = this.#options.rebalanceTimeoutMs;
    const deadline = this.#client.deadline("Assigning partitions", { timeoutMs, signal });
    const assignor = this.#assignor(joined.protocolName);
    const decision = await decideAssignments(this.#client, assignor, joined.members, deadline);
    this.#partitionCounts = decision.partitionCounts;
    return { type: "assigned", assignments: joined.skipAssignment ? new Map() : decision.assignments };
  }

  async #adopt(assignment: MemberAssignment, joined: JoinedGroup): Promise<StepOutcome> {
    this.#assignor(joined.protocolName).onAssignment?.(assignment, this.group);
    await this.#host.adopt(assignment, this.group);
    return { type: "done" };
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

/** Settles when the signal is given. */
function aborting(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
