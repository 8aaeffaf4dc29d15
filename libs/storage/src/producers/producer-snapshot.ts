import { crc32c } from "@ottla/protocol";
import { NO_OFFSET, type ProducerEntry } from "./producer-entry.ts";

/*
 * Kafka's ProducerSnapshot, version 1: version int16, CRC-32C (uint32) of all that follows it, then an array of
 * entries. Of the remembered batches it keeps the last one only.
 */

const VERSION = 1;
const CRC_AT = 2;
const COUNT_AT = 6;
const HEADER_BYTES = 10;
const ENTRY_BYTES = 46;

/** A snapshot file that cannot be used: it is dropped and the state is read from the log instead. */
export class CorruptSnapshot extends Error {
  constructor(problem: string) {
    super(`corrupt producer snapshot: ${problem}`);
    this.name = "CorruptSnapshot";
  }
}

export function encodeProducerSnapshot(entries: ReadonlyMap<number, ProducerEntry>): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + entries.size * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, VERSION);
  view.setInt32(COUNT_AT, entries.size);
  let position = HEADER_BYTES;
  for (const entry of entries.values()) {
    encodeEntry(view, position, entry);
    position += ENTRY_BYTES;
  }
  view.setUint32(CRC_AT, crc32c(bytes, COUNT_AT, bytes.length));
  return bytes;
}

/** @param loadedMs becomes the entries' last activity: the snapshot does not say when that was */
export function decodeProducerSnapshot(bytes: Uint8Array, loadedMs: number): ProducerEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkSnapshot(view, bytes);
  const entries: ProducerEntry[] = [];
  for (let position = HEADER_BYTES; position < bytes.length; position += ENTRY_BYTES) {
    entries.push(decodeEntry(view, position, loadedMs));
  }
  return entries;
}

function checkSnapshot(view: DataView, bytes: Uint8Array): void {
  if (bytes.length < HEADER_BYTES) throw new CorruptSnapshot(`it has ${bytes.length} bytes`);
  const version = view.getInt16(0);
  if (version !== VERSION) throw new CorruptSnapshot(`version ${version} is not supported`);
  if (view.getUint32(CRC_AT) !== crc32c(bytes, COUNT_AT, bytes.length)) throw new CorruptSnapshot("its CRC is wrong");
  const count = view.getInt32(COUNT_AT);
  if (bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) {
    throw new CorruptSnapshot(`it announces ${count} entries in ${bytes.length} bytes`);
  }
}

function encodeEntry(view: DataView, position: number, entry: ProducerEntry): void {
  const last = entry.batches.at(-1);
  view.setBigInt64(position, BigInt(entry.producerId));
  view.setInt16(position + 8, entry.producerEpoch);
  view.setInt32(position + 10, last?.lastSequence ?? -1);
  view.setBigInt64(position + 14, BigInt(last?.lastOffset ?? -1));
  view.setInt32(position + 22, last === undefined ? 0 : last.lastOffset - last.firstOffset);
  view.setBigInt64(position + 26, BigInt(entry.lastTimestampMs));
  view.setInt32(position + 34, entry.coordinatorEpoch);
  view.setBigInt64(position + 38, BigInt(entry.transactionFirstOffset));
}

function decodeEntry(view: DataView, position: number, loadedMs: number): ProducerEntry {
  const lastSequence = view.getInt32(position + 10);
  const lastOffset = Number(view.getBigInt64(position + 14));
  const offsetDelta = view.getInt32(position + 22);
  const batch = {
    firstSequence: firstSequence(lastSequence, offsetDelta),
    lastSequence,
    firstOffset: lastOffset - offsetDelta,
    lastOffset,
  };
  return {
    producerId: Number(view.getBigInt64(position)),
    producerEpoch: view.getInt16(position + 8),
    batches: lastOffset === NO_OFFSET ? [] : [batch],
    lastTimestampMs: Number(view.getBigInt64(position + 26)),
    lastActiveMs: loadedMs,
    coordinatorEpoch: view.getInt32(position + 34),
    transactionFirstOffset: Number(view.getBigInt64(position + 38)),
  };
}

/** `lastSequence - delta` in the space of sequence numbers, which wraps from 2^31-1 to 0. */
function firstSequence(lastSequence: number, delta: number): number {
  const first = lastSequence - delta;
  return first < 0 ? first + 2 ** 31 : first;
}
