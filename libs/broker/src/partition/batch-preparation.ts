import {
  type CompressionType,
  codecByName,
  ErrorCode,
  KafkaError,
  type RecordBatch,
  RecordBatchBuilder,
  readRecordBatch,
} from "@ottla/protocol";
import {
  BATCH_HEADER_BYTES,
  baseTimestampAt,
  batchSizeAt,
  compressionAt,
  type RecordCursor,
  validateProducedBatch,
} from "@ottla/protocol/internal";
import type { Timers } from "@ottla/runtime";
import { AppendRejected, type LogConfig, type RecordError } from "@ottla/storage";

/** `compression.type` of a topic that does not leave it to the producer. */
export interface TopicCompression {
  readonly type: CompressionType;
  /** The codec's own default where absent. */
  readonly level?: number;
}

/** What a leader does to a producer's batches before they are appended. */
export interface BatchPolicy extends Pick<LogConfig, "cleanupPolicy" | "maxMessageBytes"> {
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
 * (`compression.type`), or a look at compressed records (a compacted topic takes none without a key).
 */
export class BatchPreparation {
  readonly #timers: Pick<Timers, "defer">;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(timers: Pick<Timers, "defer">) {
    this.#timers = timers;
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
    const mustLook = present !== 0 && policy.cleanupPolicy.includes("compact");
    if (!mustRecompress && !mustLook) return batch;
    const problem = validateProducedBatch(batch, 0);
    if (problem !== null) throw new AppendRejected(problem.errorCode, problem.message);
    // More than one batch: the log says no.
    if (batchSizeAt(batch, 0) !== batch.length) return batch;
    const work = () => after(openBatch(batch), (opened) => rebuild(batch, opened, mustRecompress, policy));
    return batch.length <= AT_ONCE_BYTES_MAX ? work() : this.#inTurn(work);
  }

  /** Each begins in a turn of the event loop of its own. */
  async #inTurn(work: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
    if (this.#running < LARGE_AT_ONCE_MAX) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await new Promise<void>((resolve) => this.#timers.defer(resolve));
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

function openBatch(batch: Uint8Array): RecordBatch | Promise<RecordBatch> {
  return readRecordBatch(batch, 0, { checkCrcs: false, maxDecompressedBytes: DECOMPRESSED_BYTES_MAX });
}

function rebuild(
  batch: Uint8Array,
  opened: RecordBatch,
  mustRecompress: boolean,
  { compression, cleanupPolicy }: BatchPolicy,
): Uint8Array | Promise<Uint8Array> {
  const needsKeys = cleanupPolicy.includes("compact");
  const builder = new RecordBatchBuilder({
    initialCapacityBytes: mustRecompress ? 2 * batch.length : BATCH_HEADER_BYTES,
    baseTimestampMs: baseTimestampAt(batch, 0),
  });
  const errors: RecordError[] = [];
  const cursor = opened.cursor();
  for (let index = 0; next(cursor); index++) {
    if (needsKeys && cursor.keyLength < 0) errors.push({ batchIndex: index, message: WITHOUT_KEY });
    if (mustRecompress) builder.appendCopy(cursor, cursor.offset - opened.baseOffset);
  }
  if (errors.length > 0) throw new AppendRejected(ErrorCode.INVALID_RECORD, WITHOUT_KEY, errors);
  if (!mustRecompress || compression === null) return batch;
  return builder.close({
    compression: compression.type,
    ...(compression.level !== undefined && { compressionLevel: compression.level }),
    producerId: opened.producerId,
    producerEpoch: opened.producerEpoch,
    baseSequence: opened.baseSequence,
    isTransactional: opened.isTransactional,
    timestampType: opened.timestampType,
  });
}

const WITHOUT_KEY = "a compacted topic takes no record without a key";

/** Records that are not what their batch says are the producer's fault. */
function next(cursor: RecordCursor): boolean {
  try {
    return cursor.next();
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    throw new AppendRejected(ErrorCode.INVALID_RECORD, error.message);
  }
}

function after<In, Out>(value: In | Promise<In>, step: (value: In) => Out | Promise<Out>): Out | Promise<Out> {
  return value instanceof Promise ? value.then(step) : step(value);
}
