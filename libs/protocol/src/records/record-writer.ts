import { writeAscii } from "../bytes/utf8.ts";
import type { RecordData, RecordHeaderInput } from "./types.ts";
import { MAX_VARINT_BYTES, MAX_VARLONG_BYTES, varintSize, writeVarint, writeVarlong } from "./varint.ts";

/** Up to this size a loop beats the call into `TypedArray.prototype.set`, or into the text encoder. */
const LOOP_MAX_BYTES = 20;

const encoder = /*#__PURE__*/ new TextEncoder();

/** Attributes, deltas, the lengths of key and value, the headers count: at their longest. */
const MAX_OVERHEAD_BYTES = 1 + MAX_VARLONG_BYTES + 4 * MAX_VARINT_BYTES;

/** The same as they are in most records. */
const USUAL_OVERHEAD_BYTES = 7;

/**
 * Writes records one after the other into a buffer that grows. A record starts with its own length, and text with its
 * own: both are known only when what follows is written, so room is left for as many bytes as the length will likely
 * take, and what was written is moved in the rare case that it takes others. So every byte is encoded once, and in its
 * place.
 *
 * The methods take the position to write at and return the one after it; a record that fails halfway leaves no trace.
 */
export class RecordWriter {
  /** Holds whole records up to {@link position}; replaced when full. */
  bytes: Uint8Array;
  /** Where the next record goes. */
  position: number;
  /** What {@link bytes} lie in; a typed array is slow to say. */
  private buffer: ArrayBufferLike;
  private byteOffset: number;
  /** There is room for the record being written up to here, if the rest of it is ASCII. */
  private roomEnd = 0;

  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes;
    this.buffer = bytes.buffer;
    this.byteOffset = bytes.byteOffset;
    this.position = position;
  }

  /** @throws TypeError if key, value or a header is neither bytes nor text nor null */
  writeRecord(
    timestampDelta: number,
    offsetDelta: number,
    key: RecordData,
    value: RecordData,
    headers: readonly RecordHeaderInput[],
  ): void {
    const headersSize = headers.length === 0 ? 0 : asciiSizeOfHeaders(headers);
    const bodyStart = this.begin(asciiSize(key) + asciiSize(value) + headersSize);
    let at = writeDeltas(this.bytes, bodyStart, timestampDelta, offsetDelta);
    at = this.writeData(at, key);
    at = this.writeData(at, value);
    at = this.writeHeaders(at, headers);
    this.position = this.prefixLength(this.position, bodyStart, at);
  }

  /** Writes a record whose key, value and headers are `contents`, as they lie in another batch. */
  writeCopy(timestampDelta: number, offsetDelta: number, contents: Uint8Array): void {
    const bodyStart = this.begin(contents.length);
    const at = writeDeltas(this.bytes, bodyStart, timestampDelta, offsetDelta);
    this.bytes.set(contents, at);
    this.position = this.prefixLength(this.position, bodyStart, at + contents.length);
  }

  /** Makes room for a record with `dataBytes` of key, value and headers. Returns where what its length counts starts. */
  private begin(dataBytes: number): number {
    if (Number.isNaN(dataBytes)) throw new TypeError("keys, values and headers must be Uint8Array, string or null");
    this.roomEnd = this.position + MAX_VARINT_BYTES + MAX_OVERHEAD_BYTES + dataBytes;
    if (this.roomEnd > this.bytes.length) this.grow(this.position, this.roomEnd);
    return this.position + varintSize(dataBytes + USUAL_OVERHEAD_BYTES);
  }

  private writeData(at: number, data: RecordData): number {
    if (data === null) {
      this.bytes[at] = 1; // the varint of -1
      return at + 1;
    }
    return typeof data === "string" ? this.writeText(at, data) : writeBytes(this.bytes, at, data);
  }

  private writeText(at: number, text: string): number {
    const dataStart = writeVarint(this.bytes, at, text.length);
    if (text.length <= LOOP_MAX_BYTES && writeAscii(text, this.bytes, dataStart)) return dataStart + text.length;
    const end = this.encode(dataStart, text);
    const beyondAscii = end - dataStart - text.length;
    if (beyondAscii === 0) return end;
    this.extend(end, beyondAscii);
    return this.prefixLength(at, dataStart, end);
  }

  /** Writes `text` without a length. */
  private encode(at: number, text: string): number {
    const room = new Uint8Array(this.buffer, this.byteOffset + at, this.bytes.length - at);
    const { read, written } = encoder.encodeInto(text, room);
    if (read === text.length) return at + written;
    const rest = encoder.encode(text.slice(read));
    const end = at + written + rest.length;
    if (end > this.bytes.length) this.grow(at + written, end);
    this.bytes.set(rest, at + written);
    return end;
  }

  private writeHeaders(at: number, headers: readonly RecordHeaderInput[]): number {
    if (headers.length === 0) {
      this.bytes[at] = 0;
      return at + 1;
    }
    let end = writeVarint(this.bytes, at, headers.length);
    for (let index = 0; index < headers.length; index++) {
      const header = headers[index]!;
      end = this.writeText(end, header[0]);
      end = this.writeData(end, header[1]);
    }
    return end;
  }

  /** The record, written up to `at`, needs more room than was expected; more again, if its lengths grow too. */
  private extend(at: number, additionalBytes: number): void {
    this.roomEnd += additionalBytes + 2 * MAX_VARINT_BYTES;
    if (this.roomEnd > this.bytes.length) this.grow(at, this.roomEnd);
  }

  /**
   * Writes the length of the data at `[dataStart, end)` before it, at `start`, and moves the data if the length takes
   * more or fewer bytes than are there. Returns where the data ends then.
   */
  private prefixLength(start: number, dataStart: number, end: number): number {
    const length = end - dataStart;
    const movedStart = start + varintSize(length);
    if (movedStart !== dataStart) this.bytes.copyWithin(movedStart, dataStart, end);
    writeVarint(this.bytes, start, length);
    return movedStart + length;
  }

  /** Keeps what is written up to `at`. */
  private grow(at: number, minimumBytes: number): void {
    const grown = new Uint8Array(Math.max(minimumBytes, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, at));
    this.bytes = grown;
    this.buffer = grown.buffer;
    this.byteOffset = 0;
  }
}

function writeDeltas(bytes: Uint8Array, at: number, timestampDelta: number, offsetDelta: number): number {
  bytes[at] = 0; // attributes, unused
  return writeVarint(bytes, writeVarlong(bytes, at + 1, timestampDelta), offsetDelta);
}

function writeBytes(bytes: Uint8Array, at: number, data: Uint8Array): number {
  const length = data.length;
  const start = writeVarint(bytes, at, length);
  if (length > LOOP_MAX_BYTES) bytes.set(data, start);
  else for (let index = 0; index < length; index++) bytes[start + index] = data[index]!;
  return start + length;
}

/** Its bytes, if it is text that is all ASCII; NaN for what is neither bytes nor text nor null. */
function asciiSize(data: RecordData): number {
  return data === null ? 0 : data.length;
}

/** Bytes that headers take, lengths at their longest, if their text is ASCII. */
function asciiSizeOfHeaders(headers: readonly RecordHeaderInput[]): number {
  let size = 0;
  for (let index = 0; index < headers.length; index++) {
    const header = headers[index]!;
    size += header[0].length + asciiSize(header[1]) + 2 * MAX_VARINT_BYTES;
  }
  return size;
}
