import { batchSizeAt } from "@ottla/protocol/internal";
import { DiskError } from "@ottla/runtime";
import type { AbortedTransactionEntry } from "../indexes/transaction-index.ts";
import { encodeProducerSnapshot } from "../producers/producer-snapshot.ts";
import type { ProducerUndo } from "../producers/producer-state.ts";
import { NEW_SEGMENT, Segment } from "../segments/segment.ts";
import { isTransient } from "./disk-failure.ts";
import { gather, type WrittenChunk } from "./gather.ts";
import type { LogState } from "./log-state.ts";
import type { LogSyncer } from "./log-syncer.ts";
import { type NextAppend, RollPlanner } from "./roll-planner.ts";

/** Batches with offsets assigned, on their way to the file. */
export interface QueuedAppend extends NextAppend, WrittenChunk {
  readonly undos: readonly ProducerUndo[];
  readonly aborted: readonly AbortedTransactionEntry[];
}

/** Where a new segment begins, and the producers' state there. */
interface RollPoint {
  readonly baseOffset: number;
  readonly snapshot: Uint8Array;
}

/** Appends that go down in one write to one file, and are settled together. */
interface CommitGroup {
  readonly rollBefore: RollPoint | null;
  readonly appends: QueuedAppend[];
  readonly settled: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A group on its way into a file. */
interface GroupWrite {
  readonly group: CommitGroup;
  readonly chunks: readonly WrittenChunk[];
  readonly segment: Segment;
  /** Where the next write goes on. */
  readonly endPosition: number;
  readonly done: Promise<void>;
}

/**
 * The group commit: what is appended in one turn of the event loop, and while a write is in flight, goes down in one
 * gathered write. At most one write is in flight.
 */
export class AppendQueue {
  readonly #state: LogState;
  readonly #syncer: LogSyncer;
  readonly #planner: RollPlanner;
  /** Waiting groups; appends join the last one. */
  #groups: CommitGroup[] = [];
  /**
   * Groups that have left the queue and do not count yet: the one that is being written, and before it one that was
   * written this very moment.
   */
  #unsettled: CommitGroup[] = [];
  #isScheduled = false;
  #isPaused = false;
  #whenIdle: (() => void) | null = null;
  /** Set after a write that failed: what it left in the file must go before the next one. */
  #mustCutTail = false;
  /** Whether the last write found the disk full, or no file descriptor: said once, and once when it is over. */
  #isRefused = false;
  #lastSettled: Promise<void> = Promise.resolve();
  #nextOffset: number;

  constructor(state: LogState, syncer: LogSyncer) {
    this.#state = state;
    this.#syncer = syncer;
    this.#planner = new RollPlanner(state.env.runtime.random);
    this.#planner.reset(state);
    this.#nextOffset = state.logEndOffset;
  }

  /** The offset that the next record gets: the log end, once all that is queued is written. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Settles as the last append that was queued so far does. */
  get settled(): Promise<void> {
    return this.#lastSettled;
  }

  /** Queues batches; the promise settles when they are written, and synced where the log's config asks for it. */
  enqueue(append: QueuedAppend, nowMs: number): Promise<void> {
    const rolls = this.#planner.shouldRoll(append, this.#state, nowMs);
    this.#planner.queued(append, append.baseOffset, rolls, this.#state.config, nowMs);
    const group = this.#groupFor(append, rolls);
    group.appends.push(append);
    this.#nextOffset = append.lastOffset + 1;
    this.#lastSettled = group.settled;
    // A follower appends all that has come at once, and fetches again when it is written: there is nothing to gather.
    if (append.isLent && this.#mayDrain) void this.#drain();
    else this.#schedule();
    return group.settled;
  }

  /** Runs `action` while no write is in flight and none begins. What is queued goes on afterwards. */
  async runExclusively<T>(action: () => Promise<T>): Promise<T> {
    this.#isPaused = true;
    try {
      if (this.#unsettled.length > 0) await new Promise<void>((resolve) => this.#onIdle(resolve));
      return await action();
    } finally {
      this.#isPaused = false;
      this.#schedule();
    }
  }

  /** Begins a new segment at the log end, unless something is queued just now. */
  async roll(): Promise<void> {
    await this.runExclusively(async () => {
      if (this.#nextOffset !== this.#state.logEndOffset) return;
      const snapshot = encodeProducerSnapshot(this.#state.producers.entries);
      await this.#roll({ baseOffset: this.#nextOffset, snapshot });
      this.#planner.reset(this.#state);
    });
  }

  /** To be called when the end of the log was changed by other means than an append. Nothing may be queued. */
  reset(): void {
    this.#nextOffset = this.#state.logEndOffset;
    this.#planner.reset(this.#state);
  }

  #groupFor(append: QueuedAppend, rolls: boolean): CommitGroup {
    const last = this.#groups.at(-1);
    if (last !== undefined && !rolls) return last;
    const group = createGroup(rolls ? this.#rollPoint(append) : null);
    this.#groups.push(group);
    return group;
  }

  /** The producers' state already counts this append, so what it did there is left out of the snapshot. */
  #rollPoint(append: QueuedAppend): RollPoint {
    const entries = new Map(this.#state.producers.entries);
    for (const { producerId, previous } of [...append.undos].reverse()) {
      if (previous === undefined) entries.delete(producerId);
      else entries.set(producerId, previous);
    }
    return { baseOffset: append.baseOffset, snapshot: encodeProducerSnapshot(entries) };
  }

  get #mayDrain(): boolean {
    return this.#mayBegin && !this.#isScheduled && this.#unsettled.length === 0;
  }

  #schedule(): void {
    if (!this.#mayDrain) return;
    this.#isScheduled = true;
    this.#state.env.runtime.timers.defer(() => {
      this.#isScheduled = false;
      void this.#drain();
    });
  }

  get #mayBegin(): boolean {
    return !this.#isPaused && this.#groups.length > 0;
  }

  /** Takes the next group out of the queue. */
  #take(): CommitGroup {
    const group = this.#groups.shift()!;
    this.#unsettled.push(group);
    return group;
  }

  async #drain(): Promise<void> {
    while (this.#mayBegin && this.#unsettled.length === 0) {
      try {
        let write: GroupWrite | null = await this.#begin(this.#take());
        while (write !== null) write = await this.#finish(write);
      } catch (error) {
        this.#failed(error);
      }
    }
    if (this.#unsettled.length === 0) this.#becameIdle();
  }

  async #begin(group: CommitGroup): Promise<GroupWrite> {
    await this.cutTail();
    if (group.rollBefore !== null) await this.#roll(group.rollBefore);
    const { active } = this.#state.segments;
    return this.#write(group, active, active.sizeBytes);
  }

  #write(group: CommitGroup, segment: Segment, position: number): GroupWrite {
    const chunks = gather(group.appends);
    const bytes = chunks.map((chunk) => chunk.bytes);
    const isAwaited = chunks.every(({ isLent }) => isLent);
    const done = segment.log.use((file) => file.write(bytes, position, { isAwaited }));
    const sizeBytes = bytes.reduce((sum, { length }) => sum + length, 0);
    return { group, chunks, segment, endPosition: position + sizeBytes, done };
  }

  /**
   * Waits for a write, and takes what it wrote into account. The next write of the same file begins first, if there is
   * one: the disk has work then while this thread has, and whoever waits for the one that is done goes to work too.
   */
  async #finish(write: GroupWrite): Promise<GroupWrite | null> {
    await write.done;
    const hasNext = this.#mayBegin && this.#groups[0]!.rollBefore === null;
    const next = hasNext ? this.#write(this.#take(), write.segment, write.endPosition) : null;
    try {
      this.#written(write);
    } catch (error) {
      await next?.done.catch(() => {});
      throw error;
    }
    return next;
  }

  #written({ group, chunks, segment }: GroupWrite): void {
    this.#accepted();
    for (const chunk of chunks) this.#chunkWritten(segment, chunk);
    for (const append of group.appends) {
      for (const aborted of append.aborted) segment.transactionIndex.append(aborted);
    }
    const endOffset = group.appends.at(-1)!.lastOffset + 1;
    this.#unsettled.shift();
    this.#state.setLogEndOffset(endOffset);
    this.#syncer.written(endOffset).then(group.resolve, group.reject);
  }

  #chunkWritten(segment: Segment, chunk: WrittenChunk): void {
    const { bytes } = chunk;
    const { indexIntervalBytes } = this.#state.config;
    for (let position = 0; position < bytes.length; ) {
      const sizeBytes = batchSizeAt(bytes, position);
      segment.batchWritten(bytes, position, sizeBytes, indexIntervalBytes);
      position += sizeBytes;
    }
    // No record may be missing in the tail: it goes on behind what is not kept.
    if (chunk.isLent) this.#state.tail.clear();
    else this.#state.tail.add(chunk);
  }

  async #roll(point: RollPoint): Promise<void> {
    const { env, identity, recoveryPoint, segments, snapshots } = this.#state;
    await segments.active.finishIndexes();
    // One that the recovery point speaks of is synced: to write it anew would put it at risk.
    const isSynced = point.baseOffset === recoveryPoint && snapshots.latestOffset === recoveryPoint;
    if (!isSynced) await snapshots.write(point.baseOffset, point.snapshot, { durable: false });
    const createdMs = env.runtime.clock.nowMs();
    const segment = new Segment(env.files, identity.directory, point.baseOffset, NEW_SEGMENT, createdMs);
    await segment.log.make();
    segments.add(segment);
    this.#state.namesChanged();
    this.#syncer.rolled();
  }

  /**
   * Removes what a failed write left behind the log end. Nothing may be written meanwhile. The cut is synced before
   * anything takes its place: else a power cut could bring back a whole batch that was refused, among those that came
   * after it, and its producer has sent it again.
   */
  async cutTail(): Promise<void> {
    if (!this.#mustCutTail) return;
    await this.#state.segments.active.cutFile();
    await this.#syncer.syncData();
    this.#mustCutTail = false;
  }

  /** Nothing of a failed group counts; what is queued behind it was checked against it, so it fails as well. */
  #failed(cause: unknown): void {
    const error = cause instanceof DiskError ? cause : new DiskError("IO", "", String(cause), { cause });
    const lost = [...this.#unsettled, ...this.#groups];
    this.#unsettled = [];
    this.#groups = [];
    const undos = lost.flatMap((one) => one.appends.flatMap((append) => append.undos)).reverse();
    this.#state.producers.undo(undos, this.#state.logEndOffset);
    this.#state.epochs.truncateFromEnd(this.#state.logEndOffset);
    this.#mustCutTail = true;
    this.reset();
    this.#lastSettled = Promise.resolve();
    if (isTransient(error)) this.#refused(error);
    else this.#state.fail(error);
    for (const one of lost) one.reject(error);
  }

  #refused(error: DiskError): void {
    if (!this.#isRefused)
      this.#state.logger.warn("appends are refused until the disk takes them again", { error: error.message });
    this.#isRefused = true;
  }

  #accepted(): void {
    if (this.#isRefused) this.#state.logger.info("the disk takes appends again");
    this.#isRefused = false;
  }

  #onIdle(callback: () => void): void {
    const previous = this.#whenIdle;
    this.#whenIdle = () => {
      previous?.();
      callback();
    };
  }

  #becameIdle(): void {
    const callback = this.#whenIdle;
    this.#whenIdle = null;
    callback?.();
  }
}

function createGroup(rollBefore: RollPoint | null): CommitGroup {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const settled = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Whoever appended learns of a failure; that nobody asked must not bring the process down.
  settled.catch(() => {});
  return { rollBefore, appends: [], settled, resolve, reject };
}
