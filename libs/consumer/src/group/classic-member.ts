import { type ClusterClient, sleep } from "@ottla/client/internal";
import { ErrorCode, heartbeatApi, KafkaError } from "@ottla/protocol";
import type { GroupMetadata, MemberAssignment, PartitionAssignor, RebalanceProtocol } from "../assignors/assignor.ts";
import { without } from "../topic-partition.ts";
import { GroupRequests } from "./group-requests.ts";
import { Heartbeats } from "./heartbeats.ts";
import { countPartitions, decideAssignments } from "./leader.ts";
import type { GroupMember, GroupMemberHost, GroupMemberOptions } from "./member.ts";
import {
  ClassicMembership,
  type JoinedGroup,
  type MemberIdentity,
  type MembershipState,
  type MembershipStep,
  type StepOutcome,
} from "./membership.ts";
import { aborting, StepRunner } from "./step-runner.ts";

/** Plays a {@link ClassicMembership}: carries out its steps against the coordinator, one after another. */
export class ClassicMember implements GroupMember {
  readonly #client: ClusterClient;
  readonly #options: GroupMemberOptions;
  readonly #host: GroupMemberHost;
  readonly #rebalanceProtocol: RebalanceProtocol;
  readonly #membership: ClassicMembership;
  readonly #runner: StepRunner<MembershipStep, StepOutcome>;
  readonly #requests: GroupRequests;
  readonly #heartbeats: Heartbeats;
  /** The topics of the last JoinGroup. */
  #joinedTopics: readonly string[] = [];
  /** While this member is the leader: what its decision was based on. */
  #partitionCounts: ReadonlyMap<string, number> = new Map();
  #unsubscribeMetadata = () => {};

  constructor(client: ClusterClient, options: GroupMemberOptions, host: GroupMemberHost) {
    this.#client = client;
    this.#options = options;
    this.#host = host;
    this.#rebalanceProtocol = rebalanceProtocolOf(options.assignors);
    this.#membership = new ClassicMembership(
      { isStatic: options.groupInstanceId !== null, rebalanceProtocol: this.#rebalanceProtocol },
      (from, to, reason) => host.onTransition(from, to, reason),
    );
    this.#runner = new StepRunner(this.#membership, (step, signal) => this.#carryOut(step, signal));
    this.#requests = new GroupRequests(client, options, host);
    const beat = {
      intervalMs: options.heartbeatIntervalMs,
      send: (identity: MemberIdentity) => this.#sendHeartbeat(identity),
    };
    this.#heartbeats = new Heartbeats(client, beat, {
      onRefused: (error, identity) => this.#coordinatorRefused(error, identity),
      onFailed: (error) => host.onTrouble("heartbeat", error),
      onAccepted: () => host.onRecovered("heartbeat"),
    });
  }

  get state(): MembershipState {
    return this.#membership.state;
  }

  get isGivingUp(): boolean {
    return this.#membership.isGivingUp;
  }

  get committer(): MemberIdentity {
    const { identity } = this.#membership;
    if (identity.generationId !== -1) return identity;
    throw KafkaError.fromCode(ErrorCode.REBALANCE_IN_PROGRESS, this.#inGroup());
  }

  get isRebalancing(): boolean {
    return this.#membership.isRebalancing;
  }

  get isExpelled(): boolean {
    return this.#membership.identity.generationId === -1;
  }

  get group(): GroupMetadata {
    const { groupId, groupInstanceId } = this.#options;
    return { groupId, groupInstanceId, ...this.#membership.identity };
  }

  start(): void {
    this.#unsubscribeMetadata = this.#client.metadata.onChange(() => this.#onMetadataChange());
    this.#runner.start((last) => this.#end(last));
  }

  resubscribe(): void {
    this.#requestRejoin("the subscription changed");
  }

  /** While a rebalance is under way (of which only a cooperative member has anything to commit) the outcome decides. */
  commitRefused(error: KafkaError, identity: MemberIdentity): boolean {
    const isOfRebalance =
      error.errno === ErrorCode.REBALANCE_IN_PROGRESS || error.errno === ErrorCode.ILLEGAL_GENERATION;
    const isPast = identity.generationId !== this.#membership.identity.generationId;
    if (isOfRebalance && (isPast || this.isRebalancing)) return !this.isExpelled;
    this.#coordinatorRefused(error, identity);
    return error.errno === ErrorCode.REBALANCE_IN_PROGRESS && this.#rebalanceProtocol === "cooperative";
  }

  suspend(): void {
    this.#runner.suspend();
  }

  pulse(): void {
    this.#heartbeats.pulse();
  }

  close(): Promise<void> {
    return this.#runner.close();
  }

  #end(last: MembershipStep): void {
    this.#heartbeats.stop();
    this.#unsubscribeMetadata();
    this.#host.onEnd(last.do === "stop" ? last.error : null);
  }

  #coordinatorRefused(error: KafkaError, identity: MemberIdentity): void {
    if (this.#membership.coordinatorRefused(error, identity)) this.#runner.interrupt();
    this.#driveHeartbeats();
  }

  #requestRejoin(reason: string): void {
    if (this.#membership.requestRejoin(reason)) this.#runner.interrupt();
  }

  async #carryOut(step: MembershipStep, signal: AbortSignal): Promise<StepOutcome> {
    this.#driveHeartbeats();
    switch (step.do) {
      case "join":
        return await this.#join(step.identity, step.afterFailures, signal);
      case "assign":
        return await this.#assign(step.joined, signal);
      case "sync":
        return this.#synced(await this.#requests.sync(step.joined, step.assignments, signal));
      case "adopt":
        return await this.#adopt(step.assignment, step.joined);
      case "giveUp":
        await this.#host.giveUp(step.how, step.what, signal);
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

  #driveHeartbeats(): void {
    if (this.#membership.wantsHeartbeats) this.#heartbeats.start(this.#membership.identity);
    else this.#heartbeats.stop();
  }

  async #sendHeartbeat(identity: MemberIdentity): Promise<void> {
    const { groupId, groupInstanceId, sessionTimeoutMs } = this.#options;
    const body = (version: number) => ({ groupId, ...identity, ...(version >= 3 ? { groupInstanceId } : {}) });
    // Not answered in time, it costs the connection: the next one then finds out whether another one gets through.
    const timeoutMs = Math.min(sessionTimeoutMs, this.#client.settings.requestTimeoutMs);
    const options = { retry: false, timeoutMs, requestTimeoutMs: timeoutMs };
    await this.#client.ask({ group: groupId }, heartbeatApi, body, options);
  }

  async #join(identity: MemberIdentity, afterFailures: number, signal: AbortSignal): Promise<StepOutcome> {
    if (afterFailures > 0) await sleep(this.#client.runtime, this.#client.retryBackoffMs(afterFailures), signal);
    this.#partitionCounts = new Map();
    const { subscription } = this.#host;
    if (subscription.pattern !== undefined) {
      const timeoutMs = this.#options.rebalanceTimeoutMs;
      await this.#client.metadata.refresh(this.#client.deadline("Looking for topics", { timeoutMs, signal }));
    }
    const topics = subscription.topicsIn(this.#client.metadata.view);
    this.#client.metadata.track(topics);
    this.#joinedTopics = topics;
    return await this.#requests.join(identity, topics, this.#host.owned(), signal);
  }

  async #assign(joined: JoinedGroup, signal: AbortSignal): Promise<StepOutcome> {
    const timeoutMs = this.#options.rebalanceTimeoutMs;
    const deadline = this.#client.deadline("Assigning partitions", { timeoutMs, signal });
    const assignor = this.#assignor(joined.protocolName);
    const decision = await decideAssignments(this.#client, assignor, joined.members, deadline);
    this.#partitionCounts = decision.partitionCounts;
    return { type: "assigned", assignments: joined.skipAssignment ? new Map() : decision.assignments };
  }

  #synced(assignment: MemberAssignment): StepOutcome {
    return { type: "synced", assignment, revoked: without(this.#host.owned(), assignment.partitions) };
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
    const { view } = this.#client.metadata;
    if (this.#host.subscription.pattern !== undefined && this.state === "stable") {
      const topics = this.#host.subscription.topicsIn(view);
      if (!sameMembers(topics, this.#joinedTopics)) this.#requestRejoin("other topics match the subscription");
    }
    if (this.#partitionCounts.size === 0) return;
    const counts = countPartitions(view, this.#partitionCounts.keys());
    const changed = [...this.#partitionCounts].find(([topic, count]) => counts.get(topic) !== count);
    if (changed !== undefined) this.#requestRejoin(`topic "${changed[0]}" has other partitions than before`);
  }
}

/** Cooperative only if all assignors can be used so: the coordinator may choose any of them (KIP-429). */
function rebalanceProtocolOf(assignors: readonly PartitionAssignor[]): RebalanceProtocol {
  const isCooperative = assignors.every((assignor) => assignor.supportedProtocols?.includes("cooperative"));
  return isCooperative ? "cooperative" : "eager";
}

function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  const set = new Set(a);
  return set.size === b.length && b.every((item) => set.has(item));
}
