import { readRecordBatch } from "@ottla/protocol";
import { nextBatchPosition } from "@ottla/protocol/internal";
import type { PartitionLog } from "@ottla/storage";

/** A record as it lies in a log: the leader epoch that its batch was written in, and its value. */
export interface LoggedRecord {
  readonly offset: number;
  readonly epoch: number;
  readonly value: string;
}

const READ_BYTES = 1 << 20;
const decoder = new TextDecoder();

/** The records of a log in [`from`, `to`), control records included. */
export async function recordsOf(log: PartitionLog, from: number, to: number): Promise<LoggedRecord[]> {
  const records: LoggedRecord[] = [];
  for (let offset = from; offset < to; ) {
    const before = offset;
    const read = await log.read(offset, { maxBytes: READ_BYTES, minOneBatch: true, limit: "logEnd" });
    for (const chunk of read.chunks) {
      for (let position = 0; position < chunk.length; position = nextBatchPosition(chunk, position)) {
        const batch = await readRecordBatch(chunk, position);
        const { partitionLeaderEpoch: epoch } = batch;
        for (const record of batch) {
          if (record.offset < from || record.offset >= to) continue;
          records.push({ offset: record.offset, epoch, value: decoder.decode(record.value ?? new Uint8Array(0)) });
        }
        offset = batch.lastOffset + 1;
      }
    }
    read.release();
    if (offset === before) break;
  }
  return records;
}
