import { ErrorCode } from "@ottla/protocol";
import { type Disk, DiskError, type Logger, type Runtime } from "@ottla/runtime";
import type { FileCache } from "../files/file-cache.ts";
import { syncTopicId } from "../files/partition-metadata.ts";
import type { LogConfig } from "../log-config.ts";
import { AppendRejected, LogUnavailable, logOffline, offlineMessage } from "../log-errors.ts";
import type { BufferPool } from "../memory/buffer-pool.ts";
import { Tail, type TailMemory } from "../memory/tail.ts";
import type { ReadLimit } from "../partition-log.ts";
import { ProducerState } from "../producers/producer-state.ts";
import type { SnapshotFiles } from "../producers/snapshot-files.ts";
import { SegmentList } from "../segments/segment-list.ts";
import { isTransient } from "./disk-failure.ts";
import type { LeaderEpochs } from "./leader-epochs.ts";

/** What all logs of a log directory share. */
export interface LogEnvironment {
  readonly disk: Disk;
  readonly runtime: Runtime;
  readonly files: FileCache;
  readonly pool: BufferPool;
  readonly tailMemory: TailMemory;
  /** Called when what was written to a log was brought to disk. */
  flushed(elapsedMs: number): void;
  /** Makes the names of logs durable in the log directory. */
  syncLogNames(): Promise<void>;
  /** Called when the disk failed for good where a log lies: none of the directory's logs can be trusted any more. */
  diskFailed(error: DiskError): void;
  /** Moves a log's recovery point back on disk: the checkpoint must not promise more than is true. */
  lowerRecoveryPoint(identity: LogIdentity, offset: number): Promise<void>;
  /** Called for bytes of batches that were read and checked after an unclean stop. */
  recovered(sizeBytes: number): void;
  /** Called after records were deleted by request: a crash must not bring them back. */
  logStartAdvanced(): Promise<void>;
}

/** Where a log is, and whose it is. */
export interface LogIdentity {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  readonly directory: string;
}

/**
 * The state of one partition's log, shared by the parts that append, read, flush and truncate.
 * Invariant: logStartOffset <= lastStableOffset <= highWatermark <= logEndOffset, and recoveryPoint <= logEndOffset.
 */
export class LogState {
  readonly env: LogEnvironment;
  identity: LogIdentity;
  readonly logger: Logger;
  readonly segments = new SegmentList([]);
  readonly producers = new ProducerState();
  readonly epochs: LeaderEpochs;
  readonly snapshots: SnapshotFiles;
  readonly tail: Tail;
  config: LogConfig;
  logStartOffset = 0;
  logEndOffset = 0;
  /** Everything below it is synced, with its indexes, and need not be looked at after a crash. */
  recoveryPoint = 0;
  /** Compaction has been here: everything below it has been compacted once. */
  cleanedEndOffset = 0;
  isClosed = false;
  /** Counts changes of names in the log's directory, and those of them that no crash takes back. */
  #namesVersion = 0;
  #syncedNamesVersion = 0;
  #isIdentityUnsynced = false;
  #highWatermark = 0;
  #failure: DiskError | null = null;
  readonly #listeners = new Set<() => void>();

  constructor(
    env: LogEnvironment,
    identity: LogIdentity,
    config: LogConfig,
    parts: { readonly epochs: LeaderEpochs; readonly snapshots: SnapshotFiles },
  ) {
    this.env = env;
    this.identity = identity;
    this.config = config;
    this.epochs = parts.epochs;
    this.snapshots = parts.snapshots;
    this.tail = new Tail(env.tailMemory);
    this.logger = env.runtime.logger.child({ topic: identity.topic, partition: identity.partition });
  }

  get highWatermark(): number {
    return this.#highWatermark;
  }

  get lastStableOffset(): number {
    const unstable = this.producers.firstUnstableOffset;
    if (unstable === null || unstable >= this.#highWatermark) return this.#highWatermark;
    return Math.max(unstable, this.logStartOffset);
  }

  get failure(): DiskError | null {
    return this.#failure;
  }

  /** True while a crash of the operating system may take back whose log this is, and that it is there at all. */
  get isIdentityUnsynced(): boolean {
    return this.#isIdentityUnsynced;
  }

  /** True while names in the log's directory may be lost in a crash of the operating system. */
  get namesUnsynced(): boolean {
    return this.#syncedNamesVersion < this.#namesVersion;
  }

  /** A name was made in the log's directory, or one that a killed process made was found there. */
  namesChanged(): void {
    this.#namesVersion++;
  }

  /**
   * The log was made, or was found and nobody knows that it was ever synced: its topic id and the name of its directory are
   * synced with the first names in it. So nothing of a log that was never synced is trusted after a power cut, but that costs no log that is made two syncs.
   */
  identityUnsynced(): void {
    this.#isIdentityUnsynced = true;
    this.namesChanged();
  }

  /** As {@link namesChanged}, of a name that must not be lost from here on. */
  async nameMade(): Promise<void> {
    this.namesChanged();
    await this.syncNames();
  }

  /** Makes durable what names there are now. Those that are made meanwhile, or whose sync fails, are left for the next. */
  async syncNames(): Promise<void> {
    if (!this.namesUnsynced) return;
    const version = this.#namesVersion;
    const { disk } = this.env;
    const { directory } = this.identity;
    if (this.#isIdentityUnsynced) await syncTopicId(disk, directory);
    await disk.syncDirectory(directory);
    if (this.#isIdentityUnsynced) await this.env.syncLogNames();
    this.#isIdentityUnsynced = false;
    this.#syncedNamesVersion = version;
  }

  limitOffset(limit: ReadLimit): number {
    if (limit === "logEnd") return this.logEndOffset;
    return limit === "highWatermark" ? this.#highWatermark : this.lastStableOffset;
  }

  /** Sets the high watermark to the nearest offset that the log has. */
  setHighWatermark(offset: number): void {
    const bounded = Math.max(this.logStartOffset, Math.min(offset, this.logEndOffset));
    if (bounded === this.#highWatermark) return;
    this.#highWatermark = bounded;
    this.producers.highWatermarkMoved(bounded);
    this.notify();
  }

  /** Moves the log end, and what may not lie beyond it. */
  setLogEndOffset(offset: number): void {
    this.logEndOffset = offset;
    this.recoveryPoint = Math.min(this.recoveryPoint, offset);
    this.cleanedEndOffset = Math.min(this.cleanedEndOffset, offset);
    this.logStartOffset = Math.min(this.logStartOffset, offset);
    this.setHighWatermark(this.#highWatermark);
    this.notify();
  }

  /** Takes the log offline, and with it all others of its directory: the disk cannot be trusted any more. */
  fail(error: DiskError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#shielded(() => this.env.diskFailed(error));
    this.notify();
  }

  checkAppendable(): void {
    if (this.isClosed) throw new AppendRejected(ErrorCode.NOT_LEADER_OR_FOLLOWER, this.#closedMessage());
    if (this.#failure !== null) throw new AppendRejected(ErrorCode.KAFKA_STORAGE_ERROR, offlineMessage(this.#failure));
  }

  checkOpen(): void {
    if (this.isClosed) throw new LogUnavailable(ErrorCode.NOT_LEADER_OR_FOLLOWER, this.#closedMessage());
    if (this.#failure !== null) throw logOffline(this.#failure);
  }

  /** Runs what reads files. What the disk cannot give back takes the log offline. */
  reading<T>(action: () => Promise<T>): Promise<T> {
    return this.failingBy((error) => error.code === "IO", action);
  }

  /** Runs what changes files. A failure that will not pass takes the log offline. */
  changing<T>(action: () => Promise<T>): Promise<T> {
    return this.failingBy((error) => !isTransient(error), action);
  }

  /** Runs `action`; a failure of the disk for which `isFatal` holds takes the log offline. */
  async failingBy<T>(isFatal: (error: DiskError) => boolean, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof DiskError && isFatal(error) && !this.isClosed) this.fail(error);
      throw error;
    }
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  notify(): void {
    for (const listener of this.#listeners) this.#shielded(listener);
  }

  /** A fault of those who listen must not be taken for one of the disk. */
  #shielded(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.logger.error("a listener of the log failed", { error: String(error) });
    }
  }

  #closedMessage(): string {
    return `the log of ${this.identity.topic}-${this.identity.partition} has been closed`;
  }
}
