import { InvalidValueError } from "../errors/protocol-error.ts";
import { INT64_MAX, INT64_MIN } from "./int64.ts";
import { allocateRegion, releaseTail } from "./slab.ts";
import { utf8Length, writeAscii, writeUtf8 } from "./utf8.ts";
import { type Uuid, writeUuidBytes } from "./uuid.ts";

const TWO_32 = 2 ** 32;
const INT16_MAX = 0x7fff;
const UUID_BYTES = 16;
const VARINT_BYTES_MAX = 5;

/** Byte fields of at least this size are referenced in the chunk list; smaller ones cost less to copy. */
export const REFERENCE_SIZE_BYTES_MIN = 1024;

const BUFFER_SIZE_BYTES_FIRST = 512;
const BUFFER_SIZE_BYTES_MAX = 64 * 1024;

const scratch = /*#__PURE__*/ new DataView(new ArrayBuffer(8));

/** Bytes in one piece, or as a rope of pieces that belong one after another. */
export type Bytes = Uint8Array | readonly Uint8Array[];

/** Size of `bytes`, all pieces together. */
export function bytesSize(bytes: Bytes): number {
  if (bytes instanceof Uint8Array) return bytes.length;
  let sizeBytes = 0;
  for (const piece of bytes) sizeBytes += piece.length;
  return sizeBytes;
}

/**
 * Writes Kafka's primitive types into a list of chunks for one gathered write.
 *
 * Large byte fields are referenced, not copied: they must stay as they are until the chunks have
 * been sent. What is written never moves, so growing costs no copy either.
 */
export class ByteWriter {
  private readonly chunks: Uint8Array[] = [];
  private chunksSizeBytes = 0;
  private buffer: Uint8Array;
  /** Bytes of `buffer` before this index are in `chunks` already, or belong to others. */
  private sealed: number;
  private position: number;
  /** Bytes of `buffer` from this index on belong to others. */
  private limit: number;
  private nextCapacityBytes: number;

  /** @param capacityBytes room in the first chunk */
  constructor(capacityBytes = BUFFER_SIZE_BYTES_FIRST) {
    const { bytes, start, end } = allocateRegion(capacityBytes);
    this.buffer = bytes;
    this.sealed = start;
    this.position = start;
    this.limit = end;
    this.nextCapacityBytes = capacityBytes * 2;
  }

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.chunksSizeBytes + this.position - this.sealed;
  }

  /** What was written, as chunks in order; the writer is not to be used any more. */
  finish(): Uint8Array[] {
    this.seal();
    releaseTail(this.buffer, this.position, this.limit);
    this.limit = this.position;
    return this.chunks;
  }

  /** What was written, in one piece of memory of its own; the writer is not to be used any more. */
  toUint8Array(): Uint8Array {
    const chunks = this.finish();
    return chunks.length === 1 ? chunks[0]!.slice() : concatBytes(chunks);
  }

  /** Ends the current chunk. */
  private seal(): void {
    if (this.position === this.sealed) return;
    this.push(this.buffer.subarray(this.sealed, this.position));
    this.sealed = this.position;
  }

  private push(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.chunksSizeBytes += chunk.length;
  }

  /** Makes room for `sizeBytes` in one piece and returns where they begin in `buffer`. */
  private reserve(sizeBytes: number): number {
    const start = this.position;
    const end = start + sizeBytes;
    // Put this way round, NaN does not get past either: the length of what should have been a string.
    if (!(end <= this.limit)) return this.reserveElsewhere(sizeBytes);
    this.position = end;
    return start;
  }

  private reserveElsewhere(sizeBytes: number): number {
    if (!(sizeBytes >= 0)) throw new InvalidValueError("a value is not of the type that its field has");
    this.seal();
    const { bytes, start, end } = allocateRegion(Math.max(this.nextCapacityBytes, sizeBytes));
    this.nextCapacityBytes = Math.min(this.nextCapacityBytes * 2, BUFFER_SIZE_BYTES_MAX);
    this.buffer = bytes;
    this.sealed = start;
    this.position = start + sizeBytes;
    this.limit = end;
    return start;
  }

  writeInt8(value: number): void {
    if ((value << 24) >> 24 !== value) failRange(value, "int8");
    this.putByte(value);
  }

  writeInt16(value: number): void {
    if ((value << 16) >> 16 !== value) failRange(value, "int16");
    this.putInt16(value);
  }

  writeUint16(value: number): void {
    if ((value & 0xffff) !== value) failRange(value, "uint16");
    this.putInt16(value);
  }

  writeInt32(value: number): void {
    if ((value | 0) !== value) failRange(value, "int32");
    this.putInt32(value);
  }

  writeUint32(value: number): void {
    if (value >>> 0 !== value) failRange(value, "uint32");
    this.putInt32(value);
  }

  private putByte(value: number): void {
    const at = this.reserve(1);
    this.buffer[at] = value;
  }

  private putInt16(value: number): void {
    const at = this.reserve(2);
    const { buffer } = this;
    buffer[at] = value >> 8;
    buffer[at + 1] = value;
  }

  private putInt32(value: number): void {
    const at = this.reserve(4);
    const { buffer } = this;
    buffer[at] = value >> 24;
    buffer[at + 1] = value >> 16;
    buffer[at + 2] = value >> 8;
    buffer[at + 3] = value;
  }

  /**
   * A 64-bit integer from a number: exact within ±(2^53-1); {@link INT64_MAX} and {@link INT64_MIN}
   * are `Long.MAX_VALUE` and `Long.MIN_VALUE`.
   */
  writeInt64(value: number): void {
    if ((value | 0) === value) {
      this.putInt64(value >> 31, value);
      return;
    }
    if (!(Number.isInteger(value) && value >= INT64_MIN && value <= INT64_MAX)) failRange(value, "int64");
    if (value === INT64_MAX) {
      this.putInt64(0x7fffffff, -1);
      return;
    }
    const high = Math.floor(value / TWO_32);
    this.putInt64(high, value - high * TWO_32);
  }

  private putInt64(high: number, low: number): void {
    const at = this.reserve(8);
    const { buffer } = this;
    buffer[at] = high >> 24;
    buffer[at + 1] = high >> 16;
    buffer[at + 2] = high >> 8;
    buffer[at + 3] = high;
    buffer[at + 4] = low >> 24;
    buffer[at + 5] = low >> 16;
    buffer[at + 6] = low >> 8;
    buffer[at + 7] = low;
  }

  /** A 64-bit integer with all its bits. */
  writeBigInt64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) failRange(value, "int64");
    this.putInt64(Number(value >> 32n), Number(value & 0xffffffffn));
  }

  writeFloat64(value: number): void {
    scratch.setFloat64(0, value);
    this.putInt32(scratch.getInt32(0));
    this.putInt32(scratch.getInt32(4));
  }

  writeBoolean(value: boolean): void {
    this.putByte(value ? 1 : 0);
  }

  /** An unsigned varint of at most 32 bits. */
  writeUnsignedVarint(value: number): void {
    if (value < 0x80) {
      this.putByte(value);
      return;
    }
    const at = this.reserve(VARINT_BYTES_MAX);
    this.position = putVarint(this.buffer, at, value);
  }

  /** Length of a string, bytes or array in the compact encoding: -1 for null. */
  writeCompactLength(length: number): void {
    this.writeUnsignedVarint(length + 1);
  }

  /** A UUID given in Kafka's text form. */
  writeUuid(uuid: Uuid): void {
    const at = this.reserve(UUID_BYTES);
    if (!writeUuidBytes(uuid, this.buffer, at)) {
      throw new InvalidValueError(`"${uuid}" is no UUID: 22 characters of base64url`);
    }
  }

  /** A string with a 16-bit length; -1 for null. */
  writeNullableString(text: string | null): void {
    if (text === null) {
      this.putInt16(-1);
      return;
    }
    const at = this.reserve(2 + text.length);
    if (writeAscii(text, this.buffer, at + 2)) {
      this.putStringLength(at, text.length);
      return;
    }
    this.position = at;
    this.writeLongString(text);
  }

  private writeLongString(text: string): void {
    const sizeBytes = utf8Length(text);
    const at = this.reserve(2 + sizeBytes);
    this.putStringLength(at, sizeBytes);
    writeUtf8(text, this.buffer, at + 2);
  }

  private putStringLength(at: number, sizeBytes: number): void {
    if (sizeBytes > INT16_MAX) {
      throw new InvalidValueError(`a string of ${sizeBytes} bytes is longer than the ${INT16_MAX} bytes that fit`);
    }
    this.buffer[at] = sizeBytes >> 8;
    this.buffer[at + 1] = sizeBytes;
  }

  /** A string with a varint length; 0 for null. */
  writeCompactNullableString(text: string | null): void {
    if (text === null) {
      this.putByte(0);
      return;
    }
    const sizeBytes = utf8Length(text);
    this.writeCompactLength(sizeBytes);
    const at = this.reserve(sizeBytes);
    if (sizeBytes === text.length) writeAscii(text, this.buffer, at);
    else writeUtf8(text, this.buffer, at);
  }

  /** Bytes with a 32-bit length; -1 for null. */
  writeNullableBytes(bytes: Bytes | null): void {
    if (bytes === null) {
      this.putInt32(-1);
      return;
    }
    this.writeInt32(bytesSize(bytes));
    this.writeBytes(bytes);
  }

  /** Bytes with a varint length; 0 for null. */
  writeCompactNullableBytes(bytes: Bytes | null): void {
    if (bytes === null) {
      this.putByte(0);
      return;
    }
    this.writeCompactLength(bytesSize(bytes));
    this.writeBytes(bytes);
  }

  /** The bytes themselves, without a length. */
  writeBytes(bytes: Bytes): void {
    if (bytes instanceof Uint8Array) {
      this.writePiece(bytes);
      return;
    }
    for (const piece of bytes) this.writePiece(piece);
  }

  private writePiece(piece: Uint8Array): void {
    if (piece.length >= REFERENCE_SIZE_BYTES_MIN) {
      this.seal();
      this.push(piece);
      return;
    }
    const at = this.reserve(piece.length);
    this.buffer.set(piece, at);
  }
}

function failRange(value: number | bigint, type: string): never {
  throw new InvalidValueError(`${value} is not an ${type}`);
}

function putVarint(buffer: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 0x80) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

/** The chunks in one piece; the one chunk itself when there is only one. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const joined = new Uint8Array(bytesSize(chunks));
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}
