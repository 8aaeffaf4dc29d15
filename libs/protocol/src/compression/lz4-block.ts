import { corruptInput } from "./codec.ts";

/** A match is at least this long; its length is stored without them. */
const MIN_MATCH_BYTES = 4;

/** A length of this value in a token goes on in the bytes that follow. */
const LONG_LENGTH = 15;

/**
 * The bytes that the LZ4 block at `[start, end)` decompresses to, found without decompressing it. Every length and
 * offset is checked on the way, so that a decoder that checks nothing may have the block afterwards.
 *
 * @param historyBytes how many bytes before the block its matches may refer to
 * @throws CompressionError if the block is not sound
 */
export function measureLz4Block(bytes: Uint8Array, start: number, end: number, historyBytes: number): number {
  let position = start;
  let produced = 0;
  for (;;) {
    if (position >= end) throw corruptInput("lz4", "a block does not end with literals");
    const token = bytes[position++]!;
    let literals = token >>> 4;
    if (literals === LONG_LENGTH) {
      const lengthEnd = skipLength(bytes, position, end);
      literals += lengthAt(bytes, position, lengthEnd);
      position = lengthEnd;
    }
    position += literals;
    produced += literals;
    if (position === end) return produced;
    if (position + 2 > end) throw corruptInput("lz4", "a block is cut short");
    const offset = bytes[position]! | (bytes[position + 1]! << 8);
    position += 2;
    if (offset === 0 || offset > produced + historyBytes) throw corruptInput("lz4", "a match lies before the data");
    let match = token & LONG_LENGTH;
    if (match === LONG_LENGTH) {
      const lengthEnd = skipLength(bytes, position, end);
      match += lengthAt(bytes, position, lengthEnd);
      position = lengthEnd;
    }
    produced += match + MIN_MATCH_BYTES;
  }
}

/** Where the length that goes on at `position` ends: after the first byte that is not 255. */
function skipLength(bytes: Uint8Array, position: number, end: number): number {
  let at = position;
  while (at < end && bytes[at] === 0xff) at++;
  if (at >= end) throw corruptInput("lz4", "a block is cut short");
  return at + 1;
}

/** The sum of the bytes of `[position, lengthEnd)`: all are 255 but the last. */
function lengthAt(bytes: Uint8Array, position: number, lengthEnd: number): number {
  return (lengthEnd - 1 - position) * 0xff + bytes[lengthEnd - 1]!;
}
