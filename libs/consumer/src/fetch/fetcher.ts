import { type ClusterClient, isStaleMetadata, toKafkaError } from "@ottla/client/internal";
import type { FetchResponse } from "@ottla/protocol";
import { ErrorCode, fetchApi, KafkaError, ZERO_UUID } from "@ottla/protocol/client";
import type { Timer } from "@ottla/runtime";
import type { ConsumerEvents } from "../events.ts";
import { type Divergence, PositionValidator } from "../offsets/position-validator.ts";
import type { ConsumerSettings } from "../options.ts";
import type { AssignedPartitions } from "../partitions/assigned-partitions.ts";
import { currentLeaderEpoch } from "../partitions/leader-epoch.ts";
import type { PartitionState } from "../partitions/partition-state.ts";
import { formatPartition, groupByTopic } from "../topic-partition.ts";
import { batchTooLarge, fetchOf, unreadable } from "./fetch-errors.ts";
import { FetchSession, type TopicQuery } from "./fetch-session.ts";
import { FetchedChunk } from "./fetched-chunk.ts";
import { learnLeaders } from "./leader-hints.ts";

/** Who hears of what fetching brings. */
export interface FetchListener<K, V> {
  /** Something can be handed out. */
  onData(): void;
  /** An answer came, with or without data. */
  onAnswer(answer: ConsumerEvents["fetch"]): void;
  /** How far the reader is behind; only if {@link wantsLag}. */
  onLag(lags: ConsumerEvents["lag"]["partitions"]): void;
  wantsLag(): boolean;
  /** The broker does not have the position that was asked for. */
  onOutOfRange(state: PartitionState<K, V>): void;
  /** The leader's log parts from what was read: up to `divergent` it is the same; undefined if it does not know. */
  onTruncated(state: PartitionState<K, V>, divergent: Divergence | undefined): void;
  /** Fetching fails for now. */
  onTrouble(what: string, error: KafkaError): void;
  onRecovered(what: string): void;
  /** An error that trying again does not heal. */
  onFailure(error: KafkaError): void;
}

type PartitionAnswer = FetchResponse["responses"][number]["partitions"][number];

/** What was asked of a broker, by topic name and id and partition. */
interface Asked<K, V> {
  readonly state: PartitionState<K, V>;
  readonly version: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

/** Long polls have a connection of their own, so that nothing else waits behind them. */
const PURPOSE = "fetch";

/** How often data that cannot be read is fetched again. */
const UNREADABLE_RETRIES = 3;

/**
 * A fetch brings this part of `prefetchMaxBytes` at the most. What comes in small pieces is read, and garbage, before V8 has
 * moved it to where only a marking of the whole heap frees it.
 */
const PREFETCH_PART = 1 / 8;

/** The first version of Fetch that knows sessions. */
const FIRST_VERSION_WITH_SESSIONS = 7;

/**
 * Keeps records coming. Each broker has one fetch under way at a time, for all partitions that are read from it (those
 * that it leads, or whose leaders have named it: KIP-392), also those that have records waiting: no partition then waits behind another one's long poll. A fetch begins after what waits
 * already, so that the next records come while these are handled; when more than `prefetchMaxBytes` wait, fetching
 * waits too.
 */
export class Fetcher<K, V> {
  readonly #client: ClusterClient;
  readonly #settings: ConsumerSettings<K, V>;
  readonly #partitions: AssignedPartitions<K, V>;
  readonly #listener: FetchListener<K, V>;
  readonly #busyBrokers = new Set<number>();
  readonly #brokerFailures = new Map<number, number>();
  readonly #sessions = new Map<number, FetchSession>();
  readonly #closing = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #validator: PositionValidator<K, V>;
  #isPlanned = false;
  #retryTimer: Timer | undefined;
  #turn = 0;

  constructor(
    client: ClusterClient,
    settings: ConsumerSettings<K, V>,
    partitions: AssignedPartitions<K, V>,
    listener: FetchListener<K, V>,
  ) {
    this.#client = client;
    this.#settings = settings;
    this.#partitions = partitions;
    this.#listener = listener;
    this.#unsubscribe = client.metadata.onChange(() => this.plan());
    this.#validator = this.#createValidator();
  }

  /** Looks soon what there is to fetch: to be called when anything changed that fetching depends on. */
  plan(): void {
    if (this.#isPlanned || this.#closing.signal.aborted) return;
    this.#isPlanned = true;
    this.#client.runtime.timers.defer(() => {
      this.#isPlanned = false;
      this.#fetchWhatIsDue();
    });
  }

  close(): void {
    this.#closing.abort();
    this.#unsubscribe();
    this.#retryTimer?.cancel();
  }

  #fetchWhatIsDue(): void {
    if (this.#closing.signal.aborted) return;
    const budgetBytes = this.#settings.prefetchMaxBytes - this.#readyBytes();
    if (budgetBytes <= 0) return;
    for (const [broker, states] of this.#validByBroker()) {
      if (!this.#busyBrokers.has(broker)) void this.#fetch(broker, states, budgetBytes);
    }
  }

  /** What is due, less what the leader is asked about first: what was not read from it yet, and so from no other replica. */
  #validByBroker(): Map<number, PartitionState<K, V>[]> {
    const byBroker = this.#dueByBroker();
    for (const [broker, states] of byBroker) {
      const unsure = states.filter((state) => state.needsValidation(currentLeaderEpoch(this.#client, state)));
      if (unsure.length === 0) continue;
      this.#validator.validate(broker, unsure);
      const rest = states.filter((state) => !unsure.includes(state));
      if (rest.length === 0) byBroker.delete(broker);
      else byBroker.set(broker, rest);
    }
    return byBroker;
  }

  #createValidator(): PositionValidator<K, V> {
    return new PositionValidator(this.#client, this.#closing.signal, {
      onValid: (state) => {
        state.markValid(currentLeaderEpoch(this.#client, state));
        this.plan();
      },
      onTruncated: (state, divergent) => {
        // What was handed out already is the same in both logs: only what waits is fetched again.
        if (divergent !== undefined && divergent.offset >= state.position!.offset) state.refetch();
        else this.#onTruncated(state, divergent);
        this.plan();
      },
      onFailed: (state, error) => {
        this.#backOff(state, error);
        if (!error.retriable && error.errno !== ErrorCode.UNKNOWN_SERVER_ERROR) this.#listener.onFailure(error);
        this.plan();
      },
    });
  }

  /** Who is told may leave it at that: then the leader is asked again, later and later. */
  #onTruncated(state: PartitionState<K, V>, divergent: Divergence | undefined): void {
    state.failures++;
    state.retryAtMs = this.#client.runtime.clock.monotonicMs() + this.#client.retryBackoffMs(state.failures);
    this.#listener.onTruncated(state, divergent);
  }

  #readyBytes(): number {
    let bytes = 0;
    for (const state of this.#partitions) bytes += state.readyBytes;
    return bytes;
  }

  #dueByBroker(): Map<number, PartitionState<K, V>[]> {
    const nowMs = this.#client.runtime.clock.monotonicMs();
    const byBroker = new Map<number, PartitionState<K, V>[]>();
    let nextRetryMs = Number.POSITIVE_INFINITY;
    for (const state of this.#partitions) {
      if (!state.isFetchable) continue;
      if (state.retryAtMs > nowMs) {
        nextRetryMs = Math.min(nextRetryMs, state.retryAtMs - nowMs);
        continue;
      }
      const broker = this.#brokerOf(state, nowMs);
      if (broker === -1) {
        this.#onPartitionError(state, ErrorCode.LEADER_NOT_AVAILABLE);
        continue;
      }
      const group = byBroker.get(broker);
      if (group === undefined) byBroker.set(broker, [state]);
      else group.push(state);
    }
    this.#planIn(nextRetryMs);
    return byBroker;
  }

  /** The replica that the leader has named, for as long as that counts, else the leader; -1 where there is none. */
  #brokerOf(state: PartitionState<K, V>, nowMs: number): number {
    const partition = this.#client.metadata.view.topics.get(state.topic)?.partitions[state.partition];
    const { preferred } = state;
    if (
      preferred !== undefined &&
      preferred.untilMs > nowMs &&
      preferred.leaderEpoch === partition?.leaderEpoch &&
      !partition.offlineReplicas.includes(preferred.brokerId)
    )
      return preferred.brokerId;
    state.preferred = undefined;
    return partition?.leader ?? -1;
  }

  #planIn(delayMs: number): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
    if (delayMs === Number.POSITIVE_INFINITY) return;
    this.#retryTimer = this.#client.runtime.timers.schedule(delayMs, () => this.plan(), { keepAlive: true });
  }

  async #fetch(broker: number, states: readonly PartitionState<K, V>[], budgetBytes: number): Promise<void> {
    this.#busyBrokers.add(broker);
    const asked = new Map(states.map((state) => [state, this.#question(state)]));
    const beganAtMs = this.#client.runtime.clock.monotonicMs();
    let hasData = false;
    try {
      const response = await this.#request(broker, states, budgetBytes);
      this.#brokerFailures.delete(broker);
      this.#listener.onRecovered(`fetch from broker ${broker}`);
      hasData = this.#accept(response, asked);
      this.#tell(broker, beganAtMs, response, states);
    } catch (error) {
      const isOfSession = this.#sessionOf(broker).failed(toKafkaError(error).errno);
      if (!this.#closing.signal.aborted && !isOfSession) this.#onBrokerError(broker, states, error);
    } finally {
      this.#busyBrokers.delete(broker);
    }
    if (hasData && states.some(isBehind)) this.#fetchOnAndHandOut();
    else {
      if (hasData) this.#listener.onData();
      this.plan();
    }
  }

  /**
   * Where more waits at the broker, the next request leaves before this answer is handed out. A loop may work through a batch
   * without letting go of the event loop, and the broker would idle until then.
   */
  #fetchOnAndHandOut(): void {
    this.#fetchWhatIsDue();
    this.#client.runtime.timers.defer(() => this.#listener.onData());
  }

  #question(state: PartitionState<K, V>): Asked<K, V> {
    const leaderEpoch = currentLeaderEpoch(this.#client, state);
    return { state, version: state.version, offset: state.fetchOffset, leaderEpoch };
  }

  async #request(broker: number, states: readonly PartitionState<K, V>[], budgetBytes: number): Promise<FetchResponse> {
    const { fetchMaxWaitMs, fetchMinBytes, fetchMaxBytes, isolationLevel, clientRack } = this.#settings;
    const request = {
      maxWaitMs: fetchMaxWaitMs,
      minBytes: fetchMinBytes,
      maxBytes: Math.min(fetchMaxBytes, budgetBytes, this.#pieceBytes()),
      isolationLevel: isolationLevel === "read_committed" ? 1 : 0,
      rackId: clientRack ?? "",
    };
    const topics = this.#topics(states);
    const session = this.#sessionOf(broker);
    const body = (version: number) =>
      version < FIRST_VERSION_WITH_SESSIONS ? { ...request, topics } : { ...request, ...session.next(topics) };
    const requestTimeoutMs = fetchMaxWaitMs + this.#client.settings.requestTimeoutMs;
    const { signal } = this.#closing;
    const options = { retry: false, purpose: PURPOSE, requestTimeoutMs, timeoutMs: requestTimeoutMs, signal };
    const response = await this.#client.ask({ broker }, fetchApi, body, options);
    session.answered(response.sessionId);
    return response;
  }

  #pieceBytes(): number {
    const { prefetchMaxBytes, maxPartitionFetchBytes } = this.#settings;
    return Math.max(Math.ceil(prefetchMaxBytes * PREFETCH_PART), maxPartitionFetchBytes);
  }

  #sessionOf(broker: number): FetchSession {
    const session = this.#sessions.get(broker) ?? new FetchSession();
    this.#sessions.set(broker, session);
    return session;
  }

  /** Partitions that were served longest ago come first, since an answer has room for only so much. */
  #topics(states: readonly PartitionState<K, V>[]): TopicQuery[] {
    const { topics } = this.#client.metadata.view;
    const inTurn = [...states].sort((a, b) => a.servedTurn - b.servedTurn);
    return [...groupByTopic(inTurn)].map(([topic, group]) => ({
      topic,
      topicId: topics.get(topic)?.topicId ?? ZERO_UUID,
      partitions: group.map((state) => ({
        partition: state.partition,
        currentLeaderEpoch: currentLeaderEpoch(this.#client, state),
        fetchOffset: state.fetchOffset,
        partitionMaxBytes: this.#settings.maxPartitionFetchBytes,
      })),
    }));
  }

  /** Returns whether there is something to hand out. */
  #accept(response: FetchResponse, asked: ReadonlyMap<PartitionState<K, V>, Asked<K, V>>): boolean {
    learnLeaders(this.#client, response);
    let hasData = false;
    for (const { topic, topicId, partitions } of response.responses) {
      const name = topic || this.#client.metadata.view.topicsById.get(topicId)?.name;
      if (name === undefined) continue;
      for (const answer of partitions) {
        const state = this.#partitions.get({ topic: name, partition: answer.partitionIndex });
        const question = state && asked.get(state);
        if (question === undefined || question.version !== question.state.version) continue;
        hasData = this.#acceptPartition(question, answer) || hasData;
      }
    }
    return hasData;
  }

  #tell(brokerId: number, beganAtMs: number, response: FetchResponse, states: readonly PartitionState<K, V>[]): void {
    let partitions = 0;
    let sizeBytes = 0;
    for (const topic of response.responses) {
      for (const { records } of topic.partitions) {
        if (records === null || records.length === 0) continue;
        partitions++;
        sizeBytes += records.length;
      }
    }
    const durationMs = this.#client.runtime.clock.monotonicMs() - beganAtMs;
    this.#listener.onAnswer({ brokerId, partitions, sizeBytes, durationMs, throttleTimeMs: response.throttleTimeMs });
    if (this.#listener.wantsLag()) this.#listener.onLag(states.flatMap(lagOf));
  }

  /** Returns whether there is something to hand out. */
  #acceptPartition({ state, offset, leaderEpoch }: Asked<K, V>, answer: PartitionAnswer): boolean {
    const { errorCode } = answer;
    if (errorCode !== ErrorCode.NONE) {
      // A leader that came later is known: from this answer itself, mostly. It is asked at once.
      const hasMoved = isStaleMetadata(errorCode) && currentLeaderEpoch(this.#client, state) > leaderEpoch;
      if (!hasMoved) this.#onPartitionError(state, errorCode);
      return false;
    }
    state.failures = 0;
    state.markValid(leaderEpoch);
    state.highWatermark = answer.highWatermark;
    this.#listener.onRecovered(fetchOf(state));
    if (answer.preferredReadReplica >= 0) this.#prefer(state, answer.preferredReadReplica, leaderEpoch);
    const bytes = answer.records;
    if (bytes === null || bytes.length === 0) return false;
    state.servedTurn = ++this.#turn;
    try {
      const { highWatermark, logStartOffset } = answer;
      const abortedTransactions = answer.abortedTransactions ?? [];
      const data = { bytes, fetchOffset: offset, highWatermark, logStartOffset, abortedTransactions };
      const chunk = new FetchedChunk(state, data, this.#settings);
      if (chunk.nextOffset === offset) throw batchTooLarge(state);
      return state.accept(chunk);
    } catch (error) {
      this.onUnreadable(state, error);
      return false;
    }
  }

  #prefer(state: PartitionState<K, V>, brokerId: number, leaderEpoch: number): void {
    const { settings, runtime } = this.#client;
    state.preferred = { brokerId, leaderEpoch, untilMs: runtime.clock.monotonicMs() + settings.metadataMaxAgeMs };
  }

  /** What was fetched cannot be read. The fault may lie on the way, so it is fetched again a few times. */
  onUnreadable(state: PartitionState<K, V>, cause: unknown): void {
    const error = unreadable(state, cause);
    state.refetch();
    this.#backOff(state, error);
    if (!error.retriable || ++state.unreadable > UNREADABLE_RETRIES) this.#listener.onFailure(error);
  }

  #onPartitionError(state: PartitionState<K, V>, errno: number): void {
    const error = KafkaError.fromCode(errno, `Fetching ${formatPartition(state)}`);
    // What was fetched before is handed out first: the position may lie in range when that is done.
    const isAtPosition = state.position?.offset === state.fetchOffset;
    // Another replica may lag, or have deleted what the leader has: the leader is asked before that is believed.
    const isOfLeader = state.preferred === undefined;
    state.preferred = undefined;
    if (errno === ErrorCode.OFFSET_OUT_OF_RANGE && isAtPosition && isOfLeader) {
      this.#listener.onOutOfRange(state);
      return;
    }
    if (isStaleMetadata(errno)) this.#client.metadata.requestRefresh();
    const mayHeal =
      error.retriable || errno === ErrorCode.UNKNOWN_SERVER_ERROR || errno === ErrorCode.OFFSET_OUT_OF_RANGE;
    this.#backOff(state, error);
    if (!mayHeal) this.#listener.onFailure(error);
  }

  #backOff(state: PartitionState<K, V>, error: KafkaError): void {
    state.failures++;
    state.retryAtMs = this.#client.runtime.clock.monotonicMs() + this.#client.retryBackoffMs(state.failures);
    this.#listener.onTrouble(fetchOf(state), error);
  }

  #onBrokerError(broker: number, states: readonly PartitionState<K, V>[], cause: unknown): void {
    const error = toKafkaError(cause);
    const failures = (this.#brokerFailures.get(broker) ?? 0) + 1;
    this.#brokerFailures.set(broker, failures);
    const retryAtMs = this.#client.runtime.clock.monotonicMs() + this.#client.retryBackoffMs(failures);
    for (const state of states) {
      state.retryAtMs = retryAtMs;
      state.preferred = undefined;
    }
    this.#listener.onTrouble(`fetch from broker ${broker}`, error);
    if (!error.retriable) this.#listener.onFailure(error);
  }
}

/** Whether the partition has more than was fetched of it. */
function isBehind<K, V>({ fetchOffset, highWatermark }: PartitionState<K, V>): boolean {
  return fetchOffset < highWatermark;
}

/** Nothing where it is not known. */
function lagOf<K, V>({ topic, partition, position, highWatermark }: PartitionState<K, V>) {
  if (position === undefined || highWatermark < 0) return [];
  return [{ topic, partition, lag: Math.max(0, highWatermark - position.offset) }];
}
