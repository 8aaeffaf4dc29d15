import { MalformedFrameError } from "../errors/protocol-error.ts";
import { decodeUtf8 } from "./utf8.ts";
import { type Uuid, UuidMemo } from "./uuid.ts";

const TWO_32 = 2 ** 32;
const UUID_BYTES = 16;

const uuidMemo = /*#__PURE__*/ new UuidMemo();
const scratch = /*#__PURE__*/ new DataView(new ArrayBuffer(8));

/**
 * Reads Kafka's primitive types from a frame, in order.
 *
 * Every read is checked against the frame's end and throws {@link MalformedFrameError}; no read
 * allocates more than the frame holds. Byte fields are views over the frame, not copies.
 */
export class ByteReader {
  /** The bytes read from. */
  readonly bytes: Uint8Array;
  /** Index in `bytes` of the next byte to read. */
  offset: number;
  /** Index in `bytes` after the last byte that may be read. */
  end: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    if (!(offset >= 0 && offset <= end && end <= bytes.length)) {
      throw new MalformedFrameError(`bytes ${offset} to ${end} are outside a buffer of ${bytes.length} bytes`);
    }
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  /** Bytes left to read. */
  get remaining(): number {
    return this.end - this.offset;
  }

  /** Moves past `sizeBytes` and returns where they begin. */
  skip(sizeBytes: number): number {
    const start = this.offset;
    if (sizeBytes > this.end - start || sizeBytes < 0) this.failShort(sizeBytes);
    this.offset = start + sizeBytes;
    return start;
  }

  readInt8(): number {
    return (this.bytes[this.skip(1)]! << 24) >> 24;
  }

  readUint8(): number {
    return this.bytes[this.skip(1)]!;
  }

  readInt16(): number {
    const at = this.skip(2);
    return ((this.bytes[at]! << 24) >> 16) | this.bytes[at + 1]!;
  }

  readUint16(): number {
    const at = this.skip(2);
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  readInt32(): number {
    const at = this.skip(4);
    const { bytes } = this;
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }

  readUint32(): number {
    return this.readInt32() >>> 0;
  }

  /** A 64-bit integer as a number, exact within ±(2^53-1), else the nearest double (see `int64.ts`). */
  readInt64(): number {
    const at = this.skip(8);
    const { bytes } = this;
    const high = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const low = (bytes[at + 4]! << 24) | (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!;
    return high * TWO_32 + (low >>> 0);
  }

  /** A 64-bit integer with all its bits. */
  readBigInt64(): bigint {
    const high = this.readInt32();
    return (BigInt(high) << 32n) | BigInt(this.readUint32());
  }

  readFloat64(): number {
    scratch.setInt32(0, this.readInt32());
    scratch.setInt32(4, this.readInt32());
    return scratch.getFloat64(0);
  }

  readBoolean(): boolean {
    return this.readUint8() !== 0;
  }

  /** An unsigned varint of at most 32 bits. */
  readUnsignedVarint(): number {
    const first = this.bytes[this.skip(1)]!;
    return first < 0x80 ? first : this.readLongVarint(first & 0x7f);
  }

  private readLongVarint(low: number): number {
    let value = low;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.readUint8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (shift === 28 && byte > 0x0f) break;
        return value >>> 0;
      }
    }
    throw new MalformedFrameError("a varint is longer than 32 bits");
  }

  /** A UUID in Kafka's text form. */
  readUuid(): Uuid {
    return uuidMemo.textOf(this.bytes, this.skip(UUID_BYTES));
  }

  /** Length of a string, bytes or array in the compact encoding: -1 for null. */
  readCompactLength(): number {
    return this.readUnsignedVarint() - 1;
  }

  /** UTF-8 text of the next `sizeBytes`, or null when that is negative. */
  readText(sizeBytes: number): string | null {
    if (sizeBytes < 0) return null;
    const start = this.skip(sizeBytes);
    return decodeUtf8(this.bytes, start, start + sizeBytes);
  }

  /** A string with a 16-bit length; null when that is -1. */
  readNullableString(): string | null {
    return this.readText(checkNullLength(this.readInt16()));
  }

  /** A string with a varint length; null when that is 0. */
  readCompactNullableString(): string | null {
    return this.readText(this.readCompactLength());
  }

  /** A view of the next `sizeBytes`, or null when that is negative. */
  readView(sizeBytes: number): Uint8Array | null {
    if (sizeBytes < 0) return null;
    const start = this.skip(sizeBytes);
    return this.bytes.subarray(start, start + sizeBytes);
  }

  /** Bytes with a 32-bit length, as a view; null when that is -1. */
  readNullableBytes(): Uint8Array | null {
    return this.readView(checkNullLength(this.readInt32()));
  }

  /** Bytes with a varint length, as a view; null when that is 0. */
  readCompactNullableBytes(): Uint8Array | null {
    return this.readView(this.readCompactLength());
  }

  /**
   * Number of elements of an array with a 32-bit count; -1 for null.
   * @param elementSizeBytesMin the least an element takes: a count that cannot fit in the frame is refused
   */
  readArrayLength(elementSizeBytesMin: number): number {
    return this.checkCount(checkNullLength(this.readInt32()), elementSizeBytesMin);
  }

  /** As {@link readArrayLength}, for an array with a varint count. */
  readCompactArrayLength(elementSizeBytesMin: number): number {
    return this.checkCount(this.readCompactLength(), elementSizeBytesMin);
  }

  private checkCount(count: number, elementSizeBytesMin: number): number {
    if (count * elementSizeBytesMin > this.end - this.offset) {
      throw new MalformedFrameError(`an array of ${count} elements cannot fit in the ${this.remaining} bytes left`);
    }
    return count;
  }

  private failShort(sizeBytes: number): never {
    if (sizeBytes < 0) throw new MalformedFrameError(`a length of ${sizeBytes} is negative`);
    throw new MalformedFrameError(`${sizeBytes} bytes are needed where ${this.remaining} are left`);
  }
}

function checkNullLength(length: number): number {
  if (length < -1) throw new MalformedFrameError(`a length of ${length} is negative`);
  return length;
}
