import { type AnyMessage, MalformedFrameError, type Message } from "@ottla/protocol";
import { encodeMetadataRecord, readMetadataRecordFrame } from "@ottla/protocol/internal";
import { type MetadataRecord, type NewMetadataRecord, type RecordKindName, recordKinds } from "./metadata-record.ts";

const namesByType: ReadonlyMap<number, RecordKindName> = /*#__PURE__*/ new Map(
  (Object.keys(recordKinds) as RecordKindName[]).map((name) => [recordKinds[name].declaration.type, name]),
);

interface AnyDeclaration {
  readonly type: number;
  readonly message: Message<unknown, unknown>;
}

/** The value of one record of `__cluster_metadata`. */
export function serializeRecord(record: NewMetadataRecord): Uint8Array {
  const { declaration, writeVersion } = recordKinds[record.type];
  return encodeMetadataRecord(declaration as AnyDeclaration, record, writeVersion);
}

/**
 * Reads the value of one record of `__cluster_metadata`.
 * @throws MalformedFrameError for a kind of record that is not known here, or damaged bytes
 */
export function deserializeRecord(value: Uint8Array): MetadataRecord {
  const { type, version, body } = readMetadataRecordFrame(value);
  const name = namesByType.get(type);
  if (name === undefined) throw new MalformedFrameError(`metadata records of type ${type} are not known here`);
  const fields = (recordKinds[name].declaration.message as AnyMessage).decode(body, version);
  if (body.remaining > 0) throw new MalformedFrameError(`${body.remaining} bytes are left after a ${name}`);
  return { ...(fields as object), type: name } as MetadataRecord;
}

/** The record as readers of the log will see it: with the fields that were left out. */
export function asWritten(record: NewMetadataRecord): MetadataRecord {
  return deserializeRecord(serializeRecord(record));
}
