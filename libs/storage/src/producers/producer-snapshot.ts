import { crc32c } from "@ottla/protocol";
import { NO_OFFSET, type ProducerBatch, type ProducerEntry } from "./producer-entry.ts";

/*
 * Kafka's ProducerSnapshot, version 1: version int16, CRC-32C (uint32) of all that follows it, then an array of
 * entries. Kafka writes one for each producer, with its last batch only; a producer that had more in flight when the
 * broker stopped could then not be told from one that skips. So here each remembered batch has an entry, oldest first:
 * to Kafka, which takes them one after the other, the last one counts.
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
  let count = 0;
  for (const { batches } of entries.values()) count += Math.max(batches.length, 1);
  const bytes = new Uint8Array(HEADER_BYTES + count * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, VERSION);
  view.setInt32(COUNT_AT, count);
  let position = HEADER_BYTES;
  for (const entry of entries.values()) {
    for (const batch of entry.batches.slice(0, -1)) {
      const { timestampMs: lastTimestampMs } = batch;
      encodeEntry(view, position, { ...entry, lastTimestampMs, transactionFirstOffset: NO_OFFSET }, batch);
      position += ENTRY_BYTES;
    }
    encodeEntry(view, position, entry, entry.batches.at(-1));
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
    const entry = decodeEntry(view, position, loadedMs);
    const before = entries.at(-1);
    if (before?.producerId !== entry.producerId) entries.push(entry);
    else entries[entries.length - 1] = { ...entry, batches: [...before.batches, ...entry.batches] };
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

function encodeEntry(view: DataView, position: number, entry: ProducerEntry, batch: ProducerBatch | undefined): void {
  view.setBigInt64(position, BigInt(entry.producerId));
  view.setInt16(position + 8, entry.producerEpoch);
  view.setInt32(position + 10, batch?.lastSequence ?? -1);
  view.setBigInt64(position + 14, BigInt(batch?.lastOffset ?? -1));
  view.setInt32(position + 22, batch === undefined ? 0 : batch.lastOffset - batch.firstOffset);
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
    timestampMs: Number(view.getBigInt64(position + 26)),
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
