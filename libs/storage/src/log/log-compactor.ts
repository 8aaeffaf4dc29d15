import { type Cleanable, findCleanable } from "../compaction/cleanable.ts";
import { compactLog } from "../compaction/compact-log.ts";
import type { CompactionExecutor, CompactionLimits } from "../compaction/compaction-job.ts";
import { CompactionAborted, swapSegments } from "../compaction/swap-segments.ts";
import type { LogState } from "./log-state.ts";
import type { LogSyncer } from "./log-syncer.ts";
import type { SegmentDeleter } from "./segment-deleter.ts";

/** Compaction's place in one log: at most one runs, and it ends before anything else takes segments away. */
export class LogCompactor {
  readonly #state: LogState;
  readonly #syncer: LogSyncer;
  readonly #deleter: SegmentDeleter;
  #running: { readonly controller: AbortController; readonly done: Promise<void> } | null = null;
  /** How many keep a compaction from beginning. */
  #holders = 0;

  constructor(state: LogState, syncer: LogSyncer, deleter: SegmentDeleter) {
    this.#state = state;
    this.#syncer = syncer;
    this.#deleter = deleter;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** What could be compacted now; null where there is nothing, or it is being done. */
  async cleanable(nowMs: number): Promise<Cleanable | null> {
    const { config, failure, isClosed } = this.#state;
    const isFree = failure === null && !isClosed && !this.isRunning && this.#holders === 0;
    return isFree && config.cleanupPolicy.includes("compact") ? await findCleanable(this.#state, nowMs) : null;
  }

  /**
   * @throws CompactionAborted where the log was closed, truncated or deleted meanwhile
   */
  async run(cleanable: Cleanable, executor: CompactionExecutor, limits: CompactionLimits): Promise<void> {
    const isBusy = this.#running !== null || this.#holders > 0;
    if (isBusy || this.#state.isClosed) throw new CompactionAborted("the log is closed or busy");
    const controller = new AbortController();
    const done = this.#compact(cleanable, executor, limits, controller.signal);
    this.#running = { controller, done: done.catch(() => {}) };
    try {
      await done;
    } catch (error) {
      if (controller.signal.aborted) throw new CompactionAborted("the log was closed, truncated or deleted");
      throw error;
    } finally {
      this.#running = null;
    }
  }

  /** Runs what takes segments away. No compaction begins before that is done; one that runs is not ended. */
  async whileHeld<T>(action: () => Promise<T>): Promise<T> {
    this.#holders++;
    try {
      return await action();
    } finally {
      this.#holders--;
    }
  }

  /** Ends a compaction that runs, and waits until it has let go of all files. */
  async stop(): Promise<void> {
    this.#running?.controller.abort();
    await this.#running?.done;
  }

  #compact(
    cleanable: Cleanable,
    executor: CompactionExecutor,
    limits: CompactionLimits,
    signal: AbortSignal,
  ): Promise<void> {
    const state = this.#state;
    return compactLog(
      state,
      cleanable,
      executor,
      limits,
      () => this.#syncer.flush(),
      (group) =>
        this.#syncer.runExclusively(async () => {
          signal.throwIfAborted();
          await swapSegments(state, this.#deleter, group);
        }),
      signal,
    );
  }
}
