import { decodeGroupRecord } from "@ottla/coordinator/internal";
import { deserializeRecord, METADATA_TOPIC } from "@ottla/metadata";
import { coordinatorRecordType, transactionLogRecord } from "@ottla/protocol/internal";
import type { RecordDecoder } from "@ottla/storage/internal";

/** What records of internal topics say. A record that cannot be decoded is shown as bytes. */
export const decodeRecord: RecordDecoder = (topic, { key, value }) => {
  try {
    if (topic === "__consumer_offsets" && key !== null) return known(decodeGroupRecord(key, value));
    if (topic === "__transaction_state" && key !== null) return transaction(key, value);
    if (topic === METADATA_TOPIC && value !== null) return deserializeRecord(value);
  } catch {
    // Written by something newer, or damaged: the bytes are all there is to show.
  }
  return undefined;
};

function known(record: ReturnType<typeof decodeGroupRecord>) {
  return record.type === "unknown" ? undefined : record;
}

function transaction(key: Uint8Array, value: Uint8Array | null) {
  if (coordinatorRecordType(key) !== transactionLogRecord.type) return undefined;
  return {
    type: "transaction",
    key: transactionLogRecord.decodeKey(key),
    value: value && transactionLogRecord.decodeValue(value).value,
  };
}
