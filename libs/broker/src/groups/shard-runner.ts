import {
  deliver,
  type EncodedGroupRecord,
  encodeGroupRecord,
  type GroupCoordinatorShard,
  type GroupRecord,
  type GroupRequest,
  type Moment,
  type StepResult,
} from "@ottla/coordinator/internal";
import { ErrorCode } from "@ottla/protocol";
import type { Clock, Logger, Runtime, Timer } from "@ottla/runtime";
import type { Partition } from "../partition/partition.ts";
import { errnoOf } from "../partition/partition-error.ts";
import { GroupCommit, isTooLarge } from "./group-commit.ts";

export interface ShardRunnerOptions {
  readonly shard: GroupCoordinatorShard;
  readonly partition: Partition;
  readonly runtime: Runtime;
  /** The largest record batch that the topic takes. */
  readonly maxBatchBytes: () => number;
  /**
   * Called when records were lost after the log had taken them: only the log knows now what is true. The runner has
   * sent everybody away who waited, and takes no more requests.
   */
  readonly onLost: (error: unknown) => void;
}

/** The clock's present time as the state machine wants it. */
export function momentOf(clock: Clock): Moment {
  return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
}

/**
 * Runs a loaded shard on its partition: appends its records, those of one turn of the event loop together, tells it
 * when they are committed, gives its answers out, and lets time pass for it with one timer.
 */
export class ShardRunner {
  readonly #options: ShardRunnerOptions;
  readonly #logger: Logger;
  #commit: GroupCommit | null = null;
  #timer: Timer | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(options: ShardRunnerOptions) {
    this.#options = options;
    this.#logger = options.runtime.logger;
  }

  /** Goes on from where loading has left off. */
  start(): void {
    this.#take(this.#shard.finishLoading(this.#now()));
  }

  /** Hands a request to the shard. Its ticket is completed in this call or later. */
  submit(request: GroupRequest): void {
    this.#take(this.#shard.handle(request, this.#now()));
  }

  /** Sends everybody away who waits: this broker coordinates these groups no longer. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#commit = null;
    for (const reply of this.#shard.unload(this.#now())) deliver(reply);
  }

  get #shard(): GroupCoordinatorShard {
    return this.#options.shard;
  }

  #now(): Moment {
    return momentOf(this.#options.runtime.clock);
  }

  #take({ records, writeId, replies }: StepResult): void {
    if (writeId !== null) this.#collect(writeId, records);
    for (const reply of replies) deliver(reply);
    this.#setTimer();
  }

  #collect(writeId: number, records: StepResult["records"]): void {
    const { runtime } = this.#options;
    const maxBatchBytes = this.#options.maxBatchBytes();
    const encoded = encodeAll(records, maxBatchBytes);
    if (typeof encoded === "number") {
      // It fails by itself, before it can take along what others have to append in this turn.
      this.#take(this.#shard.appendFailed(writeId, encoded, this.#now()));
      return;
    }
    if (this.#commit === null) {
      this.#commit = new GroupCommit(writeId, maxBatchBytes);
      runtime.timers.defer(() => this.#append());
    }
    this.#commit.add(writeId, encoded, runtime.clock.nowMs());
  }

  #append(): void {
    const commit = this.#commit;
    this.#commit = null;
    if (commit === null || this.#isStopped) return;
    try {
      const { append, committed } = this.#options.partition.appendAsLeader(commit.close(), {
        acks: -1,
        origin: "coordinator",
      });
      const onLost = (error: unknown) => this.#onLost(error);
      append.written.catch(onLost);
      committed.then(() => this.#onCommitted(commit.lastWriteId)).catch(onLost);
    } catch (error) {
      this.#onRefused(commit, error);
    }
  }

  #onCommitted(writeId: number): void {
    if (!this.#isStopped) this.#take(this.#shard.committed(writeId, this.#now()));
  }

  #onRefused({ firstWriteId }: GroupCommit, error: unknown): void {
    const { topic, partition } = this.#options.partition;
    this.#logger.warn("records of groups could not be appended", { topic, partition, err: error });
    this.#take(this.#shard.appendFailed(firstWriteId, errnoOf(error), this.#now()));
  }

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
function encodeAll(records: readonly GroupRecord[], maxBatchBytes: number): EncodedGroupRecord[] | number {
  try {
    const encoded = records.map(encodeGroupRecord);
    return encoded.some((record) => isTooLarge(record, maxBatchBytes)) ? ErrorCode.MESSAGE_TOO_LARGE : encoded;
  } catch (error) {
    // A name that a request may hold but a record may not, such as a group id of 40,000 characters.
    return errnoOf(error);
  }
}
