import type { PartitionImage } from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { LogAppend, PartitionLog } from "@ottla/storage";
import type { PartitionConfig } from "../config/topic-config.ts";
import { TopicTraffic } from "../metrics/traffic.ts";
import { CommitWaiters } from "./commit-waiters.ts";
import type { FollowerFetch, FollowerProgress } from "./follower-progress.ts";
import { Leadership, type LeadershipLegacy } from "./leadership.ts";
import type { ReplicationEnvironment } from "./replication-environment.ts";
import { TransactionEntries } from "./transaction-entries.ts";

/** How an append is acknowledged: not at all, by the leader, or by all replicas in sync. */
export type Acks = -1 | 0 | 1;

export interface PartitionAppendOptions {
  readonly acks: Acks;
  readonly origin: "client" | "coordinator" | "control";
  /** For markers; see LeaderAppendOptions. */
  readonly transactionVersion?: number;
}

/** An append that the leader has taken. */
export interface PartitionAppend {
  readonly append: LogAppend;
  /**
   * Settles when the high watermark has passed the last record; rejects when the records cannot be written, with
   * NOT_LEADER_OR_FOLLOWER when leadership is lost before, and for clients with NOT_ENOUGH_REPLICAS_AFTER_APPEND when too
   * few replicas are left in sync. Nothing waits unless this is asked for. Never rejects unhandled.
   */
  readonly committed: Promise<void>;
}

/** Told when a partition's log end, high watermark or last stable offset has moved. */
export type PartitionListener = (partition: Partition) => void;

/** The part that a broker has in a partition: it leads, it follows another broker, or nobody leads at present. */
export type PartitionRole = "leader" | "follower" | "leaderless";

/** What a request says that knows no leader epoch. */
export const NO_LEADER_EPOCH = -1;

/**
 * A partition that this broker has a replica of: its log, and what its place in the cluster makes of it.
 *
 * The leader moves the high watermark to the smallest log end among the replicas in sync ({@link Leadership}). With one
 * replica that is its own log end, by the same rule. A follower moves it as its leader's answers say.
 */
export class Partition {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  readonly log: PartitionLog;
  readonly #environment: ReplicationEnvironment;
  readonly #onAdvance: PartitionListener;
  readonly #onOffline: PartitionListener;
  /** Clients, and groups that are loaded, wait for as long as enough replicas are in sync; coordinators wait for as long as this broker leads. */
  readonly #clients = new CommitWaiters();
  readonly #coordinators = new CommitWaiters();
  /** What clients write to and read from the topic. */
  readonly traffic: TopicTraffic;
  /** Who may begin a transaction here, as its coordinator has confirmed. */
  readonly transactionEntries = new TransactionEntries();
  readonly #unsubscribe: () => void;
  #config: PartitionConfig;
  #image: PartitionImage;
  /** Null where another broker leads. */
  #leadership: Leadership | null = null;
  #appendedBytes = 0;
  #closed = false;
  #isDeleted = false;
  #wasOffline = false;

  constructor(options: {
    readonly topic: string;
    readonly topicId: string;
    readonly image: PartitionImage;
    readonly log: PartitionLog;
    readonly config: PartitionConfig;
    readonly environment: ReplicationEnvironment;
    /** Where this one takes the place of another that had the same log: what {@link close} of that one returned. */
    readonly legacy?: LeadershipLegacy | null;
    readonly onAdvance: PartitionListener;
    /** Told once, when the disk of the log has failed. */
    readonly onOffline?: PartitionListener;
    /** Default: counts of its own. */
    readonly traffic?: TopicTraffic;
  }) {
    this.topic = options.topic;
    this.partition = options.image.partition;
    this.topicId = options.topicId;
    this.log = options.log;
    this.traffic = options.traffic ?? new TopicTraffic();
    this.#image = newerImage(options.image, options.legacy?.image);
    this.#environment = options.environment;
    this.#onAdvance = options.onAdvance;
    this.#onOffline = options.onOffline ?? (() => {});
    this.#config = options.config;
    this.#unsubscribe = options.log.onAdvance(() => this.#advanced());
    if (this.isLeader) this.#leadership = this.#lead(options.legacy);
    this.#advanceHighWatermark();
  }

  /** The partition as the metadata has it, or as the controller has answered since. */
  get image(): PartitionImage {
    return this.#image;
  }

  get leaderEpoch(): number {
    return this.#image.leaderEpoch;
  }

  /** The broker that leads, or -1. */
  get leaderId(): number {
    return this.#image.leader;
  }

  get isLeader(): boolean {
    return this.#image.leader === this.#environment.nodeId;
  }

  get role(): PartitionRole {
    if (this.isLeader) return "leader";
    return this.#image.leader < 0 ? "leaderless" : "follower";
  }

  /** What this broker knows as leader; null where another one leads. */
  get leadership(): Leadership | null {
    return this.#leadership;
  }

  /** False while a new leader's high watermark may be behind what its predecessors have told consumers (KIP-207). */
  get isHighWatermarkKnown(): boolean {
    return this.#leadership === null || this.log.highWatermark >= this.#leadership.epochStartOffset;
  }

  /** Bytes taken by appends since this object was made: grows with what readers may wait for. */
  get appendedBytes(): number {
    return this.#appendedBytes;
  }

  /**
   * Whether a request that knows `currentLeaderEpoch` (-1: none) may be served here as by the leader: NONE,
   * NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH.
   */
  checkLeaderEpoch(currentLeaderEpoch: number): number {
    const errno = this.checkEpoch(currentLeaderEpoch);
    return errno !== ErrorCode.NONE || this.isLeader ? errno : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  /** The same for what any replica may serve. */
  checkEpoch(currentLeaderEpoch: number): number {
    if (currentLeaderEpoch !== NO_LEADER_EPOCH && currentLeaderEpoch < this.leaderEpoch)
      return ErrorCode.FENCED_LEADER_EPOCH;
    return currentLeaderEpoch > this.leaderEpoch ? ErrorCode.UNKNOWN_LEADER_EPOCH : ErrorCode.NONE;
  }

  /**
   * Takes note of how far a follower has come: it has all below the offset that it fetches.
   * @throws KafkaError see {@link Leadership.followerFetched}
   */
  followerFetched(fetch: FollowerFetch): void {
    const logStartBefore = this.progressOf(fetch.brokerId)?.logStartOffset;
    this.#leadership?.followerFetched(fetch);
    this.#advanceHighWatermark();
    // Who waits for records to be deleted everywhere waits for this.
    if (fetch.logStartOffset !== logStartBefore) this.#onAdvance(this);
  }

  /** How far a follower is, where this broker leads and the follower has a replica. */
  progressOf(brokerId: number): FollowerProgress | undefined {
    return this.#leadership?.progressOf(brokerId);
  }

  /**
   * Takes over what the metadata says of the partition now. What is older than what the controller has answered meanwhile
   * is passed over.
   */
  update(image: PartitionImage): void {
    const { leaderEpoch, partitionEpoch } = this.#image;
    const isElection = image.leaderEpoch > leaderEpoch;
    if (!isElection && image.partitionEpoch <= partitionEpoch) return;
    this.#image = image;
    if (isElection) this.#elected();
    else this.#leadership?.update(image);
    if (isElection && !this.isLeader) this.#rejectWaiters();
    this.#isrChanged();
  }

  /** The topic's configs, as far as they concern its partitions. */
  get config(): PartitionConfig {
    return this.#config;
  }

  /** Takes over the topic's configs. */
  updateConfig(config: PartitionConfig): void {
    this.#config = config;
    this.log.updateConfig(config);
    this.#isrChanged();
  }

  /** As Kafka: a topic with fewer replicas than `min.insync.replicas` asks for no more than it has. */
  get minInsyncReplicas(): number {
    return Math.min(this.#config.minInsyncReplicas, this.#image.replicas.length);
  }

  /** Whether too few replicas are in sync for acks=all. */
  get isUnderMinIsr(): boolean {
    return this.#image.isr.length < this.minInsyncReplicas;
  }

  /**
   * Appends record batches as leader. The bytes belong to the log from now on.
   * @throws KafkaError NOT_LEADER_OR_FOLLOWER; NOT_ENOUGH_REPLICAS for acks=all with too few in sync
   * @throws AppendRejected when a batch is not valid
   */
  appendAsLeader(batches: Uint8Array, { acks, ...options }: PartitionAppendOptions): PartitionAppend {
    // What is appended to a log that another one takes the place of would be lost with it.
    if (!this.isLeader || this.#closed) throw notLeader(this);
    if (acks === -1 && this.isUnderMinIsr) throw notEnoughReplicas(this, ErrorCode.NOT_ENOUGH_REPLICAS);
    const { leaderEpoch } = this;
    this.#appendedBytes += batches.length;
    const append = this.log.appendAsLeader(batches, { leaderEpoch, ...options });
    const isClient = options.origin === "client";
    const committed = () => this.#committed(append, leaderEpoch, isClient);
    return {
      append,
      get committed() {
        return committed();
      },
    };
  }

  /**
   * Appends what was fetched from the leader.
   * @throws AppendRejected when the batches do not go on where the log ends, or are damaged
   */
  appendAsFollower(batches: Uint8Array): LogAppend {
    this.#appendedBytes += batches.length;
    return this.log.appendAsFollower(batches);
  }

  /** The leader's high watermark: a follower's never goes back, but for what is truncated. */
  followerHighWatermark(leaderHighWatermark: number): void {
    if (this.isLeader) return;
    const committed = Math.min(leaderHighWatermark, this.log.logEndOffset);
    if (committed > this.log.highWatermark) this.log.setHighWatermark(committed);
  }

  /** What cannot be written is never committed; nor, for sure, is what another leader may have cut off. */
  #committed({ written, lastOffset }: LogAppend, leaderEpoch: number, isClient: boolean): Promise<void> {
    const promise = written.then(() => {
      if (this.leaderEpoch !== leaderEpoch) throw notLeader(this);
      return isClient ? this.#committedAt(lastOffset + 1, this.#clients) : this.committedAt(lastOffset + 1);
    });
    promise.catch(() => {});
    return promise;
  }

  /** Settles when the high watermark is `offset` or more; rejects when leadership is lost before. */
  committedAt(offset: number): Promise<void> {
    return this.#committedAt(offset, this.#coordinators);
  }

  /**
   * {@link committedAt}, but does not wait for other brokers to come back. Resolves to whether the high watermark is
   * `offset` or more; false as soon as too few replicas are in sync for it to move at all.
   */
  async committedOrStuckAt(offset: number): Promise<boolean> {
    try {
      await this.#committedAt(offset, this.#clients);
      return true;
    } catch (error) {
      if (error instanceof KafkaError && error.errno === ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND) return false;
      throw error;
    }
  }

  #committedAt(offset: number, waiters: CommitWaiters): Promise<void> {
    if (this.log.highWatermark >= offset) return Promise.resolve();
    if (this.isOffline) return rejected(offline(this));
    if (!this.isLeader || this.#closed) return rejected(notLeader(this));
    if (waiters === this.#clients && this.isUnderMinIsr) return rejected(tooFewAfterAppend(this));
    return waiters.wait(offset);
  }

  /** Whether the disk of the log has failed: nothing is read or appended here any more. */
  get isOffline(): boolean {
    return this.log.isOffline;
  }

  /** Whether the partition is gone from this broker. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether it is gone everywhere, with its topic. Else others have it, or another one stands in its place here. */
  get isDeleted(): boolean {
    return this.#isDeleted;
  }

  /**
   * Ends what waits: the partition is closed or gone.
   * @returns what its leadership leaves to a partition that takes the place of this one; null where another broker leads
   */
  close({ isDeleted = false }: { readonly isDeleted?: boolean } = {}): LeadershipLegacy | null {
    this.#closed = true;
    this.#isDeleted = isDeleted;
    const legacy = this.#leadership?.resign() ?? null;
    this.#leadership = null;
    this.#unsubscribe();
    this.#rejectWaiters();
    this.#onAdvance(this);
    return legacy;
  }

  #elected(): void {
    this.#leadership?.resign();
    this.#leadership = this.isLeader ? this.#lead() : null;
  }

  #lead(legacy: LeadershipLegacy | null = null): Leadership {
    return new Leadership({
      legacy,
      topicId: this.topicId,
      image: this.#image,
      log: this.log,
      environment: this.#environment,
      minInsyncReplicas: () => this.minInsyncReplicas,
      onIsrChange: (image) => this.#agreed(image),
    });
  }

  /** The controller has answered before the metadata tells of it. */
  #agreed(image: PartitionImage): void {
    this.#image = image;
    this.#leadership?.update(image);
    this.#isrChanged();
  }

  #isrChanged(): void {
    this.#advanceHighWatermark();
    if (this.isLeader && this.isUnderMinIsr) this.#clients.rejectAll(tooFewAfterAppend(this));
    this.#onAdvance(this);
  }

  #rejectWaiters(error: KafkaError = notLeader(this)): void {
    this.#clients.rejectAll(error);
    this.#coordinators.rejectAll(error);
  }

  #wentOffline(): void {
    this.#wasOffline = true;
    this.#rejectWaiters(offline(this));
    this.#onOffline(this);
  }

  #advanced(): void {
    if (this.isOffline && !this.#wasOffline) this.#wentOffline();
    this.#advanceHighWatermark();
    const { highWatermark } = this.log;
    this.#clients.release(highWatermark);
    this.#coordinators.release(highWatermark);
    this.#onAdvance(this);
  }

  /** The high watermark never goes back within a leader epoch. */
  #advanceHighWatermark(): void {
    if (this.#leadership === null) return;
    const committed = this.#leadership.committedEndOffset();
    if (committed > this.log.highWatermark) this.log.setHighWatermark(committed);
  }
}

/** The controller's answers may be newer than the metadata. */
function newerImage(image: PartitionImage, known: PartitionImage | undefined): PartitionImage {
  const isSameEpoch = known?.leaderEpoch === image.leaderEpoch;
  return isSameEpoch && known.partitionEpoch > image.partitionEpoch ? known : image;
}

function rejected(error: KafkaError): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}

export function notLeader({ topic, partition }: Partition): KafkaError {
  return KafkaError.fromCode(ErrorCode.NOT_LEADER_OR_FOLLOWER, `This broker does not lead ${topic}-${partition}`);
}

function offline({ topic, partition }: Partition): KafkaError {
  return KafkaError.fromCode(ErrorCode.KAFKA_STORAGE_ERROR, `The log directory of ${topic}-${partition} is offline`);
}

function tooFewAfterAppend(partition: Partition): KafkaError {
  return notEnoughReplicas(partition, ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
}

function notEnoughReplicas({ topic, partition, image, minInsyncReplicas }: Partition, errno: number): KafkaError {
  return KafkaError.fromCode(
    errno,
    `The size of the current ISR ${image.isr.length} is insufficient to satisfy the min.isr requirement of ${minInsyncReplicas} for partition ${topic}-${partition}`,
  );
}
