import type { Timer } from "@ottla/runtime";
import { writeEpochCheckpoint } from "../files/checkpoint-file.ts";
import { joinPath, LEADER_EPOCH_CHECKPOINT } from "../files/names.ts";
import { encodeProducerSnapshot } from "../producers/producer-snapshot.ts";
import type { AppendQueue } from "./append-queue.ts";
import { AsyncMutex } from "./async-mutex.ts";
import { isFailedSync } from "./disk-failure.ts";
import type { LogState } from "./log-state.ts";
import { SharedRun } from "./shared-run.ts";

/**
 * Makes a log durable. Two things are told apart: syncing the data, which is what `flush.messages` waits for, and
 * flushing, which also brings indexes, producer state and epochs to disk and so moves the recovery point.
 */
export class LogSyncer {
  readonly #state: LogState;
  readonly #syncing: SharedRun;
  readonly #flushing = new AsyncMutex();
  #queue!: AppendQueue;
  /** Everything below is durable, if not indexed. */
  #syncedOffset: number;
  #flushTimer: Timer | null = null;
  /** The version of the leader epochs that the checkpoint has: they were loaded from it as version 0. */
  #writtenEpochs = 0;

  constructor(state: LogState) {
    this.#state = state;
    this.#syncing = new SharedRun(() => this.#sync());
    this.#syncedOffset = state.recoveryPoint;
  }

  attach(queue: AppendQueue): void {
    this.#queue = queue;
  }

  /** The log was written up to `endOffset`: resolves at once, or after a sync where `flush.messages` asks for one. */
  written(endOffset: number): Promise<void> {
    this.#scheduleFlush();
    if (endOffset - this.#syncedOffset < this.#state.config.flushMessages) return DONE;
    return this.syncData();
  }

  /** A segment was closed: it is flushed in the background, so that recovery never needs to look at it. */
  rolled(): void {
    this.#flushInBackground();
  }

  /** Syncs what is written by now. Calls that come while a sync runs share the next one. */
  syncData(): Promise<void> {
    return this.#syncing.run();
  }

  /** Writes and syncs all that was appended so far, and moves the recovery point there. */
  flush(): Promise<void> {
    return this.#flushing.run(() => this.#state.changing(() => this.#flush()));
  }

  /** Runs `action` while nothing is being flushed. */
  runExclusively<T>(action: () => Promise<T>): Promise<T> {
    return this.#flushing.run(action);
  }

  /** The end of the log was moved back. */
  truncated(): void {
    this.#syncedOffset = Math.min(this.#syncedOffset, this.#state.recoveryPoint);
  }

  /** Writes the leader epochs down. A power cut may still bring the earlier file back, until the next sync. */
  async saveEpochs(): Promise<void> {
    const { epochs, env, identity } = this.#state;
    if (epochs.version === this.#writtenEpochs) return;
    const { version } = epochs;
    await writeEpochCheckpoint(env.disk, joinPath(identity.directory, LEADER_EPOCH_CHECKPOINT), epochs.entries);
    this.#state.namesChanged();
    this.#writtenEpochs = version;
  }

  close(): void {
    this.#flushTimer?.cancel();
    this.#flushTimer = null;
  }

  #scheduleFlush(): void {
    const { flushMs } = this.#state.config;
    if (this.#flushTimer !== null || flushMs === Number.POSITIVE_INFINITY) return;
    this.#flushTimer = this.#state.env.runtime.timers.schedule(flushMs, () => {
      this.#flushTimer = null;
      this.#flushInBackground();
    });
  }

  #flushInBackground(): void {
    // A failure has taken the log offline by the time this rejects; there is nobody else to tell.
    this.flush().catch(() => {});
  }

  async #sync(): Promise<void> {
    await this.#state.failingBy(isFailedSync, async () => {
      const { env, failure, segments, logEndOffset } = this.#state;
      // What a failed sync has lost no later one brings back.
      if (failure !== null) throw failure;
      const startedMs = env.runtime.clock.monotonicMs();
      for (const segment of segments.all.filter((segment) => segment.isUnsynced)) await segment.syncLog();
      await this.#state.syncNames();
      env.flushed(env.runtime.clock.monotonicMs() - startedMs);
      this.#syncedOffset = Math.max(this.#syncedOffset, logEndOffset);
    });
  }

  async #flush(): Promise<void> {
    if (this.#state.failure !== null) throw this.#state.failure;
    const { producers, recoveryPoint, segments, snapshots } = this.#state;
    const offset = this.#queue.nextOffset;
    const snapshot = encodeProducerSnapshot(producers.entries);
    await this.#queue.settled;
    // The segment that ends at the recovery point too: its time index got a last entry when it was closed.
    for (const segment of segments.from(recoveryPoint - 1)) await segment.syncIndexes();
    // Before the first record of all there was no producer.
    if (offset > 0 && (offset > recoveryPoint || snapshots.latestOffset !== offset)) {
      await snapshots.write(offset, snapshot, { durable: true });
      this.#state.namesChanged();
    }
    await this.saveEpochs();
    await this.syncData();
    this.#state.recoveryPoint = Math.max(this.#state.recoveryPoint, offset);
    await this.#removeOldSnapshots();
  }

  /** Segments keep the snapshot at their start, so that a truncation into them finds it. */
  async #removeOldSnapshots(): Promise<void> {
    const { segments, snapshots } = this.#state;
    const starts = new Set(segments.all.map((segment) => segment.baseOffset));
    await snapshots.removeWhere((offset) => offset !== snapshots.latestOffset && !starts.has(offset));
  }
}

const DONE = Promise.resolve();
