import { RecordBatch, readRecordBatch } from "@ottla/protocol";
import { type EndTransactionMarker, readEndTransactionMarker } from "@ottla/protocol/internal";

/** The transaction marker in a control batch; null where the batch holds another kind of control record, or none. */
export function readMarker(bytes: Uint8Array, position: number): EndTransactionMarker | null {
  const batch = readRecordBatch(bytes, position, { checkCrcs: false });
  if (!(batch instanceof RecordBatch)) throw new Error("control batches are never compressed");
  for (const record of batch) return readEndTransactionMarker(record.key, record.value);
  return null;
}
