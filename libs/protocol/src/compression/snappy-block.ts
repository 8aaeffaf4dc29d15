import { corruptInput } from "./codec.ts";

/** A copy of three bytes stands for at most 64; no element does better. */
const MAX_RATIO = 64 / 3;

/** The size of the uncompressed data that starts a Snappy block, and where the block goes on. */
export interface SnappyPreamble {
  readonly uncompressedBytes: number;
  readonly end: number;
}

/**
 * Reads what the Snappy block at `[start, end)` says of its uncompressed size.
 *
 * @throws CompressionError if it says nothing, or more than a block of that length can hold
 */
export function readSnappyPreamble(bytes: Uint8Array, start: number, end: number): SnappyPreamble {
  let size = 0;
  let position = start;
  for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
    if (position >= end) throw corruptInput("snappy", "a block is cut short");
    const byte = bytes[position++]!;
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (size > (end - position) * MAX_RATIO) throw corruptInput("snappy", `a block cannot hold ${size} bytes`);
      return { uncompressedBytes: size, end: position };
    }
  }
  throw corruptInput("snappy", "a block's size is out of bounds");
}

/**
 * Checks every element of the Snappy block whose elements lie at `[start, end)`, without decompressing it: they must
 * stay inside the block, refer to data that is there, and make up `uncompressedBytes`. A decoder that checks little
 * may have the block afterwards.
 *
 * @throws CompressionError if the block is not sound
 */
export function checkSnappyBlock(bytes: Uint8Array, start: number, end: number, uncompressedBytes: number): void {
  let position = start;
  let produced = 0;
  while (position < end) {
    const tag = bytes[position]!;
    const extraBytes = EXTRA_BYTES[tag & 3] ?? literalExtraBytes(tag);
    const operand = position + 1;
    position = operand + extraBytes;
    if (position > end) throw corruptInput("snappy", "a block is cut short");
    if ((tag & 3) === 0) {
      const length = literalLength(bytes, operand, tag);
      position += length;
      produced += length;
    } else {
      const offset = copyOffset(bytes, operand, tag);
      if (offset === 0 || offset > produced) throw corruptInput("snappy", "a copy lies before the data");
      produced += (tag & 3) === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    }
  }
  if (position !== end || produced !== uncompressedBytes) throw corruptInput("snappy", "a block is not sound");
}

/** Bytes after a copy's tag, by its low bits; a literal's depend on its length. */
const EXTRA_BYTES = [undefined, 1, 2, 4] as const;

/** Lengths up to this one are in the tag. */
const MAX_TAG_LITERAL = 59;

function literalExtraBytes(tag: number): number {
  return Math.max(0, (tag >>> 2) - MAX_TAG_LITERAL);
}

function literalLength(bytes: Uint8Array, operand: number, tag: number): number {
  const extraBytes = literalExtraBytes(tag);
  if (extraBytes === 0) return (tag >>> 2) + 1;
  let length = 0;
  for (let index = extraBytes - 1; index >= 0; index--) length = length * 256 + bytes[operand + index]!;
  return length + 1;
}

function copyOffset(bytes: Uint8Array, operand: number, tag: number): number {
  const low = bytes[operand]!;
  if ((tag & 3) === 1) return low | ((tag >>> 5) << 8);
  const offset = low | (bytes[operand + 1]! << 8);
  if ((tag & 3) === 2) return offset;
  return offset + bytes[operand + 2]! * 0x1_0000 + bytes[operand + 3]! * 0x100_0000;
}
