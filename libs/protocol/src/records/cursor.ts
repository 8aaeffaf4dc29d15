import { CorruptRecordError } from "./errors.ts";
import type { RecordHeaders } from "./headers.ts";
import type { RecordBytes } from "./record-bytes.ts";
import { unzigzag64 } from "./varint.ts";

/** Where records lie and what their deltas count from. */
export interface RecordsSection {
  /** Holds the decompressed records at `[start, end)`. */
  readonly source: RecordBytes;
  readonly start: number;
  readonly end: number;
  readonly recordsCount: number;
  readonly baseOffset: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  /** The timestamp of every record, where the broker stamped the batch; otherwise undefined. */
  readonly logAppendTimeMs: number | undefined;
}

/** attributes, timestamp delta, offset delta, key length, value length, headers count: a byte each. */
export const MIN_RECORD_BYTES = 6;

/**
 * Walks the records of a batch and allocates nothing: after {@link next} its fields describe one record, as positions
 * in {@link bytes}, until the next call. Every length is checked before use, so a record that is described is whole.
 */
export class RecordCursor {
  /** What all positions refer to; makes views of it. */
  readonly source: RecordBytes;
  /** The array of {@link source}. */
  readonly bytes: Uint8Array;
  /** The offset of the record in its partition. */
  offset = -1;
  /** Milliseconds since the epoch. */
  timestampMs = -1;
  /** Where the key starts. */
  keyStart = 0;
  /** Bytes of the key; -1 if it is null. */
  keyLength = -1;
  /** Where the value starts. */
  valueStart = 0;
  /** Bytes of the value; -1 if it is null. */
  valueLength = -1;
  /** Where the first header starts, or {@link end} if there is none. */
  headersStart = 0;
  /** Where the record ends. */
  end = 0;

  private readonly section: RecordsSection;
  private index = 0;
  private position: number;
  private contentsStart = 0;
  private lastOffsetDelta = -1;

  constructor(section: RecordsSection) {
    this.section = section;
    this.source = section.source;
    this.bytes = section.source.bytes;
    this.position = section.start;
  }

  /**
   * Goes to the next record; false after the last one.
   *
   * @throws CorruptRecordError if the bytes are not a record, or are more or fewer than the batch's count
   */
  next(): boolean {
    const section = this.section;
    if (this.index === section.recordsCount) return this.finish();
    const length = this.readVarint();
    const end = this.position + length;
    if (length < MIN_RECORD_BYTES || end > section.end) throw this.corrupt("a length is out of bounds");
    this.position++; // attributes, unused
    const timestampDelta = this.readVarlong();
    const offsetDelta = this.readVarint();
    if (offsetDelta <= this.lastOffsetDelta || offsetDelta > section.lastOffsetDelta) {
      throw this.corrupt(`offset delta ${offsetDelta} is out of order`);
    }
    this.lastOffsetDelta = offsetDelta;
    this.offset = section.baseOffset + offsetDelta;
    this.timestampMs = section.logAppendTimeMs ?? section.baseTimestampMs + timestampDelta;
    this.contentsStart = this.position;
    this.keyLength = this.readLength(end);
    this.keyStart = this.position;
    if (this.keyLength > 0) this.position += this.keyLength;
    this.valueLength = this.readLength(end);
    this.valueStart = this.position;
    if (this.valueLength > 0) this.position += this.valueLength;
    const headersCount = this.readVarint();
    this.headersStart = this.position;
    if (headersCount !== 0) this.skipHeaders(headersCount, end);
    if (this.position !== end) throw this.corrupt("its parts do not fill its length");
    this.end = end;
    this.index++;
    return true;
  }

  /** The key as a view of the batch's bytes. */
  key(): Uint8Array | null {
    return this.source.view(this.keyStart, this.keyLength);
  }

  /** The value as a view of the batch's bytes. */
  value(): Uint8Array | null {
    return this.source.view(this.valueStart, this.valueLength);
  }

  /** The headers, decoded; their values are views of the batch's bytes. */
  headers(): RecordHeaders {
    return this.source.headers(this.headersStart, this.end);
  }

  /** Key, value and headers as they lie in the batch, lengths included. */
  contents(): Uint8Array {
    return this.bytes.subarray(this.contentsStart, this.end);
  }

  private finish(): false {
    if (this.position !== this.section.end) throw this.corrupt("bytes are left after the last record");
    return false;
  }

  private readLength(end: number): number {
    const length = this.readVarint();
    if (length < -1 || length > end - this.position) throw this.corrupt("a length is out of bounds");
    return length;
  }

  private skipHeaders(count: number, end: number): void {
    if (count < 0 || count > (end - this.position) / 2) {
      throw this.corrupt(`headers count ${count} is out of bounds`);
    }
    for (let index = 0; index < count; index++) {
      const nameLength = this.readLength(end);
      if (nameLength < 0) throw this.corrupt("a header has no name");
      this.position += nameLength;
      const valueLength = this.readLength(end);
      if (valueLength > 0) this.position += valueLength;
    }
  }

  private readVarint(): number {
    const bytes = this.bytes;
    const first = bytes[this.position++]!;
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    const second = bytes[this.position++]!;
    if (second < 0x80) {
      const zigzag = (first & 0x7f) | (second << 7);
      return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    return this.readLongVarint((first & 0x7f) | ((second & 0x7f) << 7));
  }

  /** Bytes past the end of the array read as 0 here, which ends the number; the record's bounds are checked after. */
  private readLongVarint(low: number): number {
    let zigzag = low;
    for (let shift = 14; shift <= 28; shift += 7) {
      const byte = this.bytes[this.position++] ?? 0;
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    throw this.corrupt("a varint is longer than 5 bytes");
  }

  private readVarlong(): number {
    const bytes = this.bytes;
    const start = this.position;
    let zigzag = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = bytes[this.position++] ?? 0;
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    this.position = start;
    return this.readWideVarlong();
  }

  private readWideVarlong(): number {
    let zigzag = 0n;
    for (let shift = 0n; shift <= 63n; shift += 7n) {
      const byte = this.bytes[this.position++] ?? 0;
      zigzag |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return unzigzag64(BigInt.asUintN(64, zigzag));
    }
    throw this.corrupt("a varlong is longer than 10 bytes");
  }

  private corrupt(what: string): CorruptRecordError {
    const { baseOffset, recordsCount } = this.section;
    return new CorruptRecordError(
      `corrupt record ${this.index + 1} of ${recordsCount} in the batch at offset ${baseOffset}: ${what}`,
    );
  }
}
