import {
  type CompressionType,
  CorruptRecordError,
  codecByName,
  ErrorCode,
  type RecordBatch,
  RecordBatchBuilder,
  readRecordBatch,
} from "@ottla/protocol";
import {
  BATCH_HEADER_BYTES,
  baseTimestampAt,
  batchSizeAt,
  compressionAt,
  validateProducedBatch,
} from "@ottla/protocol/internal";
import type { Runtime } from "@ottla/runtime";
import { AppendRejected, type LogConfig } from "@ottla/storage";
import { type RecordPolicy, RecordRules } from "@ottla/storage/internal";

/** `compression.type` of a topic that does not leave it to the producer. */
export interface TopicCompression {
  readonly type: CompressionType;
  /** The codec's own default where absent. */
  readonly level?: number;
}

/** What a leader does to a producer's batches before they are appended. */
export interface BatchPolicy extends RecordPolicy, Pick<LogConfig, "maxMessageBytes"> {
  /** Null: batches stay as the producer made them. */
  readonly compression: TopicCompression | null;
}

/** A batch whose records have to be looked at may hold this much: it is decompressed in one piece. */
export const DECOMPRESSED_BYTES_MAX = 32 * 1024 * 1024;

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
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(runtime: Pick<Runtime, "clock" | "timers">) {
    this.#runtime = runtime;
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
    const rules = new RecordRules(policy, this.#runtime.clock.nowMs());
    const mustOpen = present !== 0 && rules.mustOpen(batch, 0);
    if (!mustRecompress && !mustOpen) return batch;
    const problem = validateProducedBatch(batch, 0);
    if (problem !== null) throw new AppendRejected(problem.errorCode, problem.message);
    // More than one batch: the log says no.
    if (batchSizeAt(batch, 0) !== batch.length) return batch;
    rules.dropLogAppendTime(batch, 0);
    const work = () =>
      after(openBatch(batch), (opened) => {
        rules.check(opened, batch, 0);
        return mustRecompress ? recompress(batch, opened, policy.compression!) : batch;
      });
    return batch.length <= AT_ONCE_BYTES_MAX ? work() : this.#inTurn(work);
  }

  /** Each begins in a turn of the event loop of its own. */
  async #inTurn(work: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
    if (this.#running < LARGE_AT_ONCE_MAX) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await new Promise<void>((resolve) => this.#runtime.timers.defer(resolve));
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

function openBatch(batch: Uint8Array): RecordBatch | Promise<RecordBatch> {
  try {
    const opened = readRecordBatch(batch, 0, { checkCrcs: false, maxDecompressedBytes: DECOMPRESSED_BYTES_MAX });
    return opened instanceof Promise ? opened.catch(refuse) : opened;
  } catch (error) {
    return refuse(error);
  }
}

/**
 * What does not decompress though its CRC is right was sent like that. Its producer is not to send it again and again, as
 * CORRUPT_MESSAGE would have it do.
 */
function refuse(error: unknown): never {
  if (!(error instanceof CorruptRecordError)) throw error;
  throw new AppendRejected(ErrorCode.INVALID_RECORD, error.message);
}

function recompress(
  batch: Uint8Array,
  opened: RecordBatch,
  { type, level }: TopicCompression,
): Uint8Array | Promise<Uint8Array> {
  const builder = new RecordBatchBuilder({
    initialCapacityBytes: 2 * batch.length,
    baseTimestampMs: baseTimestampAt(batch, 0),
  });
  for (const cursor = opened.cursor(); cursor.next(); ) builder.appendCopy(cursor, cursor.offset - opened.baseOffset);
  return builder.close({
    compression: type,
    ...(level !== undefined && { compressionLevel: level }),
    producerId: opened.producerId,
    producerEpoch: opened.producerEpoch,
    baseSequence: opened.baseSequence,
    isTransactional: opened.isTransactional,
    timestampType: opened.timestampType,
  });
}

function after<In, Out>(value: In | Promise<In>, step: (value: In) => Out | Promise<Out>): Out | Promise<Out> {
  return value instanceof Promise ? value.then(step) : step(value);
}
