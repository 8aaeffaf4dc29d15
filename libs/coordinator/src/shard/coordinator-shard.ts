import type { Moment } from "./step.ts";
import type { Reply } from "./ticket.ts";

/** Whose transaction records are part of. */
export interface TransactionalProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** The marker that ends a producer's transaction in a coordinator's own partition. */
export interface MarkerToWrite extends TransactionalProducer {
  readonly outcome: "commit" | "abort";
  readonly coordinatorEpoch: number;
  readonly transactionVersion: number;
}

/** What a step of a shard asks its runner to do. */
export interface StepResult<ShardRecord, Effect = never> {
  /** To be appended, in order, after those of earlier steps. */
  readonly records: readonly ShardRecord[];
  /** Names these records when they turn out to be committed or not; null where there are none. */
  readonly writeId: number | null;
  /** The transaction that all of these records are part of; absent or null outside any. */
  readonly transaction?: TransactionalProducer | null;
  /** A marker to be appended in place of records. */
  readonly marker?: MarkerToWrite | null;
  /** Answers that may leave now. */
  readonly replies: readonly Reply[];
  /** What else is to be done, by who runs the shard. */
  readonly effects?: readonly Effect[];
}

/**
 * The coordinator of one partition of its log, in one leader epoch, as its runner sees it: a deterministic state
 * machine. First the log is replayed, then {@link finishLoading} is called, and from then on every event is a step.
 */
export interface CoordinatorShard<Request, ShardRecord, Effect = never> {
  /** When {@link tick} is to be called, by the monotonic clock; infinite for never. */
  readonly nextDeadlineMs: number;
  /** The log has been replayed to its end. All of it is committed, or may be told for other reasons. */
  finishLoading(now: Moment): StepResult<ShardRecord, Effect>;
  /** Something has happened. */
  handle(request: Request, now: Moment): StepResult<ShardRecord, Effect>;
  /** Time has passed. */
  tick(now: Moment): StepResult<ShardRecord, Effect>;
  /** The records of every write up to `writeId` are committed. */
  committed(writeId: number, now: Moment): StepResult<ShardRecord, Effect>;
  /** The records of `writeId` and of every write after it are not in the log, and will not be. */
  appendFailed(writeId: number, appendError: number, now: Moment): StepResult<ShardRecord, Effect>;
  /** The partition is coordinated here no longer: whoever waits is sent to look for the one that does. */
  unload(now: Moment): readonly Reply[];
}

/** A record in the form in which it stands in a batch. */
export interface EncodedRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}
