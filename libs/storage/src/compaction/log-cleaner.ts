import { DiskError, type Runtime, type Timer } from "@ottla/runtime";
import { isTransient } from "../log/disk-failure.ts";
import type { SegmentedLog } from "../log/segmented-log.ts";
import type { LogObserver } from "../log-manager.ts";
import type { Cleanable } from "./cleanable.ts";
import type { CompactionExecutor } from "./compaction-job.ts";
import { CompactionAborted } from "./swap-segments.ts";

/** Kafka's `log.cleaner.*` configs. */
export interface LogCleanerOptions {
  /** `log.cleaner.threads`: how many logs are compacted at a time. Default 1. */
  readonly threads?: number;
  /** `log.cleaner.backoff.ms`: how long it rests when there is nothing to do. Default 15,000. */
  readonly backoffMs?: number;
  /** `log.cleaner.dedupe.buffer.size`: memory for the maps of keys of all threads together. Default 128 MiB. */
  readonly dedupeBufferBytes?: number;
  /** `log.cleaner.io.buffer.load.factor`: how full a map of keys may get. Default 0.9. */
  readonly loadFactor?: number;
  /** `log.cleaner.io.max.bytes.per.second`: of reads and writes, of all threads together. Default: no limit. */
  readonly ioMaxBytesPerSecond?: number;
}

export const CLEANER_DEFAULTS: Required<LogCleanerOptions> = {
  threads: 1,
  backoffMs: 15_000,
  dedupeBufferBytes: 128 * 1024 ** 2,
  loadFactor: 0.9,
  ioMaxBytesPerSecond: Number.POSITIVE_INFINITY,
};

interface Candidate {
  readonly log: SegmentedLog;
  readonly cleanable: Cleanable;
}

/** Compacts the logs of a directory in the background, the dirtiest first. */
export class LogCleaner {
  readonly #options: () => Required<LogCleanerOptions>;
  readonly #runtime: Runtime;
  readonly #logs: () => Iterable<SegmentedLog>;
  readonly #executor: CompactionExecutor;
  readonly #cleaned: () => Promise<void>;
  readonly #observer: LogObserver | undefined;
  readonly #timers = new Set<Timer>();
  /** Logs whose compaction failed: they stay as they are until the next start. */
  readonly #uncleanable = new WeakSet<SegmentedLog>();
  /** Logs whose compaction failed for a moment, or was given up: when (monotonic) it may be tried again. */
  readonly #restingUntilMs = new WeakMap<SegmentedLog, number>();
  /** Logs that a thread has chosen. */
  readonly #taken = new Set<SegmentedLog>();
  #isClosed = false;
  #threads = 0;

  /**
   * @param options asked anew each time, for they may change
   * @param cleaned called after a log was compacted: the checkpoint must say so
   */
  constructor(
    options: () => Required<LogCleanerOptions>,
    runtime: Runtime,
    logs: () => Iterable<SegmentedLog>,
    executor: CompactionExecutor,
    cleaned: () => Promise<void>,
    observer?: LogObserver,
  ) {
    this.#options = options;
    this.#runtime = runtime;
    this.#logs = logs;
    this.#executor = executor;
    this.#cleaned = cleaned;
    this.#observer = observer;
  }

  start(): void {
    while (this.#threads < this.#options().threads) this.#startThread();
  }

  #startThread(): void {
    this.#threads++;
    this.#later();
  }

  /** Begins nothing new. Compactions that run end with their logs. */
  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) timer.cancel();
  }

  /** Whether compaction of the log has failed. */
  isUncleanable(log: SegmentedLog): boolean {
    return this.#uncleanable.has(log);
  }

  /** How many of the logs that there are cannot be compacted any more. */
  uncleanableCount(): number {
    let count = 0;
    for (const log of this.#logs()) if (this.#uncleanable.has(log)) count++;
    return count;
  }

  /** Compacts the dirtiest log, or finds that it cannot be compacted now; false where none needs it. */
  async cleanDirtiest(): Promise<boolean> {
    const candidate = await this.#dirtiest();
    this.#observer?.cleanerLooked();
    if (candidate === null || this.#isClosed) return false;
    this.#taken.add(candidate.log);
    try {
      await this.#clean(candidate);
    } finally {
      this.#taken.delete(candidate.log);
    }
    return true;
  }

  #later(): void {
    const timer = this.#runtime.timers.schedule(this.#options().backoffMs, () => {
      this.#timers.delete(timer);
      void this.#work();
    });
    this.#timers.add(timer);
  }

  async #work(): Promise<void> {
    try {
      while (!this.#isClosed && (await this.cleanDirtiest()));
    } catch (error) {
      this.#runtime.logger.warn("the cleaner stumbled and goes on later", { error: String(error) });
    }
    if (this.#isClosed) return;
    // There may be more or fewer of them from now on; one always stays, to see it.
    if (this.#threads > Math.max(this.#options().threads, 1)) this.#threads--;
    else this.#later();
    this.start();
  }

  async #dirtiest(): Promise<Candidate | null> {
    const nowMs = this.#runtime.clock.nowMs();
    let dirtiest: Candidate | null = null;
    for (const log of this.#logs()) {
      if (this.#uncleanable.has(log) || this.#taken.has(log) || this.#isResting(log)) continue;
      const cleanable = await log.compactor.cleanable(nowMs);
      if (cleanable === null || this.#taken.has(log)) continue;
      const isDue = cleanable.isOverdue || cleanable.dirtyRatio > log.config.minCleanableDirtyRatio;
      if (isDue && cleanable.dirtyRatio > (dirtiest?.cleanable.dirtyRatio ?? 0)) dirtiest = { log, cleanable };
    }
    return dirtiest;
  }

  #isResting(log: SegmentedLog): boolean {
    return (this.#restingUntilMs.get(log) ?? 0) > this.#runtime.clock.monotonicMs();
  }

  async #clean({ log, cleanable }: Candidate): Promise<void> {
    const { threads, dedupeBufferBytes, loadFactor, ioMaxBytesPerSecond } = this.#options();
    const { clock, logger } = this.#runtime;
    const fields = { topic: log.topic, partition: log.partition };
    const [startedMs, sizeBytes] = [clock.monotonicMs(), log.sizeBytes];
    let thread = "main";
    const executor: CompactionExecutor = async (job, swap, signal) => {
      const result = await this.#executor(job, swap, signal);
      if (result.thread !== undefined) thread = result.thread;
      return result;
    };
    try {
      await log.compactor.run(cleanable, executor, {
        dedupeBufferBytes: dedupeBufferBytes / threads,
        loadFactor,
        ioMaxBytesPerSecond: ioMaxBytesPerSecond / threads,
      });
    } catch (error) {
      this.#failed(log, error);
      return;
    }
    await this.#checkpoint();
    const elapsedMs = Math.round(clock.monotonicMs() - startedMs);
    const pass = { bytesBefore: sizeBytes, bytesAfter: log.sizeBytes, elapsedMs };
    this.#observer?.compacted(pass);
    logger.info("log compacted", { ...fields, ...pass, thread });
  }

  /** Where the checkpoint cannot be written, the log is compacted once more after the next start: that harms nothing. */
  async #checkpoint(): Promise<void> {
    try {
      await this.#cleaned();
    } catch (error) {
      this.#runtime.logger.warn("the cleaner's checkpoint could not be written", { error: String(error) });
    }
  }

  /** The log serves on as it is. A full disk may have room again; anything else would only fail again. */
  #failed(log: SegmentedLog, error: unknown): void {
    const fields = { topic: log.topic, partition: log.partition, error: String(error) };
    const { logger, clock } = this.#runtime;
    this.#restingUntilMs.set(log, clock.monotonicMs() + this.#options().backoffMs);
    if (error instanceof CompactionAborted) {
      logger.debug("compaction ended early", fields);
    } else if (error instanceof DiskError && isTransient(error)) {
      logger.warn("a log cannot be compacted now", fields);
    } else {
      this.#uncleanable.add(log);
      logger.error("compaction failed; the partition stays uncompacted until the next start", fields);
    }
  }
}
