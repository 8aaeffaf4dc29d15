import {
  type CoordinatorShard,
  deliver,
  type EncodedRecord,
  type MarkerToWrite,
  type Moment,
  type StepResult,
  type TransactionalProducer,
} from "@ottla/coordinator/internal";
import { ErrorCode } from "@ottla/protocol";
import { encodeEndTransactionMarker } from "@ottla/protocol/internal";
import type { Clock, Logger, Runtime, Timer } from "@ottla/runtime";
import type { Partition, PartitionAppend, PartitionAppendOptions } from "../partition/partition.ts";
import { errnoOf } from "../partition/partition-error.ts";
import { AppendCommit, isTooLarge } from "./append-commit.ts";

export interface ShardRunnerOptions<Request, ShardRecord, Effect> {
  readonly shard: CoordinatorShard<Request, ShardRecord, Effect>;
  /** A record in the form in which it stands in the log. It may throw KafkaError. */
  readonly encode: (record: ShardRecord) => EncodedRecord;
  /** Does what a step asks for besides records and answers. */
  readonly perform?: (effect: Effect) => void;
  readonly partition: Partition;
  readonly runtime: Runtime;
  /**
   * Called when it cannot be told what became of records: only the log knows now what is true. The runner has sent
   * everybody away who waited, and takes no more requests.
   */
  readonly onLost: (error: unknown) => void;
}

/** Writes of a shard that are appended in one go. */
interface WriteRange {
  readonly firstWriteId: number;
  readonly lastWriteId: number;
}

/** The clock's present time as the state machine wants it. */
function momentOf(clock: Clock): Moment {
  return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
}

/**
 * Runs a loaded shard on its partition: appends its records, those of one turn of the event loop together, tells it
 * when they are committed, gives its answers out, and lets time pass for it with one timer.
 */
export class ShardRunner<Request, ShardRecord, Effect = never> {
  readonly #options: ShardRunnerOptions<Request, ShardRecord, Effect>;
  readonly #logger: Logger;
  #commit: AppendCommit | null = null;
  #timer: Timer | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #isStopped = false;
  /** The last write that the shard has handed out, and the last that is known to have come to nothing. */
  #lastWriteId = 0;
  #refusedUpTo = 0;
  /** While the log refuses everything, one line says so. */
  #isRefused = false;

  constructor(options: ShardRunnerOptions<Request, ShardRecord, Effect>) {
    this.#options = options;
    this.#logger = options.runtime.logger;
  }

  /** Goes on from where loading has left off. */
  start(): void {
    this.#take(this.#shard.finishLoading(this.#now()));
  }

  /** Hands a request to the shard. Its ticket is completed in this call or later. */
  submit(request: Request): void {
    if (this.#isStopped) return;
    this.#take(this.#shard.handle(request, this.#now()));
  }

  /** Sends everybody away who waits: this broker coordinates the partition no longer. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#commit = null;
    for (const reply of this.#shard.unload(this.#now())) deliver(reply);
  }

  get #shard(): CoordinatorShard<Request, ShardRecord, Effect> {
    return this.#options.shard;
  }

  #now(): Moment {
    return momentOf(this.#options.runtime.clock);
  }

  #take(result: StepResult<ShardRecord, Effect>): void {
    const { writeId, replies, effects } = result;
    if (writeId !== null) this.#write(writeId, result);
    for (const reply of replies) deliver(reply);
    if (effects !== undefined) for (const effect of effects) this.#options.perform?.(effect);
    this.#setTimer();
  }

  #write(writeId: number, { records, transaction, marker }: StepResult<ShardRecord, Effect>): void {
    this.#lastWriteId = writeId;
    if (marker != null) this.#writeMarker(writeId, marker);
    else this.#collect(writeId, records, transaction ?? null);
  }

  /** A marker goes down by itself, behind everything that was collected before. */
  #writeMarker(writeId: number, { outcome, transactionVersion, ...marker }: MarkerToWrite): void {
    this.#append();
    if (writeId <= this.#refusedUpTo) return;
    const timestampMs = this.#options.runtime.clock.nowMs();
    const bytes = encodeEndTransactionMarker({ ...marker, type: outcome, timestampMs });
    this.#appendNow({ firstWriteId: writeId, lastWriteId: writeId }, bytes, { origin: "control", transactionVersion });
  }

  #collect(writeId: number, records: readonly ShardRecord[], transaction: TransactionalProducer | null): void {
    const { partition, runtime } = this.#options;
    const { maxMessageBytes: maxBatchBytes } = partition.config;
    const encoded = encodeAll(records, this.#options.encode, maxBatchBytes);
    if (typeof encoded === "number") {
      // It fails by itself, before it can take along what others have to append in this turn.
      this.#take(this.#shard.appendFailed(writeId, encoded, this.#now()));
      return;
    }
    if (transaction !== null) {
      // The log may refuse a producer's batch, and nobody else's records may suffer for it.
      this.#append();
      if (writeId <= this.#refusedUpTo) return;
      const commit = new AppendCommit(writeId, maxBatchBytes, transaction);
      commit.add(writeId, encoded, runtime.clock.nowMs());
      this.#appendNow(commit, commit.close(), { origin: "coordinator" });
      return;
    }
    if (this.#commit === null) {
      this.#commit = new AppendCommit(writeId, maxBatchBytes);
      runtime.timers.defer(() => this.#append());
    }
    this.#commit.add(writeId, encoded, runtime.clock.nowMs());
  }

  #append(): void {
    const commit = this.#commit;
    this.#commit = null;
    if (commit !== null) this.#appendNow(commit, commit.close(), { origin: "coordinator" });
  }

  #appendNow(writes: WriteRange, bytes: Uint8Array, options: Omit<PartitionAppendOptions, "acks">): void {
    if (this.#isStopped) return;
    try {
      const append = this.#options.partition.appendAsLeader(bytes, { acks: -1, ...options });
      void this.#follow(writes, append);
    } catch (error) {
      this.#onRefused(writes, error);
    }
  }

  /** Tells the shard what becomes of an append. */
  async #follow(writes: WriteRange, { append, committed }: PartitionAppend): Promise<void> {
    try {
      const refusal = await append.written.then(
        () => null,
        (error: unknown) => ({ error }),
      );
      if (refusal !== null) this.#onRefused(writes, refusal.error);
      else await committed.then(() => this.#onCommitted(writes.lastWriteId));
    } catch (error) {
      this.#onLost(error);
    }
  }

  #onCommitted(writeId: number): void {
    this.#isRefused = false;
    if (!this.#isStopped) this.#take(this.#shard.committed(writeId, this.#now()));
  }

  /**
   * The log has not taken the records, or could not write them and has taken them back, as it has all that was queued
   * behind them. What was collected since builds on them and is given up too.
   */
  #onRefused({ firstWriteId }: WriteRange, error: unknown): void {
    if (this.#isStopped || firstWriteId <= this.#refusedUpTo) return;
    this.#refusedUpTo = this.#lastWriteId;
    this.#commit = null;
    if (!this.#isRefused) {
      const { topic, partition } = this.#options.partition;
      this.#logger.warn("records of a coordinator cannot be appended", { topic, partition, err: error });
    }
    this.#isRefused = true;
    this.#take(this.#shard.appendFailed(firstWriteId, errnoOf(error), this.#now()));
  }

  /** Nobody knows what became of the records, or the shard has failed over them. */
  #onLost(error: unknown): void {
    if (this.#isStopped) return;
    this.stop();
    this.#options.onLost(error);
  }

  /** The timer that is set may be early, which does no harm, but never late. */
  #setTimer(): void {
    const dueMs = this.#shard.nextDeadlineMs;
    if (this.#isStopped || dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#options.runtime.timers.schedule(dueMs - this.#now().monotonicMs, () => this.#onTimer());
  }

  /** There is nobody here to tell of a failure: the log has to set it right. */
  #onTimer(): void {
    this.#timer = null;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    if (this.#isStopped) return;
    try {
      this.#take(this.#shard.tick(this.#now()));
    } catch (error) {
      this.#onLost(error);
    }
  }
}

/** The records as bytes, or the error code that stands against appending them. */
function encodeAll<ShardRecord>(
  records: readonly ShardRecord[],
  encode: (record: ShardRecord) => EncodedRecord,
  maxBatchBytes: number,
): EncodedRecord[] | number {
  try {
    const encoded = records.map(encode);
    return encoded.some((record) => isTooLarge(record, maxBatchBytes)) ? ErrorCode.MESSAGE_TOO_LARGE : encoded;
  } catch (error) {
    // A name that a request may hold but a record may not, such as a group id of 40,000 characters.
    return errnoOf(error);
  }
}
