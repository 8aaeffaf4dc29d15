import { codecByName } from "@ottla/protocol";
import { BATCH_HEADER_BYTES, batchSizeAt, compressionAt, validateProducedBatch } from "@ottla/protocol/internal";
import type { Runtime } from "@ottla/runtime";
import { AppendRejected, type LogConfig } from "@ottla/storage";
import { type RecordPolicy, RecordRules } from "@ottla/storage/internal";
import { type PreparationOrder, prepareBatch, type TopicCompression } from "./prepare-batch.ts";

/** What a leader does to a producer's batches before they are appended. */
export interface BatchPolicy extends RecordPolicy, Pick<LogConfig, "maxMessageBytes"> {
  /** Null: batches stay as the producer made them. */
  readonly compression: TopicCompression | null;
}

/**
 * Does what {@link prepareBatch} does somewhere else, in a thread: with a large batch it takes longer than others should wait
 * for the event loop. The batch is left as it is.
 */
export type PreparationExecutor = (batch: Uint8Array, order: PreparationOrder) => Promise<Uint8Array>;

/** Up to this size a batch is prepared at once: it takes less than a millisecond. */
const AT_ONCE_BYTES_MAX = 64 * 1024;

/** Larger ones are prepared this many at a time: a bound of the memory that they take. */
const LARGE_AT_ONCE_MAX = 2;

/**
 * Prepares producers' batches where their topic asks for more than appending them as they came: another codec
 * (`compression.type`), or a look at compressed records (at their keys in a compacted topic, at their timestamps where the
 * header does not say that all are within bounds, or cannot be right).
 */
export class BatchPreparation {
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #prepareLarge: PreparationExecutor;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param executor where large batches are prepared; default: each in a turn of the event loop of its own */
  constructor(runtime: Pick<Runtime, "clock" | "timers">, executor?: PreparationExecutor) {
    this.#runtime = runtime;
    this.#prepareLarge = executor ?? ((batch, order) => this.#inTurn(batch, order));
  }

  /**
   * The batch to append: `batch` itself where nothing is to be done to it, which is the rule.
   * @throws AppendRejected and KafkaError (also as rejections) where it is not valid
   */
  prepare(batch: Uint8Array, policy: BatchPolicy): Uint8Array | Promise<Uint8Array> {
    const codecId = policy.compression === null ? null : codecByName(policy.compression.type).id;
    if (batch.length < BATCH_HEADER_BYTES || batch.length > policy.maxMessageBytes) return batch;
    const present = compressionAt(batch, 0);
    const mustRecompress = codecId !== null && codecId !== present;
    const nowMs = this.#runtime.clock.nowMs();
    const mustOpen = present !== 0 && new RecordRules(policy, nowMs).mustOpen(batch, 0);
    if (!mustRecompress && !mustOpen) return batch;
    const problem = validateProducedBatch(batch, 0);
    if (problem !== null) throw new AppendRejected(problem.errorCode, problem.message);
    // More than one batch: the log says no.
    if (batchSizeAt(batch, 0) !== batch.length) return batch;
    const order = { policy: recordPolicy(policy), nowMs, compression: mustRecompress ? policy.compression : null };
    return batch.length <= AT_ONCE_BYTES_MAX ? prepareBatch(batch, order) : this.#fewAtATime(batch, order);
  }

  async #fewAtATime(batch: Uint8Array, order: PreparationOrder): Promise<Uint8Array> {
    if (this.#running < LARGE_AT_ONCE_MAX) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await this.#prepareLarge(batch, order);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  async #inTurn(batch: Uint8Array, order: PreparationOrder): Promise<Uint8Array> {
    await new Promise<void>((resolve) => this.#runtime.timers.defer(resolve));
    return await prepareBatch(batch, order);
  }
}

/** Of a partition's configs what a thread has to know. */
function recordPolicy(policy: RecordPolicy): RecordPolicy {
  const { cleanupPolicy, messageTimestampType, messageTimestampBeforeMaxMs, messageTimestampAfterMaxMs } = policy;
  return { cleanupPolicy, messageTimestampType, messageTimestampBeforeMaxMs, messageTimestampAfterMaxMs };
}
