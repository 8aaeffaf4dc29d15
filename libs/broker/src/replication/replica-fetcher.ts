import {
  ErrorCode,
  type FetchResponse,
  fetchApi,
  KafkaError,
  type ListOffsetsResponse,
  listOffsetsApi,
} from "@ottla/protocol";
import type { Runtime } from "@ottla/runtime";
import { keepListening } from "@ottla/runtime/internal";
import { type BrokerConnection, delay, type ReconnectingConnection } from "@ottla/transport";
import type { BrokerConfig } from "../config/broker-config.ts";
import type { FetchMemory } from "./fetch-memory.ts";
import type { LeaderLogRange, Replica } from "./replica.ts";
import { fetchKey, type PartitionFetch, ReplicaFetchSession, type SessionPart } from "./replica-fetch-session.ts";
import type { ReplicationCounters } from "./replication-counters.ts";
import { StirredReplicas } from "./stirred-replicas.ts";
import type { FollowerThrottle } from "./throttle.ts";

export interface ReplicaFetcherOptions {
  readonly nodeId: number;
  readonly brokerEpoch: () => number;
  readonly config: () => BrokerConfig;
  readonly runtime: Runtime;
  readonly throttle: FollowerThrottle;
  readonly counters: ReplicationCounters;
  /** Where the leader's answers are read to. */
  readonly memory: FetchMemory;
  /** The way to the leader; null while nobody knows it. */
  readonly connection: () => ReconnectingConnection | null;
}

/** Topic ids, sessions, diverging epochs and the replica's epoch: the first version of Fetch with all of these. */
const FETCH_VERSION_MIN = 15;

const LATEST = -1;
const EARLIEST = -2;

/** How long nothing is fetched after the leader could not be reached, at first. */
const BACKOFF_INITIAL_MS = 20;

/**
 * Fetches replicas from one leader, again and again, as an ordinary client of it. One request is under way at a time;
 * the next one begins when what came is in the logs: what a follower asks for next is what it has, and the leader counts
 * on that. Replicas that are far behind are not waited for ({@link Replica.mayFetchAhead}): one answer is on its way while
 * what came with the one before is being written.
 */
export class ReplicaFetcher {
  readonly #options: ReplicaFetcherOptions;
  readonly #replicas = new Map<string, Replica>();
  /** Those that came when the request at hand had left: its answer is not for them, but for who was in their place. */
  readonly #newcomers = new Set<Replica>();
  readonly #session = new ReplicaFetchSession();
  readonly #stirred = new StirredReplicas();
  readonly #stop = new AbortController();
  /** The connection that the session belongs to. */
  #sessionOn: BrokerConnection | null = null;
  #isRunning = false;
  #failures = 0;
  #wake: (() => void) | null = null;
  /** Settles when what the last answer brought is in the logs. Never rejects. */
  #taken: Promise<void> = Promise.resolve();

  constructor(options: ReplicaFetcherOptions) {
    this.#options = options;
    keepListening(this.#stop.signal);
  }

  get isEmpty(): boolean {
    return this.#replicas.size === 0;
  }

  add(replica: Replica): void {
    this.#replicas.set(replica.key, replica);
    this.#newcomers.add(replica);
    this.#stirred.lookAtAll();
    this.#wake?.();
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#options.runtime.timers.defer(() => void this.#run());
  }

  remove(replica: Replica): void {
    this.#replicas.delete(replica.key);
    this.#stirred.removed(replica);
  }

  /** Ends what is under way. */
  close(): void {
    this.#stop.abort();
    this.#replicas.clear();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted && this.#replicas.size > 0) {
      try {
        await this.#round();
        this.#failures = 0;
      } catch (error) {
        this.#session.reset();
        await this.#backOff(error);
      }
    }
    this.#isRunning = false;
  }

  async #round(): Promise<void> {
    // By its epoch a leader, and with it the controller, tells this life from one that had what this one has lost (KIP-903).
    if (this.#options.brokerEpoch() < 0) return await this.#sleep(UNREGISTERED_WAIT_MS);
    const nowMs = this.#options.runtime.clock.monotonicMs();
    const { throttle } = this.#options;
    this.#newcomers.clear();
    const stirred = throttle.isExceeded ? null : this.#stirred.at(nowMs);
    if (stirred !== null) return await this.#fetchStirred(stirred);
    const due = Array.from(this.#replicas.values()).filter(({ notBeforeMs }) => notBeforeMs <= nowMs);
    if (due.length === 0) return await this.#sleepUntilReady(nowMs);
    const ready = throttle.isExceeded ? due.filter(({ partition }) => !throttle.holdsBack(partition)) : due;
    if (ready.length === 0) return await this.#sleep(THROTTLED_WAIT_MS);
    this.#stirred.lookedAtAll(nowMs, ready.length === this.#replicas.size);
    const connection = await this.#connect();
    await this.#exchange(connection, this.#session.next(this.#fetches(ready)));
  }

  /** Asks for all replicas, of which only these may have something new to say. */
  async #fetchStirred(stirred: readonly Replica[]): Promise<void> {
    const connection = await this.#connect();
    if (this.#session.isUnderWay) await this.#exchange(connection, this.#session.nextWith(this.#fetches(stirred)));
    else this.#stirred.lookAtAll();
  }

  #fetches(replicas: readonly Replica[]): PartitionFetch[] {
    const maxBytes = this.#number("replica.fetch.max.bytes");
    return replicas.map((replica) => replica.fetch(maxBytes));
  }

  async #exchange(connection: BrokerConnection, part: SessionPart): Promise<void> {
    const response = await this.#fetch(connection, part);
    if (response.errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(response.errorCode);
    await this.#taken;
    await this.#take(connection, response);
    this.#session.answered(response.sessionId);
  }

  async #connect(): Promise<BrokerConnection> {
    const way = this.#options.connection();
    if (way === null) throw KafkaError.fromCode(ErrorCode.BROKER_NOT_AVAILABLE);
    const connection = await way.connect(this.#stop.signal);
    if (connection === this.#sessionOn) return connection;
    this.#sessionOn = connection;
    this.#session.reset();
    for (const replica of this.#replicas.values()) replica.reconnected();
    return connection;
  }

  #fetch(connection: BrokerConnection, part: SessionPart): Promise<FetchResponse> {
    const version = connection.requestVersion(fetchApi);
    if (version < FETCH_VERSION_MIN) {
      throw KafkaError.fromCode(ErrorCode.UNSUPPORTED_VERSION, `the leader serves Fetch up to version ${version} only`);
    }
    const maxWaitMs = this.#number("replica.fetch.wait.max.ms");
    const body = {
      replicaState: { replicaId: this.#options.nodeId, replicaEpoch: this.#options.brokerEpoch() },
      maxWaitMs,
      minBytes: this.#number("replica.fetch.min.bytes"),
      maxBytes: this.#number("replica.fetch.response.max.bytes"),
      ...part,
    };
    const timeoutMs = maxWaitMs + this.#number("replica.socket.timeout.ms");
    return connection.request(fetchApi, body, { version, timeoutMs, signal: this.#stop.signal });
  }

  /** Brings an answer into the logs. Resolves when the next fetch may ask for what comes behind it. */
  async #take(connection: BrokerConnection, response: FetchResponse): Promise<void> {
    const backoffMaxMs = this.#number("replica.fetch.backoff.ms");
    const pending: Promise<void>[] = [];
    const awaited: Promise<void>[] = [];
    this.#stirred.beginAnswer();
    for (const { topicId, partitions } of response.responses) {
      for (const answer of partitions) {
        const key = fetchKey(topicId, answer.partitionIndex);
        const fetch = this.#session.told(key);
        const replica = this.#replicas.get(key);
        if (fetch === undefined || replica === undefined || this.#newcomers.has(replica)) continue;
        this.#stirred.answered(replica);
        const sizeBytes = answer.records?.length ?? 0;
        this.#options.throttle.received(replica.partition, sizeBytes);
        this.#options.counters.bytesIn += sizeBytes;
        const leaderRange = () => this.#leaderRange(connection, replica);
        const done = replica.answered(fetch.fetchOffset, answer, backoffMaxMs, leaderRange);
        pending.push(done);
        if (!replica.mayFetchAhead) awaited.push(done);
      }
    }
    this.#taken = Promise.all(pending).then(() => this.#options.memory.releaseRecords(response));
    await (awaited.length === pending.length ? this.#taken : Promise.all(awaited));
  }

  async #leaderRange(connection: BrokerConnection, replica: Replica): Promise<LeaderLogRange> {
    const endOffset = await this.#leaderOffset(connection, replica, LATEST);
    return { startOffset: await this.#leaderOffset(connection, replica, EARLIEST), endOffset };
  }

  async #leaderOffset(connection: BrokerConnection, { partition, leaderEpoch }: Replica, timestamp: number) {
    const query = { partitionIndex: partition.partition, currentLeaderEpoch: leaderEpoch, timestamp };
    const body = { replicaId: this.#options.nodeId, topics: [{ name: partition.topic, partitions: [query] }] };
    const timeoutMs = this.#number("replica.socket.timeout.ms");
    const response: ListOffsetsResponse = await connection.request(listOffsetsApi, body, {
      timeoutMs,
      signal: this.#stop.signal,
    });
    const found = response.topics[0]?.partitions[0];
    if (found === undefined) throw KafkaError.fromCode(ErrorCode.UNKNOWN_SERVER_ERROR);
    if (found.errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(found.errorCode);
    return found.offset;
  }

  /** Until the first replica may be fetched again, or another one is added. */
  async #sleepUntilReady(nowMs: number): Promise<void> {
    const untilMs = Math.min(...Array.from(this.#replicas.values(), ({ notBeforeMs }) => notBeforeMs));
    await this.#sleep(Math.min(untilMs - nowMs, SLEEP_MAX_MS));
  }

  async #backOff(error: unknown): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { logger } = this.#options.runtime;
    if (error instanceof KafkaError) logger.debug("a leader cannot be fetched from", { err: error });
    else logger.error("a leader cannot be fetched from", { err: error });
    const waitMs = BACKOFF_INITIAL_MS * 2 ** this.#failures++;
    await this.#sleep(Math.min(waitMs, this.#number("replica.fetch.backoff.ms")));
  }

  #sleep(delayMs: number): Promise<void> {
    const { timers } = this.#options.runtime;
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const slept = new AbortController();
    const time = delay(timers, delayMs, AbortSignal.any([slept.signal, this.#stop.signal])).catch(() => {});
    return Promise.race([woken, time]).finally(() => {
      this.#wake = null;
      slept.abort();
    });
  }

  #number(key: NumberKey): number {
    return this.#options.config().require(key);
  }
}

type NumberKey =
  | "replica.fetch.max.bytes"
  | "replica.fetch.min.bytes"
  | "replica.fetch.response.max.bytes"
  | "replica.fetch.wait.max.ms"
  | "replica.fetch.backoff.ms"
  | "replica.socket.timeout.ms";

/** A fetcher whose replicas all wait for another leader epoch looks again this often; it is woken before. */
const SLEEP_MAX_MS = 10_000;

/** How soon a fetcher looks again whose replicas are all throttled. */
const THROTTLED_WAIT_MS = 100;

/** How long a broker that is not registered yet waits before it looks again. */
const UNREGISTERED_WAIT_MS = 20;
