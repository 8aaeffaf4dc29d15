/** Index files as they lie on disk: entries of a fixed size, read without a log around them. */

export interface OffsetIndexEntry {
  readonly offset: number;
  readonly position: number;
}

export interface TimeIndexEntry {
  readonly timestampMs: number;
  readonly offset: number;
}

export interface TransactionIndexEntry {
  readonly version: number;
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastStableOffset: number;
}

/** The entries of a file, with what does not belong to any. */
export interface IndexContent<T> {
  readonly entries: readonly T[];
  /** Bytes at the end that are no whole entry. */
  readonly extraBytes: number;
  /** Entries of zeros at the end: space that Apache Kafka reserves in the index it writes to. */
  readonly reservedEntries: number;
}

const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;
const TRANSACTION_ENTRY_BYTES = 34;

export function readOffsetIndex(bytes: Uint8Array, baseOffset: number): IndexContent<OffsetIndexEntry> {
  return read(bytes, OFFSET_ENTRY_BYTES, (view, at) => ({
    offset: baseOffset + view.getInt32(at),
    position: view.getInt32(at + 4),
  }));
}

export function readTimeIndex(bytes: Uint8Array, baseOffset: number): IndexContent<TimeIndexEntry> {
  return read(bytes, TIME_ENTRY_BYTES, (view, at) => ({
    timestampMs: Number(view.getBigInt64(at)),
    offset: baseOffset + view.getInt32(at + 8),
  }));
}

export function readTransactionIndex(bytes: Uint8Array): IndexContent<TransactionIndexEntry> {
  return read(bytes, TRANSACTION_ENTRY_BYTES, (view, at) => ({
    version: view.getInt16(at),
    producerId: Number(view.getBigInt64(at + 2)),
    firstOffset: Number(view.getBigInt64(at + 10)),
    lastOffset: Number(view.getBigInt64(at + 18)),
    lastStableOffset: Number(view.getBigInt64(at + 26)),
  }));
}

function read<T>(bytes: Uint8Array, entryBytes: number, decode: (view: DataView, at: number) => T): IndexContent<T> {
  const count = Math.floor(bytes.length / entryBytes);
  const used = Math.ceil((bytes.findLastIndex((byte) => byte !== 0) + 1) / entryBytes);
  const usedCount = Math.min(used, count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = Array.from({ length: usedCount }, (_, i) => decode(view, i * entryBytes));
  return { entries, extraBytes: bytes.length % entryBytes, reservedEntries: count - usedCount };
}
