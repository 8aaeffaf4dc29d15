import type { CallOptions, KafkaError } from "@ottla/client";
import {
  ClusterClient,
  clientClosed,
  Deadline,
  loaded,
  TroubleMonitor,
  toKafkaError,
  trueOrFalse,
} from "@ottla/client/internal";
import { processTracing } from "#diagnostics";
import { loadGroupEngine } from "#group-engine";
import type { PartitionAssignor } from "./assignors/assignor.ts";
import { invalidState, noGroup } from "./errors.ts";
import { type ConsumerEventHub, createEventHub, type EventSource } from "./events.ts";
import { Fetcher } from "./fetch/fetcher.ts";
import type { GroupEngine } from "./group/engine.ts";
import type { GroupSession } from "./group/group-session.ts";
import type { HangWatch } from "./group/hang-watch.ts";
import type { GroupMember, GroupMemberOptions } from "./group/member.ts";
import type { MemberIdentity } from "./group/membership.ts";
import { Subscription } from "./group/subscription.ts";
import { ConsumerCounters, type ConsumerMetrics } from "./metrics.ts";
import { Commits, type Committer } from "./offsets/commits.ts";
import { type CommitIdentity, CommittedOffsets, NO_MEMBER } from "./offsets/committed-offsets.ts";
import { History } from "./offsets/history.ts";
import { PositionFinder } from "./offsets/position-finder.ts";
import { type ConsumerOptions, type ConsumerSettings, resolveConsumerSettings } from "./options.ts";
import { AssignedPartitions } from "./partitions/assigned-partitions.ts";
import { Delivery } from "./reading/delivery.ts";
import type { ReadingHost } from "./reading/iterators.ts";
import { Moment } from "./reading/moment.ts";
import type { RebalanceListener } from "./rebalance-listener.ts";
import type { TopicPartition } from "./topic-partition.ts";
import { TopicWatch } from "./topic-watch.ts";

/** The purpose of the connection that metadata and the like go over. */
const MAIN_CONNECTION = "main";

/** What the consumer's group comes down to: who commits, and the membership while there is one. */
interface Group<K, V> {
  readonly offsets: CommittedOffsets;
  readonly commits: Commits<K, V>;
  session: GroupSession<K, V> | undefined;
}

/** The parts of a consumer, and how they hang together. {@link Consumer} is what users see of it. */
export class ConsumerCore<K, V> implements ReadingHost {
  readonly client: ClusterClient;
  readonly settings: ConsumerSettings<K, V>;
  readonly source: EventSource;
  readonly events: ConsumerEventHub;
  readonly tracing = processTracing;
  readonly partitions = new AssignedPartitions<K, V>();
  readonly delivery: Delivery<K, V>;
  readonly #counters: ConsumerCounters;
  readonly #fetcher: Fetcher<K, V>;
  readonly #finder: PositionFinder<K, V>;
  readonly #troubles: TroubleMonitor;
  readonly #topicWatch: TopicWatch;
  #hangWatch: HangWatch<K, V> | undefined;
  readonly #group: Group<K, V> | undefined;
  readonly #history: History<K, V>;
  /** Given when the membership enters another state. */
  readonly #membershipChanged = new Moment();
  /** One instance each for the consumer's life: some remember what they were assigned. */
  #assignors: readonly PartitionAssignor[] | undefined;
  #isLoadingEngine = false;
  #subscription: Subscription | undefined;
  #listener: RebalanceListener = {};
  #mode: "none" | "subscribed" | "assigned" = "none";
  #isReading = false;
  #isUnsubscribing = false;
  #failure: KafkaError | undefined;
  #closing: Promise<void> | undefined;
  /** It has left, or its time for that is over: a listener that still gives partitions up comes too late. */
  #isClosed = false;

  /** @throws KafkaError `INVALID_CONFIG` */
  constructor(options: ConsumerOptions<K, V>) {
    this.settings = resolveConsumerSettings(options);
    const allowAutoTopicCreation = trueOrFalse("allowAutoCreateTopics", options.allowAutoCreateTopics, true);
    this.client = new ClusterClient(options, { component: "The consumer", allowAutoTopicCreation });
    this.source = { clientId: this.client.settings.clientId, groupId: this.settings.groupId };
    this.events = createEventHub(this.source);
    this.#counters = new ConsumerCounters(this.events);
    this.#troubles = new TroubleMonitor("the consumer", this.client.runtime, this.events);
    this.#topicWatch = new TopicWatch(this.client);
    this.#history = new History(this.client, this.settings.autoOffsetReset, this.events, {
      onPositionMissing: () => this.findPositions(),
      onFailure: (error) => this.delivery.raise(error),
    });
    this.delivery = this.#createDelivery();
    this.#group = this.#createGroup();
    this.#fetcher = this.#createFetcher();
    this.#finder = this.#createFinder();
  }

  createMoment(): Moment {
    return new Moment();
  }

  /** How the consumer is doing: totals since it was made, and how things are now. */
  metrics(): ConsumerMetrics {
    return this.#counters.snapshot(this.partitions, this.delivery.recordsHandedOut);
  }

  get subscription(): Subscription | undefined {
    return this.#subscription;
  }

  /** The group's commits. @throws KafkaError `INVALID_GROUP_ID` without a group */
  group(what: string): Group<K, V> {
    if (this.#group === undefined) throw noGroup(what);
    return this.#group;
  }

  /** The membership, while the consumer subscribes and has begun. */
  get member(): GroupMember | undefined {
    return this.#group?.session?.member;
  }

  subscribe(subscription: Subscription, listener: RebalanceListener): void {
    this.checkOpen();
    this.group("Subscribing to topics");
    this.#enter("subscribed");
    this.#subscription = subscription;
    this.#listener = listener;
    this.#topicWatch.watch(subscription);
    const session = this.#group?.session;
    session?.subscribe(subscription, listener);
    session?.member?.resubscribe();
    if (this.#isReading) this.begin();
  }

  assign(partitions: readonly TopicPartition[]): void {
    this.checkOpen();
    this.#enter("assigned");
    this.#topicWatch.watch(Subscription.toNames(partitions.map(({ topic }) => topic)));
    this.partitions.replace(partitions);
    this.startAutoCommit();
    if (this.#isReading) this.findPositions();
  }

  /** Leaves the group, or gives up what was assigned by hand. */
  unsubscribe(): Promise<void> {
    return this.#begun(this.#unsubscribe());
  }

  async #unsubscribe(): Promise<void> {
    this.#isUnsubscribing = true;
    await this.#leave().finally(() => {
      this.#isUnsubscribing = false;
    });
    if (this.#group !== undefined) this.#group.session = undefined;
    this.#mode = "none";
    this.#subscription = undefined;
    this.#topicWatch.watch(Subscription.toNames([]));
    this.#membershipChanged.give();
  }

  /** What is subscribed or assigned while something is given up would go with it. */
  #enter(mode: "subscribed" | "assigned"): void {
    const now = this.#isUnsubscribing ? "unsubscribing" : this.#mode;
    if (now !== "none" && now !== mode) throw invalidState(`The consumer is ${now}; await unsubscribe() first.`);
    this.#mode = mode;
  }

  beginLoop(): void {
    this.checkOpen();
    if (this.#isReading) throw invalidState("Another loop reads from this consumer.");
    if (this.#mode === "none") throw invalidState("Nothing to read: subscribe or assign.");
    this.#isReading = true;
    this.begin();
  }

  endLoop(): void {
    this.#isReading = false;
    this.delivery.abandonInHand();
  }

  /** Joins the group if that is to be, and sees to it that partitions have positions. */
  begin(): void {
    const group = this.#group;
    if (this.#mode === "subscribed" && group !== undefined && group.session === undefined) this.#becomeMember(group);
    this.findPositions();
  }

  /** Begins, and settles when partitions are assigned and their positions known. */
  async start(options: CallOptions): Promise<void> {
    this.checkOpen();
    const deadline = this.client.deadline("Starting the consumer", options);
    // Begun again each time: the consumer may be unsubscribed and subscribe anew meanwhile.
    for (this.begin(); this.#mode === "subscribed" && this.member?.state !== "stable"; this.begin()) {
      await deadline.race(this.#membershipChanged.next());
      this.checkOpen();
    }
    await deadline.race(this.#finder.find());
    this.delivery.throwRaised();
  }

  /** Looks up positions that are missing, then fetches. */
  findPositions(): void {
    void this.#finder.find();
    this.#fetcher.plan();
  }

  /** Waits until a partition has a position. */
  async positionOf(partition: TopicPartition, deadline: Deadline): Promise<number> {
    for (;;) {
      const { position } = this.partitions.require(partition);
      if (position !== undefined) return position.offset;
      await deadline.race(this.#finder.find());
      this.checkOpen();
      this.delivery.throwRaised();
    }
  }

  /** Something changed that fetching or handing out depends on. */
  onPartitionsChanged(): void {
    this.#fetcher.plan();
    this.delivery.notify();
  }

  /**
   * While partitions are given up, the listener may commit and ask for positions as ever.
   * @throws KafkaError `CLOSED`, or what the consumer failed with
   */
  checkOpen(): void {
    if (this.#isClosed || (this.#closing && !this.member?.isGivingUp)) throw clientClosed("The consumer");
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#begun(this.#closing);
  }

  /** Leaving waits for the rebalance listener: where that is who calls, it goes on without waiting for the listener's end. */
  #begun(leaving: Promise<void>): Promise<void> {
    return this.#group?.session?.listenerScope.isWithin ? Promise.race([leaving, undefined]) : leaving;
  }

  async #close(timeoutMs: number): Promise<void> {
    const deadline = new Deadline("Leaving the group", this.client.runtime, timeoutMs);
    await deadline.race(this.#leave()).catch((error: unknown) => {
      this.client.runtime.logger.warn("closed before the group was left", { error });
    });
    this.#isClosed = true;
    this.delivery.end();
    this.#fetcher.close();
    this.#finder.close();
    this.#topicWatch.close();
    this.#hangWatch?.stop();
    this.#membershipChanged.give();
    await this.client.close();
  }

  async #leave(): Promise<void> {
    const group = this.#group;
    group?.commits.stopAutomatic();
    if (group?.session !== undefined) {
      await group.session.close();
    } else if (this.settings.autoCommit && this.#failure === undefined) {
      this.delivery.holdBack(this.partitions);
      await group?.commits.commitProcessed(this.client.settings.requestTimeoutMs);
    }
    this.partitions.replace([]);
  }

  #becomeMember(group: Group<K, V>): void {
    const engine = loadGroupEngine(this.settings.groupProtocol);
    if (!(engine instanceof Promise)) {
      this.#join(group, engine);
    } else if (!this.#isLoadingEngine) {
      this.#isLoadingEngine = true;
      engine
        .then((loaded) => this.#joinIfStillWanted(group, loaded))
        .catch((error: unknown) => this.#onMembershipEnd(toKafkaError(error)))
        .finally(() => {
          this.#isLoadingEngine = false;
        });
    }
  }

  #joinIfStillWanted(group: Group<K, V>, engine: GroupEngine): void {
    const isWanted = this.#mode === "subscribed" && this.#closing === undefined;
    if (isWanted && group.session === undefined) this.#join(group, engine);
  }

  #join(group: Group<K, V>, engine: GroupEngine): void {
    const { client, settings, partitions, delivery, events } = this;
    const session = engine.createSession<K, V>({
      runtime: client.runtime,
      partitions,
      delivery,
      commits: group.commits,
      events,
      troubles: this.#troubles,
      autoCommit: settings.autoCommit,
      commitTimeoutMs: client.settings.requestTimeoutMs,
      onAssigned: () => this.findPositions(),
      onTransition: () => this.#membershipChanged.give(),
      onEnd: (error) => this.#onMembershipEnd(error),
    });
    group.session = session;
    session.subscribe(this.#subscription!, this.#listener);
    session.member = this.#createMember(session, engine);
    session.member.start();
    this.#hangWatch ??= this.#createHangWatch(engine);
    this.#hangWatch.start();
    this.startAutoCommit();
  }

  #createHangWatch(engine: GroupEngine): HangWatch<K, V> {
    const { client, delivery, settings } = this;
    return engine.createHangWatch(client.runtime, delivery, settings.maxPollIntervalMs, () => this.#onHang());
  }

  #createMember(session: GroupSession<K, V>, engine: GroupEngine): GroupMember {
    const { maxPollIntervalMs: rebalanceTimeoutMs, clientRack: rackId, groupId, ...rest } = this.settings;
    this.#assignors ??= engine.createAssignors(this.settings.assignors);
    const assignors = this.#assignors;
    const options: GroupMemberOptions = { ...rest, assignors, groupId: groupId!, rebalanceTimeoutMs, rackId };
    return engine.createMember(this.client, options, session);
  }

  startAutoCommit(): void {
    if (this.settings.autoCommit) this.#group?.commits.startAutomatic(this.settings.autoCommitIntervalMs);
  }

  #onMembershipEnd(error: KafkaError | null): void {
    this.#hangWatch?.stop();
    if (error === null || this.#closing !== undefined) return;
    this.#failure = error;
    this.client.runtime.logger.error("the consumer has failed", { code: error.code, error: error.message });
    this.delivery.fail(error);
    this.#membershipChanged.give();
    this.events.emit("failed", { error });
  }

  #onHang(): void {
    const { maxPollIntervalMs } = this.settings;
    this.client.runtime.logger.warn("the handler hangs; the group is left until it is back", {
      maxPollIntervalMs,
    });
    this.events.emit("handlerHangs", { maxPollIntervalMs });
    this.#group?.session?.onHang();
  }

  #createDelivery(): Delivery<K, V> {
    return new Delivery(this.partitions, this.settings.maxPollRecords, {
      onRoom: () => this.#fetcher.plan(),
      onChunkOpened: () => this.client.runtime.timers.defer(() => this.delivery.readAhead()),
      onUnreadable: (state, error) => {
        this.#fetcher.onUnreadable(state, error);
        this.#fetcher.plan();
      },
    });
  }

  #createGroup(): Group<K, V> | undefined {
    const { groupId, groupInstanceId, groupProtocol, isolationLevel } = this.settings;
    if (groupId === null) return undefined;
    const { client, partitions, events } = this;
    const offsets = new CommittedOffsets(async () => {
      const engine = await loaded(loadGroupEngine(groupProtocol));
      return engine.createOffsetRequests(client, { groupId, groupInstanceId, isolationLevel });
    });
    const commits = new Commits(client, offsets, partitions, this.#committer(), events);
    return { offsets, commits, session: undefined };
  }

  #committer(): Committer {
    return {
      identity: () => this.#commitIdentity(),
      mayCommit: ({ owner, ...partition }) => {
        if (this.#mode !== "subscribed") return true;
        const state = this.partitions.get(partition);
        return state !== undefined && (owner === undefined || owner === state);
      },
      onRefused: (error: KafkaError, identity: MemberIdentity) => this.member?.commitRefused(error, identity) ?? false,
      settled: async (deadline) => {
        while (this.member?.isRebalancing) await deadline.race(this.#membershipChanged.next());
      },
    };
  }

  /** A commit must not queue behind a JoinGroup, which is answered when all the group is there. */
  #commitIdentity(): CommitIdentity {
    if (this.#mode !== "subscribed" || this.member === undefined) return NO_MEMBER;
    const { committer, isRebalancing } = this.member;
    return isRebalancing ? { ...committer, purpose: MAIN_CONNECTION } : committer;
  }

  #createFetcher(): Fetcher<K, V> {
    return new Fetcher(this.client, this.settings, this.partitions, {
      onData: () => this.delivery.notify(),
      onAnswer: (answer) => {
        this.member?.pulse();
        this.events.emit("fetch", answer);
      },
      onLag: (partitions) => this.events.emit("lag", { partitions }),
      wantsLag: () => this.events.isHeard("lag"),
      onOutOfRange: (state) => {
        state.findPosition("policy", state.fetchOffset);
        this.findPositions();
      },
      onTruncated: (state, divergent) => this.#history.onTruncated(state, divergent),
      ...this.#troubleListener(),
    });
  }

  #createFinder(): PositionFinder<K, V> {
    return new PositionFinder(this.client, this.settings, this.partitions, this.#group?.offsets, {
      onFound: () => this.#fetcher.plan(),
      onReset: (event) => this.#history.onReset(event),
      onHistoryLost: (event) => this.#history.onLost(event),
      ...this.#troubleListener(),
    });
  }

  #troubleListener() {
    return {
      onTrouble: (operation: string, error: KafkaError) => this.#troubles.report(operation, error),
      onRecovered: (operation: string) => this.#troubles.recovered(operation),
      onFailure: (error: KafkaError) => this.delivery.raise(toKafkaError(error)),
    };
  }
}
