import type { PartitionImage } from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { LogAppend, PartitionLog } from "@ottla/storage";
import type { PartitionConfig } from "../config/topic-config.ts";
import { CommitWaiters } from "./commit-waiters.ts";
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
   * Settles when the high watermark has passed the last record; rejects when the records cannot be written, and with
   * NOT_LEADER_OR_FOLLOWER when leadership is lost before. Nothing waits unless this is asked for. Never rejects
   * unhandled.
   */
  readonly committed: Promise<void>;
}

/** Told when a partition's log end, high watermark or last stable offset has moved. */
export type PartitionListener = (partition: Partition) => void;

/**
 * A partition that this broker has a replica of: its log, and what its place in the cluster makes of it.
 *
 * The leader moves the high watermark to the smallest log end among the replicas in sync. With one replica that is its
 * own log end, by the same rule.
 */
export class Partition {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  readonly log: PartitionLog;
  readonly #nodeId: number;
  readonly #onAdvance: PartitionListener;
  readonly #waiters = new CommitWaiters();
  /** Who may begin a transaction here, as its coordinator has confirmed. */
  readonly transactionEntries = new TransactionEntries();
  /** Log ends of the other replicas, as their fetches have told. */
  readonly #followerLogEnds = new Map<number, number>();
  readonly #unsubscribe: () => void;
  #config: PartitionConfig;
  #image: PartitionImage;
  #appendedBytes = 0;
  #closed = false;

  constructor(options: {
    readonly topic: string;
    readonly topicId: string;
    readonly image: PartitionImage;
    readonly log: PartitionLog;
    readonly config: PartitionConfig;
    readonly nodeId: number;
    readonly onAdvance: PartitionListener;
  }) {
    this.topic = options.topic;
    this.partition = options.image.partition;
    this.topicId = options.topicId;
    this.log = options.log;
    this.#image = options.image;
    this.#nodeId = options.nodeId;
    this.#onAdvance = options.onAdvance;
    this.#config = options.config;
    this.#unsubscribe = options.log.onAdvance(() => this.#advanced());
    this.#advanceHighWatermark();
  }

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
    return this.#image.leader === this.#nodeId;
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
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch < this.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
    if (currentLeaderEpoch > this.leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH;
    return this.isLeader ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  /** Takes note of how far a follower has come: it has all below the offset that it fetches. */
  recordFollowerFetch(brokerId: number, fetchOffset: number): void {
    if (!this.isLeader || !this.#image.replicas.includes(brokerId)) return;
    this.#followerLogEnds.set(brokerId, fetchOffset);
    this.#advanceHighWatermark();
  }

  /** Takes over what the metadata says of the partition now. */
  update(image: PartitionImage): void {
    const wasElection = image.leaderEpoch !== this.#image.leaderEpoch;
    this.#image = image;
    if (wasElection) {
      this.#followerLogEnds.clear();
      if (!this.isLeader) this.#waiters.rejectAll(notLeader(this));
    }
    this.#advanceHighWatermark();
    this.#onAdvance(this);
  }

  /** The topic's configs, as far as they concern its partitions. */
  get config(): PartitionConfig {
    return this.#config;
  }

  /** Takes over the topic's configs. */
  updateConfig(config: PartitionConfig): void {
    this.#config = config;
    this.log.updateConfig(config);
  }

  /**
   * Appends record batches as leader. The bytes belong to the log from now on.
   * @throws KafkaError NOT_LEADER_OR_FOLLOWER; NOT_ENOUGH_REPLICAS for acks=all with too few in sync
   * @throws AppendRejected when a batch is not valid
   */
  appendAsLeader(batches: Uint8Array, { acks, ...options }: PartitionAppendOptions): PartitionAppend {
    if (!this.isLeader) throw notLeader(this);
    if (acks === -1) this.#checkEnoughReplicas();
    const { leaderEpoch } = this;
    this.#appendedBytes += batches.length;
    const append = this.log.appendAsLeader(batches, { leaderEpoch, ...options });
    const committed = () => this.#committed(append, leaderEpoch);
    return {
      append,
      get committed() {
        return committed();
      },
    };
  }

  /** What cannot be written is never committed; nor, for sure, is what another leader may have cut off. */
  #committed({ written, lastOffset }: LogAppend, leaderEpoch: number): Promise<void> {
    const promise = written.then(() => {
      if (this.leaderEpoch !== leaderEpoch) throw notLeader(this);
      return this.committedAt(lastOffset + 1);
    });
    promise.catch(() => {});
    return promise;
  }

  /** Settles when the high watermark is `offset` or more; see {@link PartitionAppend.committed}. */
  committedAt(offset: number): Promise<void> {
    if (this.log.highWatermark >= offset) return Promise.resolve();
    if (!this.isLeader || this.#closed) {
      const lost = Promise.reject(notLeader(this));
      lost.catch(() => {});
      return lost;
    }
    return this.#waiters.wait(offset);
  }

  /** Whether the partition is gone from this broker. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Ends what waits: the partition is closed or gone. */
  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    this.#waiters.rejectAll(notLeader(this));
    this.#onAdvance(this);
  }

  #advanced(): void {
    this.#advanceHighWatermark();
    this.#waiters.release(this.log.highWatermark);
    this.#onAdvance(this);
  }

  /** The high watermark never goes back within a leader epoch. */
  #advanceHighWatermark(): void {
    if (!this.isLeader) return;
    let committed = this.log.logEndOffset;
    for (const replica of this.#image.isr) {
      if (replica !== this.#nodeId) committed = Math.min(committed, this.#followerLogEnds.get(replica) ?? 0);
    }
    if (committed > this.log.highWatermark) this.log.setHighWatermark(committed);
  }

  /** As Kafka: a topic with fewer replicas than `min.insync.replicas` asks for no more than it has. */
  #checkEnoughReplicas(): void {
    const { isr, replicas } = this.#image;
    const needed = Math.min(this.#config.minInsyncReplicas, replicas.length);
    if (isr.length >= needed) return;
    throw KafkaError.fromCode(
      ErrorCode.NOT_ENOUGH_REPLICAS,
      `The size of the current ISR ${isr.length} is insufficient to satisfy the min.isr requirement of ${needed} for partition ${this.topic}-${this.partition}`,
    );
  }
}

function notLeader({ topic, partition }: Partition): KafkaError {
  return KafkaError.fromCode(ErrorCode.NOT_LEADER_OR_FOLLOWER, `This broker does not lead ${topic}-${partition}`);
}
