import { ErrorCode, type FetchResponsePartition, KafkaError } from "@ottla/protocol";
import type { Runtime } from "@ottla/runtime";
import type { PartitionLog } from "@ottla/storage";
import type { Partition } from "../partition/partition.ts";
import { fetchKey, isSameFetch, type PartitionFetch } from "./replica-fetch-session.ts";
import { truncationOffset } from "./truncation.ts";

/** Where a leader's log begins and ends. */
export interface LeaderLogRange {
  readonly startOffset: number;
  readonly endOffset: number;
}

/** The first wait after an error; each further one is twice as long. */
const BACKOFF_INITIAL_MS = 20;

/** One partition that this broker follows, in one leader epoch. */
export class Replica {
  readonly partition: Partition;
  readonly leaderEpoch: number;
  /** See {@link fetchKey}. */
  readonly key: string;
  readonly #runtime: Pick<Runtime, "clock" | "logger">;
  /** What it has asked for last. */
  #asked: PartitionFetch | null = null;
  #leaderHighWatermark = 0;
  #failures = 0;
  #notBeforeMs = 0;
  #isFenced = false;
  #isStopped = false;
  /** Whether batches are on their way to the file. */
  #isAppending = false;
  /** Whatever is being done to the log. Never rejects. */
  #work: Promise<void> = Promise.resolve();

  constructor(partition: Partition, runtime: Pick<Runtime, "clock" | "logger">) {
    this.partition = partition;
    this.leaderEpoch = partition.leaderEpoch;
    this.key = fetchKey(partition.topicId, partition.partition);
    this.#runtime = runtime;
  }

  get #log(): PartitionLog {
    return this.partition.log;
  }

  /** Committed records that it lacks, as far as its leader has told. */
  get lag(): number {
    return Math.max(0, this.#leaderHighWatermark - this.#log.logEndOffset);
  }

  /** When it may be fetched next, on the monotonic clock; infinite where only another leader epoch can help. */
  get notBeforeMs(): number {
    return this.#isFenced ? Number.POSITIVE_INFINITY : this.#notBeforeMs;
  }

  /**
   * Whether more may be fetched while what came is on its way to the file. A leader takes a fetch offset for what the
   * follower has; but below its high watermark that moves nothing: neither does it commit a record, nor is whoever is
   * there taken into the ISR.
   */
  get mayFetchAhead(): boolean {
    return this.#isAppending && !this.#isStopped && this.#log.nextOffset < this.#leaderHighWatermark;
  }

  /** What is known of the leader's high watermark holds for one life of the leader. */
  reconnected(): void {
    this.#leaderHighWatermark = 0;
  }

  /** What to ask the leader for: all from the log's end on. As long as that stays the same, so does the object. */
  fetch(partitionMaxBytes: number): PartitionFetch {
    const fetch = this.#nextFetch(partitionMaxBytes);
    if (this.#asked === null || !isSameFetch(this.#asked, fetch)) this.#asked = fetch;
    return this.#asked;
  }

  #nextFetch(partitionMaxBytes: number): PartitionFetch {
    const { key, leaderEpoch: currentLeaderEpoch } = this;
    const { topicId, partition } = this.partition;
    const { logEndOffset, nextOffset, latestLeaderEpoch: lastFetchedEpoch, logStartOffset } = this.#log;
    const fetchOffset = this.mayFetchAhead ? nextOffset : logEndOffset;
    return {
      key,
      topicId,
      partition,
      currentLeaderEpoch,
      fetchOffset,
      lastFetchedEpoch,
      logStartOffset,
      partitionMaxBytes,
    };
  }

  /** Follows no more. Resolves when nothing is being done to the log. */
  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#work;
  }

  /**
   * Takes what the leader has answered to a fetch from `fetchOffset`. Never rejects.
   * @param leaderRange asks where the leader's log begins and ends
   */
  answered(
    fetchOffset: number,
    answer: FetchResponsePartition,
    backoffMaxMs: number,
    leaderRange: () => Promise<LeaderLogRange>,
  ): Promise<void> {
    return this.#take(fetchOffset, answer, leaderRange).then(
      () => {
        this.#failures = 0;
      },
      (error: unknown) => this.failed(error, backoffMaxMs),
    );
  }

  /** Puts the next fetch off, the longer the more often it has failed. */
  failed(error: unknown, backoffMaxMs: number): void {
    if (this.#isStopped) return;
    const errno = error instanceof KafkaError ? error.errno : ErrorCode.UNKNOWN_SERVER_ERROR;
    this.#isFenced = errno === ErrorCode.FENCED_LEADER_EPOCH;
    const waitMs = Math.min(BACKOFF_INITIAL_MS * 2 ** this.#failures, backoffMaxMs);
    this.#notBeforeMs = this.#runtime.clock.monotonicMs() + waitMs;
    const { topic, partition, leaderId } = this.partition;
    const fields = { topic, partition, leader: leaderId, leaderEpoch: this.leaderEpoch, err: error };
    if (error instanceof KafkaError)
      this.#runtime.logger.debug("a partition cannot be fetched from its leader", fields);
    else if (this.#failures === 0) this.#runtime.logger.error("what a leader has sent cannot be appended", fields);
    this.#failures++;
  }

  /** Nobody who stops this waits for the leader's answers, but for what is being done to the log. */
  #doToLog(action: () => Promise<void>): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    const work = action();
    this.#work = work.catch(() => {});
    return work;
  }

  async #take(
    fetchOffset: number,
    answer: FetchResponsePartition,
    leaderRange: () => Promise<LeaderLogRange>,
  ): Promise<void> {
    switch (answer.errorCode) {
      case ErrorCode.NONE:
        this.#leaderHighWatermark = answer.highWatermark;
        return await this.#doToLog(() => this.#append(fetchOffset, answer));
      case ErrorCode.OFFSET_OUT_OF_RANGE: {
        const range = await leaderRange();
        return await this.#doToLog(() => this.#enterRange(range));
      }
      default:
        throw KafkaError.fromCode(answer.errorCode);
    }
  }

  async #append(fetchOffset: number, answer: FetchResponsePartition): Promise<void> {
    // The log has changed since it was asked for: the next fetch asks for what is missing now.
    if (this.#log.nextOffset !== fetchOffset) return;
    const { epoch, endOffset } = answer.divergingEpoch;
    if (epoch >= 0 || endOffset >= 0)
      return await this.#truncate(truncationOffset(this.#log, { leaderEpoch: epoch, endOffset }));
    const { records } = answer;
    if (records !== null && records.length > 0) await this.#write(records);
    if (this.#isStopped) return;
    this.partition.followerHighWatermark(answer.highWatermark);
    await this.#advanceStart(answer.logStartOffset);
  }

  async #write(batches: Uint8Array): Promise<void> {
    const { written } = this.partition.appendAsFollower(batches);
    this.#isAppending = true;
    try {
      await written;
    } finally {
      this.#isAppending = false;
    }
  }

  /** What the leader has deleted is deleted here, as far as it is known to be committed. */
  async #advanceStart(leaderStartOffset: number): Promise<void> {
    const { logStartOffset, highWatermark } = this.#log;
    const offset = Math.min(leaderStartOffset, highWatermark);
    if (offset > logStartOffset) await this.#log.advanceLogStartOffset(offset);
  }

  /**
   * The leader does not have the offset at which this log ends: it lost its own end in an unclean election, or deleted
   * what this follower is missing, which then starts anew.
   */
  async #enterRange({ startOffset, endOffset }: LeaderLogRange): Promise<void> {
    const { logEndOffset } = this.#log;
    if (endOffset < logEndOffset) await this.#truncate(endOffset);
    else if (startOffset > logEndOffset) await this.#startAnew(startOffset);
  }

  async #startAnew(offset: number): Promise<void> {
    const { topic, partition } = this.partition;
    this.#runtime.logger.info("a replica starts anew where its leader's log begins", { topic, partition, offset });
    await this.#log.truncateFullyAndStartAt(offset);
  }

  async #truncate(offset: number): Promise<void> {
    const { topic, partition } = this.partition;
    const { logEndOffset, highWatermark } = this.#log;
    const fields = { topic, partition, offset, logEndOffset, highWatermark, leaderEpoch: this.leaderEpoch };
    if (offset < highWatermark) this.#runtime.logger.warn("a replica is cut below its high watermark", fields);
    else this.#runtime.logger.info("a replica is cut back to where it agrees with its leader", fields);
    await this.#log.truncateTo(offset);
  }
}
