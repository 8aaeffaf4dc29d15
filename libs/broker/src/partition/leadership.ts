import type { PartitionImage } from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { PartitionLog } from "@ottla/storage";
import type { AlteredPartition, IsrMember } from "../cluster/controller-client.ts";
import { type FollowerFetch, FollowerProgress } from "./follower-progress.ts";
import type { ReplicationEnvironment } from "./replication-environment.ts";

/** An ISR that the controller has been asked for. */
interface PendingIsr {
  readonly isr: readonly number[];
}

/** What a leadership leaves to the one that goes on in the same leader epoch, with a log that has the same. */
export interface LeadershipLegacy {
  readonly image: PartitionImage;
  readonly epochStartOffset: number;
  readonly followers: ReadonlyMap<number, FollowerProgress>;
  readonly pending: PendingIsr | null;
  /** When it ended, by the monotonic clock. */
  readonly endedMs: number;
}

export interface LeadershipOptions {
  readonly topicId: string;
  readonly image: PartitionImage;
  readonly log: PartitionLog;
  readonly environment: ReplicationEnvironment;
  /** From the leadership of the same leader epoch whose log `log` has taken the place of. */
  readonly legacy?: LeadershipLegacy | null;
  /** How many replicas must be in sync; see {@link Partition}. */
  readonly minInsyncReplicas: () => number;
  /** The controller has agreed to another ISR: the partition as it is from now on. */
  readonly onIsrChange: (image: PartitionImage) => void;
}

/** Kafka's RECOVERED: what a leader that serves clients is. */
const RECOVERED = 0;

/**
 * A partition's leader in one leader epoch: how far its followers are, which of them are in sync, and what is therefore
 * committed.
 *
 * While the controller is asked for another ISR, both the committed and the asked-for one count (KIP-497): nothing is
 * committed that a replica lacks which may be in either.
 */
export class Leadership {
  readonly leaderEpoch: number;
  /** Where this leader's own records begin. All below may have been acknowledged by its predecessors (KIP-207). */
  readonly epochStartOffset: number;
  readonly #options: LeadershipOptions;
  readonly #followers = new Map<number, FollowerProgress>();
  #image: PartitionImage;
  #pending: PendingIsr | null = null;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#image = options.image;
    this.leaderEpoch = options.image.leaderEpoch;
    const { legacy } = options;
    const isSameEpoch = legacy?.image.leaderEpoch === this.leaderEpoch;
    this.epochStartOffset = isSameEpoch ? legacy.epochStartOffset : options.log.logEndOffset;
    if (isSameEpoch) this.#takeFollowers(legacy);
    this.#takeReplicas();
    // The controller may have heeded the request whose answer nobody waits for any more.
    const isUnsettled = isSameEpoch && legacy.image.partitionEpoch === this.#image.partitionEpoch;
    if (isUnsettled && legacy.pending !== null) this.#propose(legacy.pending.isr);
  }

  /** The partition within this leader epoch, as the metadata has it now. What the controller was asked for is settled by it. */
  update(image: PartitionImage): void {
    this.#image = image;
    this.#pending = null;
    this.#takeReplicas();
  }

  /** The partition as this leader knows it. */
  get image(): PartitionImage {
    return this.#image;
  }

  /** Ends it: what the controller still answers is for nobody. */
  resign(): LeadershipLegacy {
    const endedMs = this.#options.environment.clock.monotonicMs();
    const pending = this.#pending;
    this.#pending = null;
    return {
      image: this.#image,
      epochStartOffset: this.epochStartOffset,
      followers: this.#followers,
      pending,
      endedMs,
    };
  }

  /** The committed ISR and, while the controller is asked for a larger one, that. */
  get maximalIsr(): readonly number[] {
    const { isr } = this.#image;
    return this.#pending === null ? isr : [...new Set([...isr, ...this.#pending.isr])];
  }

  /** Whether the controller has been asked for another ISR and has not answered. */
  get isIsrPending(): boolean {
    return this.#pending !== null;
  }

  progressOf(brokerId: number): FollowerProgress | undefined {
    return this.#followers.get(brokerId);
  }

  /** The smallest log start offset of all replicas that are alive: everything below is gone everywhere. */
  get lowWatermark(): number {
    let low = this.#options.log.logStartOffset;
    for (const [brokerId, { logStartOffset }] of this.#followers) {
      if (this.#options.environment.brokerOf(brokerId)?.fenced === false)
        low = Math.min(low, Math.max(logStartOffset, 0));
    }
    return low;
  }

  /**
   * Takes note of how far a follower has come.
   * @throws KafkaError UNKNOWN_LEADER_EPOCH or NOT_LEADER_OR_FOLLOWER for a broker that has no replica;
   * NOT_LEADER_OR_FOLLOWER for an earlier life of one; OFFSET_OUT_OF_RANGE
   */
  followerFetched(fetch: FollowerFetch): void {
    const { log, environment } = this.#options;
    const { brokerId, brokerEpoch, fetchOffset } = fetch;
    const progress = this.#followers.get(brokerId);
    if (progress === undefined) {
      // Who names this epoch may know of a reassignment that this broker does not know of yet.
      const knowsEpoch = fetch.currentLeaderEpoch >= 0;
      throw KafkaError.fromCode(knowsEpoch ? ErrorCode.UNKNOWN_LEADER_EPOCH : ErrorCode.NOT_LEADER_OR_FOLLOWER);
    }
    const known = environment.brokerOf(brokerId);
    if (brokerEpoch >= 0 && known !== undefined && known.epoch > brokerEpoch) {
      throw KafkaError.fromCode(ErrorCode.NOT_LEADER_OR_FOLLOWER, `broker ${brokerId} has been registered anew`);
    }
    if (fetchOffset < log.logStartOffset || fetchOffset > log.logEndOffset) {
      throw KafkaError.fromCode(ErrorCode.OFFSET_OUT_OF_RANGE);
    }
    progress.fetched(fetch, log.logEndOffset, environment.clock.monotonicMs());
    if (this.#mayJoinIsr(brokerId, progress)) this.#propose([...this.#image.isr, brokerId]);
  }

  /** Leaves out of the ISR who has not been caught up for too long. To be called now and then. */
  maybeShrinkIsr(): void {
    if (this.#pending !== null) return;
    const lagging = new Set(this.#image.isr.filter((brokerId) => this.#isLagging(brokerId)));
    if (lagging.size > 0) this.#propose(this.#image.isr.filter((brokerId) => !lagging.has(brokerId)));
  }

  /**
   * Up to where all replicas in sync have the log, the one that may be joining them included. While fewer are in sync than
   * `min.insync.replicas` asks for, nothing is committed (KIP-966).
   */
  committedEndOffset(): number {
    const { log, minInsyncReplicas } = this.#options;
    if (this.#followers.size === 0) return log.logEndOffset;
    if (this.#image.isr.length < minInsyncReplicas()) return log.highWatermark;
    let committed = log.logEndOffset;
    for (const [brokerId, progress] of this.#followers) {
      if (progress.logEndOffset < committed && this.#holdsBack(brokerId, progress)) {
        committed = Math.max(progress.logEndOffset, 0);
      }
    }
    return committed;
  }

  /** As Kafka: one that is about to join the ISR is waited for, or it would never get to where the rest is. */
  isAboutToJoin(brokerId: number, progress: FollowerProgress): boolean {
    const { environment, log } = this.#options;
    const nowMs = environment.clock.monotonicMs();
    return (
      progress.logEndOffset >= 0 &&
      progress.isCaughtUp(log.logEndOffset, nowMs, environment.replicaLagTimeMaxMs()) &&
      this.#isEligible(brokerId, progress)
    );
  }

  #takeFollowers({ followers, endedMs }: LeadershipLegacy): void {
    const { environment } = this.#options;
    const pausedMs = environment.clock.monotonicMs() - endedMs;
    for (const [brokerId, progress] of followers) {
      progress.passedOver(pausedMs);
      this.#followers.set(brokerId, progress);
      environment.followerExpected(brokerId);
    }
  }

  #takeReplicas(): void {
    const { environment } = this.#options;
    const { replicas, isr } = this.#image;
    for (const brokerId of this.#followers.keys()) if (!replicas.includes(brokerId)) this.#followers.delete(brokerId);
    for (const brokerId of replicas) {
      if (brokerId === environment.nodeId || this.#followers.has(brokerId)) continue;
      const nowMs = environment.clock.monotonicMs();
      this.#followers.set(brokerId, new FollowerProgress(isr.includes(brokerId) ? nowMs : null));
      environment.followerExpected(brokerId);
    }
  }

  #holdsBack(brokerId: number, progress: FollowerProgress): boolean {
    return this.maximalIsr.includes(brokerId) || this.isAboutToJoin(brokerId, progress);
  }

  #isLagging(brokerId: number): boolean {
    const { environment, log } = this.#options;
    const progress = this.#followers.get(brokerId);
    if (progress === undefined) return false;
    return !progress.isCaughtUp(log.logEndOffset, environment.clock.monotonicMs(), environment.replicaLagTimeMaxMs());
  }

  /** Only who has all that is committed, and something of this leader's own epoch or its start, is in sync. */
  #mayJoinIsr(brokerId: number, progress: FollowerProgress): boolean {
    if (this.#pending !== null || this.#image.isr.includes(brokerId)) return false;
    const { logEndOffset } = progress;
    if (logEndOffset < this.#options.log.highWatermark || logEndOffset < this.epochStartOffset) return false;
    return this.#isEligible(brokerId, progress);
  }

  /** The broker must be alive, in the very life in which it has fetched (KIP-841, KIP-903). */
  #isEligible(brokerId: number, { brokerEpoch }: FollowerProgress): boolean {
    const broker = this.#options.environment.brokerOf(brokerId);
    if (broker === undefined || broker.fenced || broker.inControlledShutdown) return false;
    return brokerEpoch < 0 || broker.epoch === brokerEpoch;
  }

  #propose(isr: readonly number[]): void {
    const pending = { isr };
    this.#pending = pending;
    void this.#settle(pending);
  }

  async #settle(pending: PendingIsr): Promise<void> {
    const { topicId, environment } = this.#options;
    const { partition, leaderEpoch, partitionEpoch } = this.#image;
    const newIsr = pending.isr.map((brokerId) => this.#memberOf(brokerId));
    const alteration = { topicId, partition, leaderEpoch, partitionEpoch, newIsr, leaderRecoveryState: RECOVERED };
    const altered = await environment.alterPartition(alteration, () => this.#pending === pending);
    if (altered !== null && this.#pending === pending) this.#answered(altered);
  }

  #memberOf(brokerId: number): IsrMember {
    const { nodeId, brokerEpoch } = this.#options.environment;
    if (brokerId === nodeId) return { brokerId, brokerEpoch: brokerEpoch() };
    return { brokerId, brokerEpoch: this.#followers.get(brokerId)?.brokerEpoch ?? -1 };
  }

  #answered({ errorCode, leaderEpoch, isr, partitionEpoch, leaderRecoveryState }: AlteredPartition): void {
    switch (errorCode) {
      case ErrorCode.NONE:
        if (leaderEpoch !== this.leaderEpoch || partitionEpoch < this.#image.partitionEpoch) return;
        this.#pending = null;
        this.#options.onIsrChange({ ...this.#image, isr, partitionEpoch, leaderRecoveryState });
        return;
      case ErrorCode.INELIGIBLE_REPLICA:
      case ErrorCode.OPERATION_NOT_ATTEMPTED:
        // Nothing has come of it, and nothing will: the committed ISR alone counts again.
        this.#pending = null;
        this.#options.onIsrChange(this.#image);
        return;
      default:
      // The metadata knows better than this leader, and will tell: until then both ISRs count.
    }
  }
}
