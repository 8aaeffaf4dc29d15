import { crc32 } from "../checksum/crc32.ts";
import { concatenate } from "./concatenate.ts";
import { inflate } from "./inflate.ts";

/** The gzip format: RFC 1952. */
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const DEFLATE = 8;
const FLAG_HEADER_CRC = 0x02;
const FLAG_EXTRA = 0x04;
const FLAG_NAME = 0x08;
const FLAG_COMMENT = 0x10;

/**
 * Decompresses a gzip stream of one or more members, checksums verified.
 *
 * @throws OutputTooLargeError if it holds more than `maxOutputBytes`
 * @throws RangeError if it is not a whole and sound stream
 */
export function gunzipMembers(input: Uint8Array, maxOutputBytes: number): Uint8Array {
  const contents: Uint8Array[] = [];
  let totalBytes = 0;
  let position = 0;
  do {
    const { output, end } = inflate(input, skipHeader(input, position), maxOutputBytes - totalBytes);
    verifyTrailer(input, end, output);
    contents.push(output);
    totalBytes += output.length;
    position = end + TRAILER_BYTES;
  } while (position < input.length);
  return concatenate(contents, totalBytes);
}

function skipHeader(input: Uint8Array, start: number): number {
  if (input[start] !== 0x1f || input[start + 1] !== 0x8b || input[start + 2] !== DEFLATE) {
    throw new RangeError("gzip: this is not a gzip stream");
  }
  const flags = input[start + 3] ?? 0;
  let position = start + HEADER_BYTES;
  if (flags & FLAG_EXTRA) position += 2 + ((input[position] ?? 0) | ((input[position + 1] ?? 0) << 8));
  if (flags & FLAG_NAME) position = skipText(input, position);
  if (flags & FLAG_COMMENT) position = skipText(input, position);
  if (flags & FLAG_HEADER_CRC) position += 2;
  return position;
}

function skipText(input: Uint8Array, position: number): number {
  const end = input.indexOf(0, position);
  if (end === -1) throw new RangeError("gzip: the input is cut short");
  return end + 1;
}

function verifyTrailer(input: Uint8Array, position: number, output: Uint8Array): void {
  if (position + TRAILER_BYTES > input.length) throw new RangeError("gzip: the input is cut short");
  const view = new DataView(input.buffer, input.byteOffset + position, TRAILER_BYTES);
  if (view.getUint32(0, true) !== crc32(output)) throw new RangeError("gzip: the checksum is wrong");
  if (view.getUint32(4, true) !== output.length >>> 0) throw new RangeError("gzip: the length is wrong");
}
