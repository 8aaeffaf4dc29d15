import { incrementSequence, openRecordBatch } from "@ottla/protocol/client";
import { ProducerBatch } from "./producer-batch.ts";

/**
 * Two batches with the records of one that the broker found too large, about half the bytes each. They take over its
 * place: order, sequence, age and attempts.
 */
export async function splitBatch(batch: ProducerBatch, bytes: Uint8Array): Promise<ProducerBatch[]> {
  const whole = await openRecordBatch(bytes);
  const cursor = whole.cursor();
  const halfBytes = Math.ceil(cursor.bytes.length / 2);
  const first = partOf(batch, 0, halfBytes);
  cursor.next();
  first.appendCopy(cursor);
  let index = 1;
  for (; cursor.next(); index++) {
    const isLast = index === whole.recordsCount - 1;
    if (isLast || first.sizeBytes + (cursor.end - cursor.keyStart) > halfBytes) break;
    first.appendCopy(cursor);
  }
  const second = partOf(batch, index, halfBytes);
  do second.appendCopy(cursor);
  while (cursor.next());
  return [first, second];
}

function partOf(batch: ProducerBatch, firstIndex: number, capacityBytes: number): ProducerBatch {
  const { topic, partition, createdAtMs, isTransactional } = batch;
  const buffer = new Uint8Array(capacityBytes);
  const part = new ProducerBatch({ topic, partition, createdAtMs, buffer, isTransactional });
  part.order = batch.order + firstIndex;
  part.attempts = batch.attempts;
  if (batch.hasSequence) {
    const baseSequence = incrementSequence(batch.baseSequence, firstIndex);
    part.assignSequence(batch.producerId, batch.producerEpoch, baseSequence);
  }
  return part;
}
