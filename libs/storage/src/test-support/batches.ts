import { encodeRecordBatch, type RecordBatchInput, type RecordInput } from "@ottla/protocol";
import { baseOffsetAt, batchSizeAt, encodeEndTransactionMarker, lastOffsetAt } from "@ottla/protocol/internal";
import type { LogRead } from "../partition-log.ts";

const encoder = new TextEncoder();

/** A batch of `count` small records, a millisecond apart from `timestampMs` on. */
export function batch(
  options: Partial<RecordBatchInput> & { readonly count?: number; readonly valueBytes?: number } = {},
) {
  const { count = 1, valueBytes = 10, timestampMs = 1_700_000_000_000, ...input } = options;
  const records: RecordInput[] = Array.from({ length: count }, (_, i) => ({
    key: encoder.encode(`key-${i}`),
    value: new Uint8Array(valueBytes).fill(i),
    timestampMs: timestampMs + i,
  }));
  return encodeRecordBatch({ records, ...input });
}

export interface Producer {
  readonly producerId: number;
  readonly producerEpoch?: number;
}

/** A batch of an idempotent producer. */
export function sequenced(producer: Producer, baseSequence: number, count = 1, isTransactional = false): Uint8Array {
  return batch({
    count,
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch ?? 0,
    baseSequence,
    isTransactional,
  });
}

export function marker(producer: Producer, type: "commit" | "abort", coordinatorEpoch = 0): Uint8Array {
  const { producerId, producerEpoch = 0 } = producer;
  return encodeEndTransactionMarker({
    producerId,
    producerEpoch,
    type,
    coordinatorEpoch,
    timestampMs: 1_700_000_000_000,
  });
}

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let position = 0;
  for (const chunk of chunks) {
    joined.set(chunk, position);
    position += chunk.length;
  }
  return joined;
}

/** [base offset, last offset] of each batch that a read returned. */
export function offsetsOf(read: LogRead): [number, number][] {
  const bytes = concat(read.chunks);
  const offsets: [number, number][] = [];
  for (let position = 0; position < bytes.length; position += batchSizeAt(bytes, position)) {
    offsets.push([baseOffsetAt(bytes, position), lastOffsetAt(bytes, position)]);
  }
  return offsets;
}
