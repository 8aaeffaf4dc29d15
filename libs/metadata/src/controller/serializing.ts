import { RECORDS_A_TURN } from "../log/replay.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { serializeRecord } from "../records/record-serde.ts";

/** Records in Kafka's form, in pieces: whoever runs it may do something else between two of them. */
export function* serializing(records: readonly NewMetadataRecord[]): Generator<void, Uint8Array[]> {
  const serialized: Uint8Array[] = [];
  for (const record of records) {
    if (serialized.length > 0 && serialized.length % RECORDS_A_TURN === 0) yield;
    serialized.push(serializeRecord(record));
  }
  return serialized;
}
