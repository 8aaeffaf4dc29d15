import { type ClusterClient, isRetriable, sleep, toKafkaError } from "@ottla/client/internal";
import {
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeatApi,
  ErrorCode,
  KafkaError,
  uuidFromBytes,
} from "@ottla/protocol";
import type { GroupMetadata, MemberAssignment } from "../assignors/assignor.ts";
import { groupByTopic } from "../topic-partition.ts";
import { ConsumerMembership, type ConsumerMembershipStep, type ConsumerStepOutcome } from "./consumer-membership.ts";
import { Heartbeats } from "./heartbeats.ts";
import { leaveGroup } from "./leave-group.ts";
import type { GroupMember, GroupMemberHost, GroupMemberOptions } from "./member.ts";
import type { MemberIdentity, MembershipState } from "./membership.ts";
import { aborting, StepRunner } from "./step-runner.ts";

/** Epochs with a meaning of their own. */
const JOIN_EPOCH = 0;
const LEAVE_EPOCH = -1;
/** A static member goes, and means to come back. */
const STATIC_LEAVE_EPOCH = -2;

/** Until the coordinator has said how often it wants to hear of members (`group.consumer.heartbeat.interval.ms`). */
const FIRST_INTERVAL_MS = 5_000;

/** How long a closing consumer waits for its last heartbeat to be answered. */

const OPERATION = "joining the group";

type TopicIdPartitions = readonly { readonly topicId: string; readonly partitions: readonly number[] }[];
type Reported = Omit<ConsumerGroupHeartbeatRequest, "groupId" | "memberId" | "memberEpoch">;

const NOTHING_NEW: Reported = {
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: -1,
  subscribedTopicNames: null,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: null,
};

/** Plays a {@link ConsumerMembership}: everything between it and the coordinator goes through heartbeats. */
export class ConsumerMember implements GroupMember {
  readonly #client: ClusterClient;
  readonly #options: GroupMemberOptions;
  readonly #host: GroupMemberHost;
  readonly #membership: ConsumerMembership;
  readonly #runner: StepRunner<ConsumerMembershipStep, ConsumerStepOutcome>;
  readonly #heartbeats: Heartbeats;
  readonly #beat = { intervalMs: FIRST_INTERVAL_MS, send: () => this.#sendHeartbeat() };
  /** What the coordinator has been told of this member; undefined where it may not have arrived. */
  #told: { readonly subscription: unknown; readonly owned: TopicIdPartitions } | undefined;
  /** What this member reads, in the coordinator's terms. */
  #owned: TopicIdPartitions = [];
  /** The assignment as it came, where some of its topics are not known here by their ids yet. */
  #unresolved: TopicIdPartitions | undefined;
  /** How many topics of it the membership has been told of; -1 if it has not been told yet. */
  #resolvedTopics = -1;
  /** Under which id the coordinator assigned a topic. */
  readonly #topicIds = new Map<string, string>();
  #unsubscribeMetadata = () => {};

  constructor(client: ClusterClient, options: GroupMemberOptions, host: GroupMemberHost) {
    this.#client = client;
    this.#options = options;
    this.#host = host;
    const memberId = uuidFromBytes(client.runtime.random.fill(new Uint8Array(16)));
    this.#membership = new ConsumerMembership(memberId, (from, to, reason) => host.onTransition(from, to, reason));
    this.#runner = new StepRunner(this.#membership, (step, signal) => this.#carryOut(step, signal));
    this.#heartbeats = new Heartbeats(client, this.#beat, {
      onRefused: (error) => this.#refused(error, this.#membership.identity),
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
    if (this.#membership.isMember) return this.#membership.identity;
    throw KafkaError.fromCode(ErrorCode.REBALANCE_IN_PROGRESS, `In group "${this.#options.groupId}"`);
  }

  /** Commits go with the epoch as it is; one that has become stale on the way is made again with the next one. */
  readonly isRebalancing = false;

  get isExpelled(): boolean {
    return !this.#membership.isMember;
  }

  get group(): GroupMetadata {
    const { groupId, groupInstanceId } = this.#options;
    return { groupId, groupInstanceId, ...this.#membership.identity };
  }

  start(): void {
    this.#unsubscribeMetadata = this.#client.metadata.onChange(() => this.#resolve());
    this.#runner.start((last) => this.#end(last));
  }

  resubscribe(): void {
    this.#heartbeats.hurry();
  }

  commitRefused(error: KafkaError, identity: MemberIdentity): boolean {
    const isPast = identity.generationId !== this.#membership.identity.generationId;
    if (error.errno === ErrorCode.STALE_MEMBER_EPOCH) {
      if (!isPast) this.#heartbeats.hurry();
      return !this.isExpelled;
    }
    this.#refused(error, identity);
    return false;
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

  #end(last: ConsumerMembershipStep): void {
    this.#heartbeats.stop();
    this.#unsubscribeMetadata();
    this.#host.onEnd(last.do === "stop" ? last.error : null);
  }

  #refused(error: KafkaError, identity: MemberIdentity): void {
    if (this.#membership.refused(error, identity)) this.#runner.interrupt();
    if (!this.#membership.isMember) this.#heartbeats.stop();
  }

  async #carryOut(step: ConsumerMembershipStep, signal: AbortSignal): Promise<ConsumerStepOutcome> {
    switch (step.do) {
      case "join":
        await this.#join(step.afterFailures, signal);
        break;
      case "giveUp":
        if (step.how === "lose") this.#heartbeats.stop();
        await this.#host.giveUp(step.how, step.what, signal);
        break;
      case "adopt":
        await this.#adopt(step.assignment);
        break;
      case "leave":
        this.#heartbeats.stop();
        await this.#leave(step.identity);
        break;
      case "awaitHandler":
        await this.#host.handlerBack(signal);
        break;
      default:
        await aborting(signal);
    }
    return { type: "done" };
  }

  /** @throws KafkaError what the coordinator refuses with, or `ABORTED` */
  async #join(afterFailures: number, signal: AbortSignal): Promise<void> {
    this.#told = undefined;
    this.#owned = [];
    this.#unresolved = undefined;
    for (let failures = afterFailures; ; failures++) {
      if (failures > 0) await sleep(this.#client.runtime, this.#client.retryBackoffMs(failures), signal);
      try {
        await this.#exchange(JOIN_EPOCH, signal);
        this.#host.onRecovered(OPERATION);
        if (this.#unresolved !== undefined)
          await this.#client.metadata.refresh(this.#client.deadline(OPERATION, { signal }));
        break;
      } catch (error) {
        if (signal.aborted || !(isRetriable(error) || isAwaitingRelease(error))) throw error;
        this.#host.onTrouble(OPERATION, toKafkaError(error));
      }
    }
    this.#heartbeats.start({ memberId: this.#membership.identity.memberId, generationId: JOIN_EPOCH });
  }

  async #adopt(assignment: MemberAssignment): Promise<void> {
    const owned = [...groupByTopic(assignment.partitions)].map(([topic, group]) => ({
      topicId: this.#topicIds.get(topic)!,
      partitions: group.map(({ partition }) => partition),
    }));
    await this.#host.adopt(assignment, this.group);
    this.#owned = owned;
    this.#heartbeats.hurry();
  }

  /** Best effort: see {@link leaveGroup}. */
  async #leave({ memberId }: MemberIdentity): Promise<void> {
    const { groupId, groupInstanceId } = this.#options;
    const memberEpoch = groupInstanceId === null ? LEAVE_EPOCH : STATIC_LEAVE_EPOCH;
    const body = { ...NOTHING_NEW, groupId, memberId, memberEpoch, instanceId: groupInstanceId };
    await leaveGroup(this.#client, { groupId, memberId }, (options) =>
      this.#client.ask({ group: groupId }, consumerGroupHeartbeatApi, body, options),
    );
  }

  async #sendHeartbeat(): Promise<void> {
    if (this.#membership.isMember) await this.#exchange(this.#membership.identity.generationId, undefined);
  }

  /** One heartbeat and what its answer brings. What may not have arrived is told again in full with the next one. */
  async #exchange(memberEpoch: number, signal: AbortSignal | undefined): Promise<void> {
    const { groupId } = this.#options;
    const { memberId } = this.#membership.identity;
    const { subscription } = this.#host;
    const owned = this.#owned;
    const news = this.#news(memberEpoch === JOIN_EPOCH);
    this.#told = undefined;
    const { requestTimeoutMs } = this.#client.settings;
    const options = { retry: false, timeoutMs: requestTimeoutMs, signal };
    const body = (version: number) => ({ groupId, memberId, memberEpoch, ...supported(news, version) });
    const response = await this.#client.ask({ group: groupId }, consumerGroupHeartbeatApi, body, options);
    // Left or put out in the meantime, the member has no use for it.
    if (memberEpoch !== JOIN_EPOCH && memberEpoch !== this.#membership.identity.generationId) return;
    this.#told = { subscription, owned };
    this.#accept(response);
  }

  /** What the coordinator has not been told yet. */
  #news(isJoin: boolean): Reported {
    const { groupInstanceId: instanceId, rackId, rebalanceTimeoutMs, remoteAssignor: serverAssignor } = this.#options;
    const { subscription } = this.#host;
    const told = isJoin ? undefined : this.#told;
    const topics = {
      subscribedTopicNames: subscription.pattern === undefined ? [...subscription.names] : [],
      // An empty expression takes an earlier one back.
      subscribedTopicRegex: subscription.serverRegex ?? (isJoin ? null : ""),
    };
    const topicPartitions = this.#owned.map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] }));
    if (told === undefined) {
      return { instanceId, rackId, rebalanceTimeoutMs, serverAssignor, ...topics, topicPartitions };
    }
    return {
      ...NOTHING_NEW,
      instanceId,
      ...(told.subscription === subscription ? {} : topics),
      ...(told.owned === this.#owned ? {} : { topicPartitions }),
    };
  }

  #accept(response: ConsumerGroupHeartbeatResponse): void {
    const memberId = response.memberId ?? this.#membership.identity.memberId;
    this.#beat.intervalMs = response.heartbeatIntervalMs;
    this.#membership.accepted({ memberId, generationId: response.memberEpoch });
    if (response.assignment !== null) {
      this.#unresolved = response.assignment.topicPartitions;
      this.#resolvedTopics = -1;
    }
    if (this.#unresolved === undefined) return;
    if (this.#knownPart(this.#unresolved).length === this.#unresolved.length) this.#resolve();
    else this.#client.metadata.requestRefresh();
  }

  #knownPart(assignment: TopicIdPartitions): TopicIdPartitions {
    const { topicsById } = this.#client.metadata.view;
    return assignment.filter(({ topicId }) => topicsById.has(topicId));
  }

  /** Gives the membership what is known by name of the assignment that came last, unless it has that already. */
  #resolve(): void {
    const assignment = this.#unresolved;
    if (assignment === undefined) return;
    const known = this.#knownPart(assignment);
    if (known.length === this.#resolvedTopics) return;
    this.#resolvedTopics = known.length;
    if (known.length === assignment.length) this.#unresolved = undefined;
    const partitions = known.flatMap(({ topicId, partitions: indexes }) => {
      const topic = this.#client.metadata.view.topicsById.get(topicId)!.name;
      this.#topicIds.set(topic, topicId);
      return indexes.map((partition) => ({ topic, partition }));
    });
    if (this.#membership.assign({ partitions, userData: null })) this.#runner.interrupt();
  }
}

/**
 * The instance id is another member's: most likely this process's last life, which ended without a word. It is free when
 * that one's session is over.
 */
function isAwaitingRelease(error: unknown): boolean {
  return toKafkaError(error).errno === ErrorCode.UNRELEASED_INSTANCE_ID;
}

/** Regular expressions came with version 1. @throws KafkaError `UNSUPPORTED_VERSION` */
function supported(news: Reported, version: number): Partial<Reported> {
  if (version >= 1) return news;
  if (news.subscribedTopicRegex) {
    const detail = "The broker is too old for regular expressions";
    throw KafkaError.fromCode(ErrorCode.UNSUPPORTED_VERSION, detail);
  }
  const { subscribedTopicRegex: _, ...rest } = news;
  return rest;
}
