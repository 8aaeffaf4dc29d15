import {
  baseOffsetAt,
  batchSizeAt,
  NO_PRODUCER_ID,
  partitionLeaderEpochAt,
  producerIdAt,
} from "@ottla/protocol/internal";
import type { DiskError } from "@ottla/runtime";
import { adoptTopicId } from "../files/partition-metadata.ts";
import type { LogConfig } from "../log-config.ts";
import { OffsetOutOfRange } from "../log-errors.ts";
import type {
  EpochEndOffset,
  LeaderAppendOptions,
  LogAppend,
  LogRead,
  LogReadOptions,
  PartitionLog,
  ProducerDescription,
  ReadLimit,
  TimestampAndOffset,
} from "../partition-log.ts";
import { describeProducer, type ProducerBatch } from "../producers/producer-entry.ts";
import { checkFollowerBatches, checkLeaderBatches } from "./append-check.ts";
import { AppendQueue, type QueuedAppend } from "./append-queue.ts";
import { checkFollowerOffsets, placeFollowerBatches, placeLeaderBatches } from "./leader-append.ts";
import { LogCompactor } from "./log-compactor.ts";
import { readLog } from "./log-reader.ts";
import type { LogState } from "./log-state.ts";
import { LogSyncer } from "./log-syncer.ts";
import { restartLog, truncateLog } from "./log-truncator.ts";
import { expiredSegments } from "./retention.ts";
import { SegmentDeleter } from "./segment-deleter.ts";
import { findByTimestamp, findMaxTimestamp } from "./time-lookup.ts";

const NO_TIMESTAMP = -1;

/** A {@link PartitionLog} of segment files behind the disk port. */
export class SegmentedLog implements PartitionLog {
  readonly #state: LogState;
  readonly #syncer: LogSyncer;
  readonly #queue: AppendQueue;
  readonly #deleter: SegmentDeleter;
  /** @internal */
  readonly compactor: LogCompactor;

  constructor(state: LogState) {
    this.#state = state;
    this.#syncer = new LogSyncer(state);
    this.#queue = new AppendQueue(state, this.#syncer);
    this.#syncer.attach(this.#queue);
    this.#deleter = new SegmentDeleter(state);
    this.compactor = new LogCompactor(state, this.#syncer, this.#deleter);
  }

  get topic(): string {
    return this.#state.identity.topic;
  }

  get partition(): number {
    return this.#state.identity.partition;
  }

  get topicId(): string {
    return this.#state.identity.topicId;
  }

  get logStartOffset(): number {
    return this.#state.logStartOffset;
  }

  /**
   * @internal True if the log start offset has to be written down: records before it are still in the first segment, or
   * in one that a power cut may bring back.
   */
  get needsStartCheckpoint(): boolean {
    const { logStartOffset, namesUnsynced, segments } = this.#state;
    return logStartOffset > segments.first.baseOffset || (namesUnsynced && logStartOffset > 0);
  }

  get logEndOffset(): number {
    return this.#state.logEndOffset;
  }

  get highWatermark(): number {
    return this.#state.highWatermark;
  }

  get lastStableOffset(): number {
    return this.#state.lastStableOffset;
  }

  /** @internal Everything below has been compacted; 0 where nothing has. */
  get cleanedEndOffset(): number {
    return this.#state.cleanedEndOffset;
  }

  get recoveryPoint(): number {
    return this.#state.recoveryPoint;
  }

  get nextOffset() {
    return this.#queue.nextOffset;
  }

  get latestLeaderEpoch(): number {
    return this.#state.epochs.latest;
  }

  get sizeBytes(): number {
    return this.#state.segments.sizeBytes;
  }

  get isOffline(): boolean {
    return this.#state.failure !== null;
  }

  /** @internal Its directory has failed. */
  goOffline(error: DiskError): void {
    this.#state.fail(error);
  }

  /** @internal The directory that holds the log's files. */
  get directory(): string {
    return this.#state.identity.directory;
  }

  /** @internal */
  get segmentCount(): number {
    return this.#state.segments.all.length;
  }

  get config(): LogConfig {
    return this.#state.config;
  }

  appendAsLeader(batches: Uint8Array, options: LeaderAppendOptions): LogAppend {
    const state = this.#state;
    state.checkAppendable();
    const nowMs = state.env.runtime.clock.nowMs();
    checkLeaderBatches(batches, options.origin, state.config, nowMs);
    const duplicate = options.origin === "client" ? this.#findDuplicate(batches) : undefined;
    if (duplicate !== undefined) return this.#duplicateAppend(duplicate);
    const append = placeLeaderBatches(state, batches, this.#queue.nextOffset, options, nowMs);
    if (options.leaderEpoch > state.epochs.latest) state.epochs.assign(options.leaderEpoch, append.baseOffset);
    const isStamped = state.config.messageTimestampType === "LogAppendTime";
    return this.#enqueue(append, nowMs, isStamped ? nowMs : NO_TIMESTAMP);
  }

  appendAsFollower(batches: Uint8Array): LogAppend {
    const state = this.#state;
    state.checkAppendable();
    checkFollowerBatches(batches);
    checkFollowerOffsets(batches, this.#queue.nextOffset);
    const nowMs = state.env.runtime.clock.nowMs();
    const append = placeFollowerBatches(state, batches, baseOffsetAt(batches, 0), nowMs);
    for (let position = 0; position < batches.length; position += batchSizeAt(batches, position)) {
      const epoch = partitionLeaderEpochAt(batches, position);
      // What this replica took for the beginning of a later epoch, before it lost the records up to that, is none.
      if (epoch >= 0 && epoch !== state.epochs.latest) state.epochs.assign(epoch, baseOffsetAt(batches, position));
    }
    return this.#enqueue(append, nowMs, NO_TIMESTAMP);
  }

  read(offset: number, options: LogReadOptions): LogRead | Promise<LogRead> {
    const read = readLog(this.#state, offset, options);
    return read instanceof Promise ? this.#state.reading(() => read) : read;
  }

  offsetForTimestamp(timestampMs: number, limit: ReadLimit): Promise<TimestampAndOffset | null> {
    return this.#state.reading(() => findByTimestamp(this.#state, timestampMs, limit));
  }

  offsetForMaxTimestamp(): Promise<TimestampAndOffset | null> {
    return this.#state.reading(() => findMaxTimestamp(this.#state));
  }

  endOffsetForEpoch(leaderEpoch: number): EpochEndOffset | null {
    return this.#state.epochs.endOffsetFor(leaderEpoch, this.#state.logEndOffset);
  }

  epochForOffset(offset: number): number {
    return this.#state.epochs.epochFor(offset);
  }

  producers(): ProducerDescription[] {
    return Array.from(this.#state.producers.entries.values(), describeProducer);
  }

  hasOpenTransaction(producerId: number, producerEpoch: number): boolean {
    return this.#state.producers.hasOpenTransaction(producerId, producerEpoch);
  }

  setHighWatermark(offset: number): void {
    this.#state.setHighWatermark(offset);
  }

  async advanceLogStartOffset(offset: number): Promise<void> {
    this.#state.checkOpen();
    await this.#state.changing(() => this.#syncer.runExclusively(() => this.#moveLogStart(offset)));
  }

  async truncateTo(offset: number): Promise<void> {
    await this.#whileQuiet(() => truncateLog(this.#state, this.#deleter, offset));
  }

  async truncateFullyAndStartAt(offset: number): Promise<void> {
    await this.#whileQuiet(() => restartLog(this.#state, this.#deleter, offset));
  }

  async assignLeaderEpoch(leaderEpoch: number): Promise<void> {
    this.#state.checkOpen();
    const { epochs, logStartOffset } = this.#state;
    const isFirstOfEmptyLog = epochs.latest < 0 && this.#queue.nextOffset === logStartOffset;
    epochs.assign(leaderEpoch, this.#queue.nextOffset);
    // It tells nothing apart yet, and the batches to come name it: the first flush is early enough.
    if (isFirstOfEmptyLog) return;
    await this.#state.changing(() => this.#syncer.runExclusively(() => this.#syncer.saveEpochs()));
  }

  updateConfig(config: LogConfig): void {
    this.#state.config = config;
  }

  settled(): Promise<void> {
    return this.#queue.settled.catch(() => {});
  }

  flush(): Promise<void> {
    return this.#syncer.flush();
  }

  async close(): Promise<void> {
    if (this.#state.isClosed) return;
    this.#state.isClosed = true;
    await this.compactor.stop();
    try {
      await this.#queue.settled.catch(() => {});
      if (this.#state.failure === null) await this.#closeFiles();
    } finally {
      await this.#release();
    }
  }

  /** @internal See {@link LogState.isIdentityUnsynced}. */
  get isIdentityUnsynced(): boolean {
    return this.#state.isIdentityUnsynced;
  }

  /** @internal Says whose it is: it was found without a topic id. As Kafka's, it has one from then on. */
  async adopt(topicId: string): Promise<void> {
    const state = this.#state;
    await state.changing(() => adoptTopicId(state.env.disk, state.identity.directory, topicId));
    state.identity = { ...state.identity, topicId };
  }

  /** @internal Stops all activity and lets go of all files without writing anything: the log is to be deleted. */
  async abandon(): Promise<void> {
    this.#state.isClosed = true;
    await this.compactor.stop();
    await this.#queue.settled.catch(() => {});
    await this.#syncer.runExclusively(() => this.#release());
  }

  onAdvance(listener: () => void): () => void {
    return this.#state.subscribe(listener);
  }

  /** @internal Deletes what retention says may go. Returns how many segments went. */
  async deleteExpired(): Promise<number> {
    // A compaction that runs makes the log smaller anyway: what has expired goes when it is done.
    if (this.#state.isClosed || this.#state.failure !== null || this.compactor.isRunning) return 0;
    return await this.compactor.whileHeld(() =>
      this.#syncer.runExclusively(() => this.#state.changing(() => this.#deleteExpired())),
    );
  }

  /** @internal Forgets idempotent producers that were silent since `sinceMs`, or longer. */
  expireProducers(sinceMs: number): void {
    this.#state.producers.expire(sinceMs);
  }

  #findDuplicate(batches: Uint8Array): ProducerBatch | undefined {
    if (producerIdAt(batches, 0) <= NO_PRODUCER_ID) return undefined;
    return this.#state.producers.findDuplicate(batches, 0);
  }

  #duplicateAppend(duplicate: ProducerBatch): LogAppend {
    return {
      baseOffset: duplicate.firstOffset,
      lastOffset: duplicate.lastOffset,
      // As Kafka, also where the producer has set it.
      logAppendTimeMs: duplicate.timestampMs,
      logStartOffset: this.#state.logStartOffset,
      isDuplicate: true,
      // The first one may still be on its way to the disk.
      written: this.#queue.settled,
    };
  }

  #enqueue(append: QueuedAppend, nowMs: number, logAppendTimeMs: number): LogAppend {
    const written = this.#queue.enqueue(append, nowMs);
    return {
      baseOffset: append.baseOffset,
      lastOffset: append.lastOffset,
      logAppendTimeMs,
      logStartOffset: this.#state.logStartOffset,
      isDuplicate: false,
      written,
    };
  }

  async #moveLogStart(offset: number): Promise<void> {
    const state = this.#state;
    if (offset <= state.logStartOffset) return;
    if (offset > state.highWatermark) throw new OffsetOutOfRange(offset, state.logStartOffset, state.highWatermark);
    const before = state.logStartOffset;
    state.logStartOffset = offset;
    try {
      // A log that a power cut can take would begin anew, and with its first offset.
      if (state.namesUnsynced) await this.#syncer.syncData();
      // The start first: epochs of records that a crash might bring back must still be known then.
      await state.env.logStartAdvanced();
    } catch (error) {
      // Whoever asks again must not be told that it is done.
      if (state.logStartOffset === offset) state.logStartOffset = before;
      throw error;
    }
    state.epochs.truncateFromStart(offset);
    await this.#syncer.saveEpochs();
    state.notify();
  }

  /** Runs `action` while nothing is written or flushed; what was appended before has been written. */
  async #whileQuiet(action: () => Promise<void>): Promise<void> {
    this.#state.checkOpen();
    await this.compactor.whileHeld(async () => {
      await this.compactor.stop();
      await this.#syncer.runExclusively(async () => {
        await this.#queue.settled.catch(() => {});
        await this.#state.changing(() => this.#queue.runExclusively(action));
        this.#queue.reset();
        this.#syncer.truncated();
        await this.#syncer.saveEpochs();
      });
    });
  }

  async #deleteExpired(): Promise<number> {
    const state = this.#state;
    const expired = await expiredSegments(state, state.env.runtime.clock.nowMs());
    if (expired.includes(state.segments.active)) await this.#queue.roll();
    const closed = expired.filter((segment) => segment !== state.segments.active);
    if (closed.length === 0) return 0;
    await this.#deleter.delete(closed);
    state.logStartOffset = Math.max(state.logStartOffset, state.segments.first.baseOffset);
    // Not to the log start: where its checkpoint could not be written, a crash brings back what lies below.
    state.epochs.truncateFromStart(state.segments.first.baseOffset);
    await this.#syncer.saveEpochs();
    state.notify();
    state.logger.info("segments expired", { segments: closed.length, logStartOffset: state.logStartOffset });
    return closed.length;
  }

  async #closeFiles(): Promise<void> {
    await this.#queue.cutTail();
    await this.#state.segments.active.finishIndexes();
    await this.#syncer.flush();
  }

  async #release(): Promise<void> {
    this.#syncer.close();
    this.#deleter.close();
    this.#state.tail.clear();
    for (const segment of this.#state.segments.all) await segment.close();
  }
}
