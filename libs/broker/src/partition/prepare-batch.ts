import {
  type CompressionType,
  CorruptRecordError,
  ErrorCode,
  type RecordBatch,
  RecordBatchBuilder,
  readRecordBatch,
} from "@ottla/protocol";
import { baseTimestampAt } from "@ottla/protocol/internal";
import { AppendRejected } from "@ottla/storage";
import { type RecordPolicy, RecordRules } from "@ottla/storage/internal";

/** `compression.type` of a topic that does not leave it to the producer. */
export interface TopicCompression {
  readonly type: CompressionType;
  /** The codec's own default where absent. */
  readonly level?: number;
}

/** What is to be done to a batch: plain data, which can be handed to a thread. */
export interface PreparationOrder {
  /** What its records are held to, and at which moment. */
  readonly policy: RecordPolicy;
  readonly nowMs: number;
  /** Null where the records are only looked at. */
  readonly compression: TopicCompression | null;
}

/** A batch whose records have to be looked at may hold this much: it is decompressed in one piece. */
export const DECOMPRESSED_BYTES_MAX = 32 * 1024 * 1024;

/**
 * Looks at each record of a batch, and compresses them as their topic wants it.
 * @throws AppendRejected and KafkaError (also as rejections) where it is not valid
 */
export function prepareBatch(
  batch: Uint8Array,
  { policy, nowMs, compression }: PreparationOrder,
): Uint8Array | Promise<Uint8Array> {
  const rules = new RecordRules(policy, nowMs);
  rules.dropLogAppendTime(batch, 0);
  return after(openBatch(batch), (opened) => {
    rules.check(opened, batch, 0);
    return compression === null ? batch : recompress(batch, opened, compression);
  });
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
