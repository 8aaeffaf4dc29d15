import { encodeRecordBatch } from "./encode.ts";
import { CorruptRecordError } from "./errors.ts";
import { readInt16, readInt32, writeInt16, writeInt32 } from "./integers.ts";

/** Kafka's control record types by name, with the number that stands in the record's key. */
const CONTROL_TYPE_IDS = {
  abort: 0,
  commit: 1,
  "leader-change": 2,
  "snapshot-header": 3,
  "snapshot-footer": 4,
  "kraft-version": 5,
  "kraft-voters": 6,
} as const;

export type ControlRecordType = keyof typeof CONTROL_TYPE_IDS;

/** A control record as read. */
export interface ControlRecord {
  /** `unknown` for types that were added to Kafka later: readers skip those. */
  readonly type: ControlRecordType | "unknown";
  /** The version of the record's key, which tells nothing about the value's. */
  readonly version: number;
}

/** The marker that ends a transaction in one partition. */
export interface EndTransactionMarker {
  readonly type: "commit" | "abort";
  /** The epoch of the transaction coordinator that wrote it. */
  readonly coordinatorEpoch: number;
}

/** Who writes a control batch, and where. */
export interface ControlBatchInput {
  readonly type: ControlRecordType;
  /** The encoded message of that type, version included. */
  readonly value: Uint8Array;
  readonly timestampMs: number;
  /** Default 0. */
  readonly baseOffset?: number;
  /** Default -1. */
  readonly partitionLeaderEpoch?: number;
  /** Default -1. */
  readonly producerId?: number;
  /** Default -1. */
  readonly producerEpoch?: number;
  /** Default false. */
  readonly isTransactional?: boolean;
}

/** Who ends which transaction. */
export interface EndTransactionMarkerInput extends EndTransactionMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly timestampMs: number;
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
}

const KEY_VERSION = 0;
const KEY_BYTES = 4;
const END_TRANSACTION_MARKER_VERSION = 0;
const END_TRANSACTION_MARKER_BYTES = 6;

/** A batch of one control record. */
export function encodeControlBatch(input: ControlBatchInput): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  writeInt16(key, 0, KEY_VERSION);
  writeInt16(key, 2, CONTROL_TYPE_IDS[input.type]);
  return encodeRecordBatch({ ...input, isControlBatch: true, records: [{ key, value: input.value }] });
}

/** The control batch that commits or aborts a producer's transaction in one partition. */
export function encodeEndTransactionMarker(input: EndTransactionMarkerInput): Uint8Array {
  const value = new Uint8Array(END_TRANSACTION_MARKER_BYTES);
  writeInt16(value, 0, END_TRANSACTION_MARKER_VERSION);
  writeInt32(value, 2, input.coordinatorEpoch);
  return encodeControlBatch({ ...input, value, isTransactional: true });
}

/**
 * What a record of a control batch says, by its key.
 *
 * @throws CorruptRecordError if the key is not one of a control record
 */
export function readControlRecord(key: Uint8Array | null): ControlRecord {
  if (key === null || key.length < KEY_BYTES) throw new CorruptRecordError("corrupt control record: bad key");
  const version = readInt16(key, 0);
  if (version < 0) throw new CorruptRecordError(`corrupt control record: key version ${version}`);
  const id = readInt16(key, 2);
  for (const type of Object.keys(CONTROL_TYPE_IDS) as ControlRecordType[]) {
    if (CONTROL_TYPE_IDS[type] === id) return { type, version };
  }
  return { type: "unknown", version };
}

/**
 * The transaction marker in a control record, or null if the record is of another type.
 *
 * @throws CorruptRecordError if key or value cannot be read
 */
export function readEndTransactionMarker(
  key: Uint8Array | null,
  value: Uint8Array | null,
): EndTransactionMarker | null {
  const { type } = readControlRecord(key);
  if (type !== "commit" && type !== "abort") return null;
  if (value === null || value.length < END_TRANSACTION_MARKER_BYTES || readInt16(value, 0) < 0) {
    throw new CorruptRecordError("corrupt control record: bad transaction marker");
  }
  return { type, coordinatorEpoch: readInt32(value, 2) };
}
