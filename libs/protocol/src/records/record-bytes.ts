import { decodeUtf8 } from "../bytes/utf8.ts";
import { asRecordHeaders, NO_RECORD_HEADERS, type RecordHeaders } from "./headers.ts";
import type { RecordHeader } from "./types.ts";

/** Headers whose names are remembered; records with more are rare. */
const REMEMBERED_NAMES = 16;

/**
 * The decompressed bytes that records lie in, and what is read from them. One stands for a whole batch: it looks up the
 * array's buffer once, which costs as much as making a view of it, and remembers the names of headers, which are the
 * same from record to record.
 */
export class RecordBytes {
  readonly bytes: Uint8Array;
  private readonly buffer: ArrayBufferLike;
  private readonly byteOffset: number;
  /** By the header's index in its record: the name that was last seen there, and where it lies. */
  private readonly names: string[] = [];
  private readonly nameStarts: number[] = [];
  private readonly nameLengths: number[] = [];
  private position = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.buffer = bytes.buffer;
    this.byteOffset = bytes.byteOffset;
  }

  /** A plain `Uint8Array` over `length` bytes from `start`; null for a negative length. Half the cost of `subarray`. */
  view(start: number, length: number): Uint8Array | null {
    return length < 0 ? null : new Uint8Array(this.buffer, this.byteOffset + start, length);
  }

  /** The headers at `[start, end)`, which a cursor has walked over before: they are known to be whole. */
  headers(start: number, end: number): RecordHeaders {
    if (start === end) return NO_RECORD_HEADERS;
    const headers: RecordHeader[] = [];
    this.position = start;
    for (let index = 0; this.position < end; index++) {
      const name = this.readName(index);
      const length = this.readLength();
      headers.push([name, this.view(this.position, length)]);
      if (length > 0) this.position += length;
    }
    return asRecordHeaders(headers);
  }

  private readName(index: number): string {
    const length = this.readLength();
    const start = this.position;
    this.position += length;
    if (this.isRemembered(index, start, length)) return this.names[index]!;
    const name = decodeUtf8(this.bytes, start, start + length);
    if (index < REMEMBERED_NAMES) {
      this.names[index] = name;
      this.nameStarts[index] = start;
      this.nameLengths[index] = length;
    }
    return name;
  }

  private isRemembered(index: number, start: number, length: number): boolean {
    if (index >= this.names.length || this.nameLengths[index] !== length) return false;
    const { bytes } = this;
    const remembered = this.nameStarts[index]!;
    for (let at = 0; at < length; at++) if (bytes[remembered + at] !== bytes[start + at]) return false;
    return true;
  }

  private readLength(): number {
    let zigzag = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.position++]!;
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
  }
}
