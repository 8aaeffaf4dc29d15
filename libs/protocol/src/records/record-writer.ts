import { writeAscii } from "../bytes/utf8.ts";
import type { RecordData, RecordHeaderInput } from "./types.ts";
import { MAX_VARINT_BYTES, varintSize, varlongSize, writeVarint, writeVarlong } from "./varint.ts";

/** Up to this size a loop beats the call into `TypedArray.prototype.set`, or into the text encoder. */
const LOOP_MAX_BYTES = 20;

const encoder = /*#__PURE__*/ new TextEncoder();

/**
 * Writes records one after the other into a buffer that grows. A record starts with its own length and each of its
 * parts with theirs; for text they are written as if it were ASCII, a byte a character, and corrected if it is not.
 * So every byte is encoded once and in its place.
 */
export class RecordWriter {
  /** Holds whole records up to {@link position}; replaced when full. */
  bytes: Uint8Array;
  /** Where the next record goes. A record that fails halfway leaves it where it is. */
  position: number;
  /** Where the next byte of the record being written goes. */
  private at: number;
  /** Where the record being written ends if the rest of it is ASCII. There is room up to here. */
  private expectedEnd = 0;

  constructor(buffer: Uint8Array, position: number) {
    this.bytes = buffer;
    this.position = position;
    this.at = position;
  }

  /** @throws TypeError if key, value or a header is neither bytes nor text nor null */
  writeRecord(
    timestampDelta: number,
    offsetDelta: number,
    key: RecordData,
    value: RecordData,
    headers: readonly RecordHeaderInput[],
  ): void {
    const expectedSize =
      1 +
      varlongSize(timestampDelta) +
      varintSize(offsetDelta) +
      asciiSize(key) +
      asciiSize(value) +
      (headers.length === 0 ? 1 : asciiSizeOfHeaders(headers));
    if (Number.isNaN(expectedSize)) throw new TypeError("keys, values and headers must be Uint8Array, string or null");
    const bodyStart = this.begin(expectedSize, timestampDelta, offsetDelta);
    this.writeData(key);
    this.writeData(value);
    if (headers.length === 0) this.bytes[this.at++] = 0;
    else this.writeHeaders(headers);
    const size = this.at - bodyStart;
    if (size !== expectedSize) this.prefixLength(this.position, bodyStart, size);
    this.position = this.at;
  }

  /** Writes a record whose key, value and headers are `contents`, as they lie in another batch. */
  writeCopy(timestampDelta: number, offsetDelta: number, contents: Uint8Array): void {
    const size = 1 + varlongSize(timestampDelta) + varintSize(offsetDelta) + contents.length;
    this.begin(size, timestampDelta, offsetDelta);
    this.bytes.set(contents, this.at);
    this.position = this.at + contents.length;
  }

  /** Makes room and writes what comes before the key. Returns where the record's length counts from. */
  private begin(size: number, timestampDelta: number, offsetDelta: number): number {
    this.at = this.position;
    this.expectedEnd = this.at + MAX_VARINT_BYTES + size;
    if (this.expectedEnd > this.bytes.length) this.grow(this.expectedEnd);
    const bytes = this.bytes;
    const bodyStart = writeVarint(bytes, this.at, size);
    bytes[bodyStart] = 0; // attributes, unused
    const deltaEnd = writeVarlong(bytes, bodyStart + 1, timestampDelta);
    this.at = writeVarint(bytes, deltaEnd, offsetDelta);
    return bodyStart;
  }

  private writeData(data: RecordData): void {
    if (data === null)
      this.bytes[this.at++] = 1; // the varint of -1
    else if (typeof data === "string") this.writeText(data);
    else this.writeBytes(data);
  }

  private writeBytes(data: Uint8Array): void {
    const bytes = this.bytes;
    const length = data.length;
    const start = writeVarint(bytes, this.at, length);
    if (length > LOOP_MAX_BYTES) bytes.set(data, start);
    else for (let index = 0; index < length; index++) bytes[start + index] = data[index]!;
    this.at = start + length;
  }

  private writeText(text: string): void {
    const start = this.at;
    const dataStart = writeVarint(this.bytes, start, text.length);
    if (text.length <= LOOP_MAX_BYTES && writeAscii(text, this.bytes, dataStart)) {
      this.at = dataStart + text.length;
      return;
    }
    this.at = dataStart;
    this.encode(text);
    const length = this.at - dataStart;
    if (length !== text.length) {
      this.extend(length - text.length);
      this.prefixLength(start, dataStart, length);
    }
  }

  /** Writes `text` without a length. */
  private encode(text: string): void {
    const { bytes, at } = this;
    const room = new Uint8Array(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
    const { read, written } = encoder.encodeInto(text, room);
    this.at += written;
    if (read === text.length) return;
    const rest = encoder.encode(text.slice(read));
    if (this.at + rest.length > this.bytes.length) this.grow(this.at + rest.length);
    this.bytes.set(rest, this.at);
    this.at += rest.length;
  }

  private writeHeaders(headers: readonly RecordHeaderInput[]): void {
    this.at = writeVarint(this.bytes, this.at, headers.length);
    for (let index = 0; index < headers.length; index++) {
      const [name, value] = headers[index]!;
      this.writeText(name);
      this.writeData(value);
    }
  }

  /** The record needs more room than was expected; more again, if its lengths grow too. */
  private extend(additionalBytes: number): void {
    this.expectedEnd += additionalBytes + 2 * MAX_VARINT_BYTES;
    if (this.expectedEnd > this.bytes.length) this.grow(this.expectedEnd);
  }

  /**
   * Writes `length` at `start`, before the data that starts at `dataStart` and was written last, and moves the data if
   * the length takes more or fewer bytes than are there.
   */
  private prefixLength(start: number, dataStart: number, length: number): void {
    const movedStart = start + varintSize(length);
    if (movedStart !== dataStart) {
      this.bytes.copyWithin(movedStart, dataStart, this.at);
      this.at += movedStart - dataStart;
    }
    writeVarint(this.bytes, start, length);
  }

  private grow(minimumBytes: number): void {
    const grown = new Uint8Array(Math.max(minimumBytes, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
  }
}

function asciiSize(data: RecordData): number {
  return data === null ? 1 : varintSize(data.length) + data.length;
}

function asciiSizeOfHeaders(headers: readonly RecordHeaderInput[]): number {
  let size = varintSize(headers.length);
  for (let index = 0; index < headers.length; index++) {
    const header = headers[index]!;
    size += asciiSize(header[0]) + asciiSize(header[1]);
  }
  return size;
}
