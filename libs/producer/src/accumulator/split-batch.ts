import { RecordBatchBuilder, readRecordBatch } from "@ottla/protocol";
import { incrementSequence } from "@ottla/protocol/internal";
import { ProducerBatch } from "./producer-batch.ts";

/**
 * Two batches with the records of one that the broker found too large, half the bytes each as far as records allow.
 * They take over its place: order, sequence, age and attempts.
 */
export async function splitBatch(batch: ProducerBatch, bytes: Uint8Array): Promise<ProducerBatch[]> {
  const whole = await readRecordBatch(bytes);
  const cursor = whole.cursor();
  const halfBytes = cursor.bytes.length / 2;
  const parts: ProducerBatch[] = [];
  let builder = new RecordBatchBuilder({ initialCapacityBytes: halfBytes });
  let firstIndex = 0;
  for (let index = 0; cursor.next(); index++) {
    const isSecondHalf =
      parts.length === 0 && index > 0 && builder.sizeBytes + (cursor.end - cursor.keyStart) > halfBytes;
    if (isSecondHalf || (parts.length === 0 && index === whole.recordsCount - 1 && index > 0)) {
      parts.push(partOf(batch, builder, firstIndex));
      builder = new RecordBatchBuilder({ initialCapacityBytes: halfBytes });
      firstIndex = index;
    }
    builder.appendCopy(cursor, index - firstIndex);
  }
  parts.push(partOf(batch, builder, firstIndex));
  return parts;
}

function partOf(batch: ProducerBatch, builder: RecordBatchBuilder, firstIndex: number): ProducerBatch {
  const { topic, partition, createdAtMs } = batch;
  const part = new ProducerBatch({ topic, partition, createdAtMs, builder });
  part.order = batch.order + firstIndex;
  part.attempts = batch.attempts;
  if (batch.hasSequence) {
    const baseSequence = incrementSequence(batch.baseSequence, firstIndex);
    part.assignSequence(batch.producerId, batch.producerEpoch, baseSequence);
  }
  return part;
}
