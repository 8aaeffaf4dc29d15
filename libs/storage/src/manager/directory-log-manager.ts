import { ZERO_UUID } from "@ottla/protocol";
import { type Disk, type DiskEntry, DiskError, type DiskLock, type Runtime, type Timer } from "@ottla/runtime";
import { cleanLog } from "../compaction/clean-log.ts";
import type { CompactionExecutor } from "../compaction/compaction-job.ts";
import { CLEANER_DEFAULTS, LogCleaner } from "../compaction/log-cleaner.ts";
import { NO_BROKER_EPOCH, takeCleanShutdownMark, writeCleanShutdownMark } from "../files/clean-shutdown.ts";
import { FileCache } from "../files/file-cache.ts";
import {
  deletedDirectoryName,
  futureDirectoryName,
  isDeletedDirectoryName,
  isStrayDirectoryName,
  joinPath,
  LOG_SUFFIX,
  offsetOfFileName,
  PARTITION_METADATA,
  parseFutureDirectoryName,
  parsePartitionDirectoryName,
  partitionDirectoryName,
  strayDirectoryName,
} from "../files/names.ts";
import { readTopicId, readUnsyncedTopicId, writeTopicId } from "../files/partition-metadata.ts";
import { AsyncMutex } from "../log/async-mutex.ts";
import { isFailedSync, isOfDisk } from "../log/disk-failure.ts";
import { type LoadHints, loadLog } from "../log/log-loader.ts";
import type { LogEnvironment, LogIdentity } from "../log/log-state.ts";
import { SegmentedLog } from "../log/segmented-log.ts";
import { SharedRun } from "../log/shared-run.ts";
import { defaultLogConfig, type LogConfig } from "../log-config.ts";
import { InconsistentTopicId, logOffline } from "../log-errors.ts";
import type { LogManager, LogResources } from "../log-manager.ts";
import { LogMemory } from "../memory/log-memory.ts";
import { Checkpoints } from "./checkpoints.ts";
import { everySecond } from "./every-second.ts";
import type { LogManagerOptions } from "./open-log-manager.ts";
import { runLimited } from "./run-limited.ts";

type Defaulted =
  | "maxOpenFiles"
  | "tailMemoryBytes"
  | "readBufferBytes"
  | "recoveryParallelism"
  | "checkpointIntervalMs"
  | "highWatermarkCheckpointIntervalMs"
  | "retentionCheckIntervalMs"
  | "producerIdExpirationMs"
  | "producerIdExpirationCheckIntervalMs";

const DEFAULTS: Required<Pick<LogManagerOptions, Defaulted>> = {
  maxOpenFiles: 1000,
  tailMemoryBytes: 64 * 1024 ** 2,
  readBufferBytes: 16 * 1024 ** 2,
  recoveryParallelism: () => 2,
  checkpointIntervalMs: 60_000,
  highWatermarkCheckpointIntervalMs: 5_000,
  retentionCheckIntervalMs: 300_000,
  producerIdExpirationMs: () => 86_400_000,
  producerIdExpirationCheckIntervalMs: 600_000,
};

/** Logs that are opened at a time where nothing has to be recovered: then it is a matter of the file system's answers. */
const OPENED_AT_ONCE = 8;
/** Why a log is kept that nobody asked to delete. */
const WITHOUT_PARTITION = "that the metadata have no partition for";
/** A line of a log is no place for a list of thousands. */
const STRAYS_NAMED_MAX = 5;

export class DirectoryLogManager implements LogManager {
  readonly #options: LogManagerOptions & typeof DEFAULTS;
  readonly #disk: Disk;
  readonly #runtime: Runtime;
  readonly #lock: DiskLock;
  readonly #env: LogEnvironment;
  readonly #checkpoints: Checkpoints;
  readonly #logs = new Map<string, SegmentedLog>();
  /** Logs that are to take the place of those in other directories. No task of this directory's looks at them. */
  readonly #futures = new Map<string, SegmentedLog>();
  /** Partitions whose log is being opened or deleted. */
  readonly #mutexes = new Map<string, AsyncMutex>();
  readonly #timers = new Set<Timer>();
  /** Syncs the names of logs: those that are synced first, or deleted, at the same time share one. */
  readonly #namesSync: SharedRun;
  /** Directories of deleted logs go one at a time: thousands at once would keep the disk from everybody else. */
  readonly #removals = new AsyncMutex();
  readonly #cleaner: LogCleaner | null;
  #wasCleanStop = false;
  #recoveredBytes = 0;
  #isClosed = false;
  #failure: DiskError | null = null;

  constructor(options: LogManagerOptions, lock: DiskLock) {
    this.#options = { ...DEFAULTS, ...withoutUndefined(options) };
    this.#disk = options.disk;
    this.#runtime = options.runtime;
    this.#lock = lock;
    this.#checkpoints = new Checkpoints(options.disk, options.directory);
    this.#namesSync = new SharedRun(() => this.#syncNames());
    const memory = options.memory ?? new LogMemory(this.#options);
    this.#env = {
      disk: options.disk,
      runtime: options.runtime,
      files: new FileCache(options.disk, this.#options.maxOpenFiles),
      pool: memory.readBuffers,
      tailMemory: memory.tails,
      syncLogNames: () => this.#namesSync.run(),
      flushed: (elapsedMs) => options.observer?.flushed(elapsedMs),
      diskFailed: (error) => this.#diskFailed(error),
      lowerRecoveryPoint: ({ topic, partition }, offset) =>
        this.#checkpoints.lowerRecoveryPoint(topic, partition, offset),
      recovered: (sizeBytes) => {
        this.#recoveredBytes += sizeBytes;
      },
      logStartAdvanced: () => this.#checkpoints.save("logStartOffset", this.#logs.values()),
    };
    this.#cleaner = options.cleaner === null ? null : this.#createCleaner(options);
  }

  #createCleaner({ disk, runtime, cleaner, compactionExecutor, observer }: LogManagerOptions): LogCleaner {
    const inThisThread: CompactionExecutor = (job, swap, signal) => cleanLog(disk, runtime, job, swap, signal);
    return new LogCleaner(
      () => ({ ...CLEANER_DEFAULTS, ...withoutUndefined(cleaner?.() ?? {}) }),
      runtime,
      () => this.#logs.values(),
      compactionExecutor ?? inThisThread,
      () => this.#checkpoints.save("cleanedEndOffset", this.#logs.values()),
      observer,
    );
  }

  /** @internal Compacts the dirtiest log now; false where none needs it. */
  async compactDirtiest(): Promise<boolean> {
    return (await this.#cleaner?.cleanDirtiest()) ?? false;
  }

  /** @internal Whether the log's compaction has failed. */
  isUncleanable(log: SegmentedLog): boolean {
    return this.#cleaner?.isUncleanable(log) ?? false;
  }

  /** @internal Opens what the directory holds. */
  async start(): Promise<void> {
    const { directory, recoveryParallelism } = this.#options;
    const isCleanStop = await takeCleanShutdownMark(this.#disk, directory);
    const atOnce = isCleanStop ? OPENED_AT_ONCE : recoveryParallelism();
    await this.#checkpoints.load();
    const directories = (await this.#disk.list(directory)).filter((entry) => entry.isDirectory);
    // A killed process may have left names that no power cut would: a deleted log's must not come back.
    if (!isCleanStop) await this.#disk.syncDirectory(directory);
    this.#wasCleanStop = isCleanStop;
    this.#tellStrays(directories);
    const startedMs = this.#runtime.clock.monotonicMs();
    const progress = everySecond(this.#runtime, () => {
      this.#runtime.logger.info(
        `${isCleanStop ? "opening" : "recovering"} logs: ${this.#progress(directories.length)}`,
      );
    });
    try {
      for (const some of this.#inOrder(directories)) {
        await runLimited(some, atOnce, ({ name }) => this.#openFound(name, isCleanStop));
      }
    } catch (error) {
      await Promise.all(Array.from(this.#all(), (log) => log.abandon()));
      throw error;
    } finally {
      progress.cancel();
    }
    this.#runtime.logger.info("log directory opened", {
      directory,
      logs: this.#logs.size,
      cleanStop: isCleanStop,
      elapsedMs: Math.round(this.#runtime.clock.monotonicMs() - startedMs),
    });
    this.#startTasks();
  }

  /** They take room on the disk until somebody has looked at them. */
  #tellStrays(directories: readonly DiskEntry[]): void {
    const strays = directories.map(({ name }) => name).filter(isStrayDirectoryName);
    if (strays.length === 0) return;
    const { directory } = this.#options;
    const examples = strays.sort().slice(0, STRAYS_NAMED_MAX);
    this.#runtime.logger.warn("logs that the metadata had no partition for are still here; delete what nobody needs", {
      directory,
      strays: strays.length,
      examples,
    });
  }

  /** What is opened one after the other: the configurations of the second may depend on the first. */
  #inOrder(directories: readonly DiskEntry[]): DiskEntry[][] {
    const { openedFirst } = this.#options;
    const isFirst = ({ name }: DiskEntry) => parsePartitionDirectoryName(name)?.topic === openedFirst;
    if (openedFirst === undefined) return [[...directories]];
    return [directories.filter(isFirst), directories.filter((entry) => !isFirst(entry))];
  }

  #progress(total: number): string {
    const checked = this.#recoveredBytes > 0 ? `, ${Math.round(this.#recoveredBytes / 1e6)} MB checked` : "";
    return `${this.#logs.size} of ${total} done${checked}`;
  }

  get wasCleanStop(): boolean {
    return this.#wasCleanStop;
  }

  get failure(): DiskError | null {
    return this.#failure;
  }

  get logCount(): number {
    return this.#logs.size;
  }

  logs(): Iterable<SegmentedLog> {
    return this.#logs.values();
  }

  get(topic: string, partition: number): SegmentedLog | undefined {
    return this.#logs.get(partitionDirectoryName(topic, partition));
  }

  async openOrCreate(topic: string, partition: number, topicId: string, config: LogConfig): Promise<SegmentedLog> {
    const name = partitionDirectoryName(topic, partition);
    return await this.#oneAtATime(name, async () => {
      const existing = this.#logs.get(name);
      if (this.#failure !== null) throw logOffline(this.#failure);
      if (existing === undefined)
        return await this.#create({ topic, partition, topicId, directory: this.#path(name) }, config);
      checkTopicId(existing, topicId);
      if (existing.topicId === ZERO_UUID) await existing.adopt(topicId);
      existing.updateConfig(config);
      return existing;
    });
  }

  async delete(topic: string, partition: number): Promise<void> {
    await this.#takeOut(this.#logs, topic, partition, (log) => this.#removeDirectory(log));
  }

  async setAside(topic: string, partition: number): Promise<void> {
    await this.#takeOut(this.#logs, topic, partition, (log) => this.#keepAsStray(log, WITHOUT_PARTITION));
  }

  async setFutureAside(topic: string, partition: number): Promise<void> {
    await this.#takeOut(this.#futures, topic, partition, (log) => this.#keepAsStray(log, WITHOUT_PARTITION));
  }

  async #keepAsStray({ topic, partition, directory }: Omit<LogIdentity, "topicId">, why: string): Promise<void> {
    const strayName = strayDirectoryName(topic, partition, this.#uniqueId());
    await this.#renameDirectory(directory, this.#path(strayName));
    this.#runtime.logger.warn(`a log ${why} is kept under another name`, { directory, renamedTo: strayName });
  }

  /** Closes one of `logs`, and has `put` take its directory away. */
  async #takeOut(
    logs: Map<string, SegmentedLog>,
    topic: string,
    partition: number,
    put: (log: SegmentedLog) => Promise<void>,
  ): Promise<void> {
    const name = partitionDirectoryName(topic, partition);
    await this.#oneAtATime(name, async () => {
      const log = logs.get(name);
      if (log === undefined) return;
      logs.delete(name);
      await log.abandon();
      // What a failed directory still holds is found, and set aside, when it can be read again.
      if (this.#failure === null) await put(log);
    });
  }

  future(topic: string, partition: number): SegmentedLog | undefined {
    return this.#futures.get(partitionDirectoryName(topic, partition));
  }

  futures(): Iterable<SegmentedLog> {
    return this.#futures.values();
  }

  async createFuture(topic: string, partition: number, topicId: string, config: LogConfig): Promise<SegmentedLog> {
    const name = partitionDirectoryName(topic, partition);
    return await this.#oneAtATime(name, async () => {
      if (this.#failure !== null) throw logOffline(this.#failure);
      const existing = this.#futures.get(name);
      if (existing !== undefined) return existing;
      const directory = this.#path(futureDirectoryName(topic, partition, this.#uniqueId()));
      const identity = { topic, partition, topicId, directory };
      const isNewDirectory = await this.#makeDirectory(identity);
      return await this.#openFuture(identity, config, { ...NO_HINTS, isNewDirectory });
    });
  }

  async deleteFuture(topic: string, partition: number): Promise<void> {
    await this.#takeOut(this.#futures, topic, partition, (log) => this.#removeDirectory(log));
  }

  async promoteFuture(topic: string, partition: number): Promise<SegmentedLog> {
    const name = partitionDirectoryName(topic, partition);
    return await this.#oneAtATime(name, async () => {
      const future = this.#futures.get(name);
      if (future === undefined || this.#logs.has(name)) throw new Error(`${name} has no log to take its place`);
      if (this.#failure !== null) throw logOffline(this.#failure);
      const { topicId, config, highWatermark, logStartOffset } = future;
      await future.close();
      this.#futures.delete(name);
      const directory = this.#path(name);
      // What the checkpoints say of another one, which was here before, must not be taken for its.
      await this.#checkpoints.forget(topic, partition);
      await this.#disk.rename(future.directory, directory);
      await this.#namesSync.run();
      const hints = { ...NO_HINTS, isIdentitySynced: true, isCleanStop: true, highWatermark, logStartOffset };
      const log = await this.#open({ topic, partition, topicId, directory }, config, hints);
      await this.#checkpoints.saveAll(() => this.#logs.values());
      return log;
    });
  }

  resources(): LogResources {
    const { files, pool, tailMemory } = this.#env;
    return {
      tailBytes: tailMemory.pinnedBytes,
      tailBytesMax: tailMemory.limitBytes,
      lentReadBytes: pool.lentBytes,
      pooledReadBytes: pool.retainedBytes,
      indexBytes: files.indexBlocks.keptBytes,
      openFiles: files.openCount,
    };
  }

  get uncleanableLogs(): number {
    return this.#cleaner?.uncleanableCount() ?? 0;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopTasks();
    try {
      await Promise.all(Array.from(this.#mutexes.keys(), (name) => this.#oneAtATime(name, async () => {})));
      const errors = await this.#closeLogs();
      if (this.#failure === null) await this.#checkpoints.saveAll(() => this.#logs.values());
      if (errors.length > 0) throw errors[0];
      const { directory, brokerEpoch } = this.#options;
      const epoch = brokerEpoch?.() ?? NO_BROKER_EPOCH;
      if (this.#failure === null) await writeCleanShutdownMark(this.#disk, directory, epoch);
    } finally {
      await this.#lock.release();
    }
  }

  #stopTasks(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#cleaner?.close();
  }

  /** Closes every log, also where others cannot be closed. */
  async #closeLogs(): Promise<unknown[]> {
    const errors: unknown[] = [];
    await runLimited([...this.#all()], this.#options.recoveryParallelism(), async (log) => {
      await log.close().catch((error) => errors.push(error));
    });
    return errors;
  }

  async #removeDirectory(log: SegmentedLog): Promise<void> {
    const deletedPath = this.#path(deletedDirectoryName(log.topic, log.partition, this.#uniqueId()));
    await this.#renameDirectory(log.directory, deletedPath);
    this.#after(log.config.fileDeleteDelayMs, () => this.#removals.run(() => this.#removeDeleted(deletedPath)));
  }

  /** What the checkpoints still say of it does no harm: the next of that name begins by forgetting it. */
  async #renameDirectory(directory: string, path: string): Promise<void> {
    await this.#disk.rename(directory, path);
    await this.#namesSync.run();
  }

  /** What is left at the end is found by the next start. */
  async #removeDeleted(path: string): Promise<void> {
    if (!this.#isClosed && this.#failure === null) await this.#disk.remove(path);
  }

  /** What could not be brought to the disk once no later sync does: a name that somebody relies on may be lost with it. */
  async #syncNames(): Promise<void> {
    try {
      await this.#disk.syncDirectory(this.#options.directory);
    } catch (error) {
      if (error instanceof DiskError && isFailedSync(error)) this.#diskFailed(error);
      throw error;
    }
  }

  /**
   * Makes the log's directory; whether there was none: it holds nothing but the topic's id then. One that is there is what
   * remained where a log could not be made, or a deleted one could not be taken away: another topic's records are not this one's.
   */
  async #makeDirectory(identity: LogIdentity): Promise<boolean> {
    const { directory, topicId } = identity;
    let isNew = await this.#disk.makeDirectory(directory, { durable: false });
    if (!isNew && (await readUnsyncedTopicId(this.#disk, directory)) === topicId) return false;
    const segments = isNew ? [] : await this.#segmentsIn(directory);
    if (segments.length > 0) {
      if (await this.#holdRecords(directory, segments))
        await this.#keepAsStray(identity, "of another topic of this name");
      else await this.#disk.remove(directory);
      isNew = await this.#disk.makeDirectory(directory, { durable: false });
    }
    await writeTopicId(this.#disk, directory, topicId);
    return isNew;
  }

  /** Runs what opens or deletes one partition's log after what was begun on it before. */
  #oneAtATime<T>(name: string, action: () => Promise<T>): Promise<T> {
    const mutex = this.#mutexes.get(name) ?? new AsyncMutex();
    this.#mutexes.set(name, mutex);
    const result = mutex.run(action);
    const forget = () => {
      if (mutex.isIdle) this.#mutexes.delete(name);
    };
    result.then(forget, forget);
    return result;
  }

  async #openFound(name: string, isCleanStop: boolean): Promise<void> {
    const directory = this.#path(name);
    if (isDeletedDirectoryName(name)) return await this.#disk.remove(directory);
    const future = parseFutureDirectoryName(name);
    const parsed = future ?? parsePartitionDirectoryName(name);
    if (parsed === null) return;
    // The checkpoint names logs that are in their place, and not those that are to take it.
    const mustBeReadable = future === null && this.#checkpoints.isIdentitySynced(parsed.topic, parsed.partition);
    const topicId = await (mustBeReadable ? readTopicId : readUnsyncedTopicId)(this.#disk, directory);
    if (topicId === null && !mustBeReadable) return await this.#leaveNameless({ ...parsed, directory });
    if (topicId === null && (await this.#segmentsIn(directory)).length === 0) {
      this.#runtime.logger.warn("a directory that is no log's is left alone", { directory });
      return;
    }
    const config = (await this.#options.configOf?.(parsed.topic, this)) ?? defaultLogConfig;
    const identity = { ...parsed, topicId: topicId ?? ZERO_UUID, directory };
    if (future !== null) await this.#openFuture(identity, config, NO_HINTS);
    else await this.#open(identity, config, this.#checkpoints.hintsFor(parsed.topic, parsed.partition, isCleanStop));
  }

  /**
   * A power cut came before the log was synced for the first time, and took its topic id, or it could not be made whole. Records
   * that it left were of a topic that may have been deleted, and created again, since: they are not this one's. Without any
   * nothing is lost with it.
   */
  async #leaveNameless(found: Omit<LogIdentity, "topicId">): Promise<void> {
    const { directory } = found;
    const segments = await this.#segmentsIn(directory);
    if (await this.#holdRecords(directory, segments))
      return await this.#keepAsStray(found, "that a power cut took the topic id of");
    // Not the directory, where there is no segment: it may be somebody else's.
    const hasSegments = segments.length > 0;
    await this.#disk.remove(hasSegments ? directory : joinPath(directory, PARTITION_METADATA));
    await this.#disk.syncDirectory(hasSegments ? this.#options.directory : directory);
  }

  async #segmentsIn(directory: string): Promise<string[]> {
    const names = (await this.#disk.list(directory)).map(({ name }) => name);
    return names.filter((name) => offsetOfFileName(name, LOG_SUFFIX) !== null);
  }

  async #holdRecords(directory: string, segments: string[]): Promise<boolean> {
    const files = await Promise.all(segments.map((name) => this.#disk.stat(joinPath(directory, name))));
    return files.some((file) => file !== null && file.sizeBytes > 0);
  }

  async #create(identity: LogIdentity, config: LogConfig): Promise<SegmentedLog> {
    await this.#checkpoints.forget(identity.topic, identity.partition);
    const isNewDirectory = await this.#makeDirectory(identity);
    const hints = this.#checkpoints.hintsFor(identity.topic, identity.partition, false);
    return await this.#open(identity, config, { ...hints, isNewDirectory });
  }

  /** The checkpoints know nothing of such a log. */
  async #openFuture(identity: LogIdentity, config: LogConfig, hints: LoadHints): Promise<SegmentedLog> {
    const log = new SegmentedLog(await loadLog(this.#env, identity, config, hints));
    this.#futures.set(partitionDirectoryName(identity.topic, identity.partition), log);
    return log;
  }

  *#all(): IterableIterator<SegmentedLog> {
    yield* this.#logs.values();
    yield* this.#futures.values();
  }

  async #open(identity: LogIdentity, config: LogConfig, hints: LoadHints): Promise<SegmentedLog> {
    const log = new SegmentedLog(await loadLog(this.#env, identity, config, hints));
    if (log.recoveryPoint < hints.recoveryPoint) {
      await this.#checkpoints.lowerRecoveryPoint(identity.topic, identity.partition, log.recoveryPoint);
    }
    this.#logs.set(partitionDirectoryName(identity.topic, identity.partition), log);
    return log;
  }

  #startTasks(): void {
    const { checkpointIntervalMs, highWatermarkCheckpointIntervalMs, retentionCheckIntervalMs } = this.#options;
    const { producerIdExpirationCheckIntervalMs } = this.#options;
    this.#every(checkpointIntervalMs, async () => {
      await this.#checkpoints.save("recoveryPoint", this.#logs.values());
      await this.#checkpoints.save("logStartOffset", this.#logs.values());
    });
    this.#every(highWatermarkCheckpointIntervalMs, () => this.#checkpoints.save("highWatermark", this.#logs.values()));
    this.#every(retentionCheckIntervalMs, () => this.#deleteExpired());
    this.#every(producerIdExpirationCheckIntervalMs, async () => this.#expireProducers());
    this.#cleaner?.start();
  }

  async #deleteExpired(): Promise<void> {
    for (const log of [...this.#logs.values()]) await log.deleteExpired();
  }

  #expireProducers(): void {
    const sinceMs = this.#runtime.clock.nowMs() - this.#options.producerIdExpirationMs();
    for (const log of this.#logs.values()) log.expireProducers(sinceMs);
  }

  #every(intervalMs: number, task: () => Promise<void>): void {
    this.#after(intervalMs, async () => {
      try {
        await task();
      } finally {
        if (!this.#isClosed && this.#failure === null) this.#every(intervalMs, task);
      }
    });
  }

  #after(delayMs: number, task: () => Promise<void>): void {
    const timer = this.#runtime.timers.schedule(delayMs, () => {
      this.#timers.delete(timer);
      task().catch((error) => this.#taskFailed(error));
    });
    this.#timers.add(timer);
  }

  #taskFailed(error: unknown): void {
    if (error instanceof DiskError && isOfDisk(error)) this.#diskFailed(error);
    if (this.#failure !== null) return;
    this.#runtime.logger.warn("a background task of the log directory failed", { error: String(error) });
  }

  /** As Kafka: a disk that fails for one partition is not trusted with the others either. */
  #diskFailed(error: DiskError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#stopTasks();
    this.#runtime.logger.error("the log directory failed; its partitions are offline until the next start", {
      directory: this.#options.directory,
      partitions: this.#logs.size,
      path: error.path,
      error: error.message,
    });
    for (const log of this.#all()) log.goOffline(error);
    this.#options.onDiskFailure?.(error);
  }

  #path(name: string): string {
    return joinPath(this.#options.directory, name);
  }

  #uniqueId(): string {
    const bytes = this.#runtime.random.fill(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}

const NO_HINTS: LoadHints = {
  isNewDirectory: false,
  isIdentitySynced: false,
  isCleanStop: false,
  recoveryPoint: 0,
  highWatermark: 0,
  logStartOffset: 0,
  cleanedEndOffset: 0,
};

function checkTopicId(log: SegmentedLog, topicId: string): void {
  if (log.topicId === topicId || log.topicId === ZERO_UUID) return;
  throw new InconsistentTopicId(log.directory, log.topicId, topicId);
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
