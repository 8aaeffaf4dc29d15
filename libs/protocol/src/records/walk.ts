import { MIN_RECORD_BYTES } from "./cursor.ts";
import { CorruptRecordError } from "./errors.ts";
import { baseTimestampAt, batchSizeAt, compressionAt, recordsCountAt } from "./header.ts";
import { BATCH_HEADER_BYTES, NO_TIMESTAMP } from "./layout.ts";
import { unzigzag64 } from "./varint.ts";

/**
 * Walks over the records of a whole batch that is not compressed, and makes sure that they are what its header says: as
 * many as it counts, one behind the other with offsets that rise by one, each filled by its key, value and headers, and
 * nothing behind the last. Every reader gets through such a batch.
 *
 * @returns the largest timestamp by the records' own account, -1 where none has one
 * @throws CorruptRecordError that says which record is at fault
 */
export function largestTimestampOf(bytes: Uint8Array, position: number): number {
  if (compressionAt(bytes, position) !== 0) throw new TypeError("compressed records cannot be walked over");
  return new RecordsWalk(bytes, position).largestTimestamp();
}

/**
 * A leader does this for every record that a client sends uncompressed, so it takes less than half of what a
 * `RecordCursor` does, which has positions to show (docs/decisions/0251). Numbers past the end of the bytes read as 0; where
 * a record ends is compared with what its length says, and that lies within the batch.
 */
class RecordsWalk {
  private readonly bytes: Uint8Array;
  private readonly start: number;
  private readonly end: number;
  private readonly count: number;
  private readonly baseTimestampMs: number;
  /** Of the record that is walked over. */
  private index = 0;
  /** Where the number ends that was read last. */
  private after = 0;

  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes;
    this.start = position + BATCH_HEADER_BYTES;
    this.end = position + batchSizeAt(bytes, position);
    this.count = recordsCountAt(bytes, position);
    this.baseTimestampMs = baseTimestampAt(bytes, position);
  }

  largestTimestamp(): number {
    let largestDelta = Number.NEGATIVE_INFINITY;
    let at = this.start;
    for (this.index = 0; this.index < this.count; this.index++) {
      const length = this.varint(at);
      const start = this.after;
      at = start + length;
      if (length < MIN_RECORD_BYTES || at > this.end) throw this.wrongLength("it", length, this.end - start);
      // A byte of attributes comes first, which nothing is made of.
      const timestampDelta = this.varlong(start + 1);
      if (timestampDelta > largestDelta) largestDelta = timestampDelta;
      const offsetDelta = this.varint(this.after);
      if (offsetDelta !== this.index) throw this.corrupt(`its offset delta is ${offsetDelta}`);
      const filledTo = this.contents(this.after, at);
      if (filledTo !== at) throw this.notFilled(at - filledTo);
    }
    if (at !== this.end) throw this.leftOver(this.end - at);
    return Math.max(NO_TIMESTAMP, this.baseTimestampMs + largestDelta);
  }

  /** Where key, value and headers end that start at `start`, in a record that ends at `end`. */
  private contents(start: number, end: number): number {
    const keyLength = this.varint(start);
    let at = this.after;
    if (keyLength < -1 || keyLength > end - at) throw this.wrongLength("its key", keyLength, end - at);
    if (keyLength > 0) at += keyLength;
    const valueLength = this.varint(at);
    at = this.after;
    if (valueLength < -1 || valueLength > end - at) throw this.wrongLength("its value", valueLength, end - at);
    if (valueLength > 0) at += valueLength;
    const headersCount = this.varint(at);
    return headersCount === 0 ? this.after : this.headers(headersCount, this.after, end);
  }

  private headers(count: number, start: number, end: number): number {
    // Two lengths at least: a count that is none does not make this walk on and on.
    if (count < 0 || count > (end - start) / 2) {
      throw this.corrupt(`it has ${count} headers by its own account, and ${end - start} bytes for them`);
    }
    let at = start;
    for (let index = 0; index < count; index++) {
      const nameLength = this.varint(at);
      at = this.after + nameLength;
      if (nameLength < 0 || at > end) throw this.wrongLength("a header's name", nameLength, end - this.after);
      const valueLength = this.varint(at);
      at = this.after + Math.max(valueLength, 0);
      if (valueLength < -1 || at > end) throw this.wrongLength("a header's value", valueLength, end - this.after);
    }
    return at;
  }

  private varint(at: number): number {
    const first = this.bytes[at]!;
    if (first < 0x80) {
      this.after = at + 1;
      return (first >>> 1) ^ -(first & 1);
    }
    const second = this.bytes[at + 1]!;
    if (second < 0x80) {
      this.after = at + 2;
      const zigzag = (first & 0x7f) | (second << 7);
      return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    return this.longVarint(at);
  }

  private longVarint(start: number): number {
    let zigzag = 0;
    let at = start;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.bytes[at++] ?? 0;
      zigzag |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      this.after = at;
      return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    throw this.corrupt("a varint is longer than 5 bytes");
  }

  private varlong(at: number): number {
    const bytes = this.bytes;
    const isShort = bytes[at]! < 0x80 || bytes[at + 1]! < 0x80 || bytes[at + 2]! < 0x80 || bytes[at + 3]! < 0x80;
    return isShort ? this.varint(at) : this.longVarlong(at);
  }

  private longVarlong(start: number): number {
    let zigzag = 0n;
    let at = start;
    for (let shift = 0n; shift <= 63n; shift += 7n) {
      const byte = this.bytes[at++] ?? 0;
      zigzag |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      this.after = at;
      return unzigzag64(BigInt.asUintN(64, zigzag));
    }
    throw this.corrupt("a varlong is longer than 10 bytes");
  }

  private notFilled(excessBytes: number): CorruptRecordError {
    if (excessBytes < 0) return this.corrupt(`its parts go ${-excessBytes} bytes beyond its length`);
    return this.corrupt(`${excessBytes} bytes are left after its parts`);
  }

  private leftOver(sizeBytes: number): CorruptRecordError {
    return new CorruptRecordError(`corrupt record batch: ${sizeBytes} bytes are left after its ${this.count} records`);
  }

  private wrongLength(what: string, length: number, room: number): CorruptRecordError {
    return this.corrupt(`${what} has ${length} bytes by its own account, ${room} are left`);
  }

  private corrupt(what: string): CorruptRecordError {
    return new CorruptRecordError(`corrupt record ${this.index + 1} of ${this.count}: ${what}`);
  }
}
