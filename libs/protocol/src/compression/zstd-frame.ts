import { corruptInput } from "./codec.ts";

/** The Zstandard frame format: RFC 8878. Integers are little-endian. */
const MAGIC = 0xfd2f_b528;
const SKIPPABLE_MAGIC = 0x184d_2a50;
const SKIPPABLE_MAGIC_MASK = 0xffff_fff0;
const MAX_BLOCK_BYTES = 128 * 1024;
const BLOCK_HEADER_BYTES = 3;
const RLE_BLOCK = 1;
const COMPRESSED_BLOCK = 2;
const RESERVED_BLOCK = 3;
const CHECKSUM_BYTES = 4;

const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

/** One frame, as it lies in the input. */
export interface ZstdFrame {
  readonly start: number;
  readonly end: number;
  /** The most bytes that it can decompress to; exactly those if {@link isExact}. */
  readonly boundBytes: number;
  /** The frame tells its size, as most writers do that compress in one go. */
  readonly isExact: boolean;
}

/**
 * Finds the frames of `input` and what they can decompress to, from their headers and those of their blocks. Frames
 * without content are left out.
 *
 * @throws CompressionError if it is not a sequence of whole frames, or a frame claims more than its blocks can hold
 */
export function findZstdFrames(input: Uint8Array): ZstdFrame[] {
  const frames: ZstdFrame[] = [];
  let position = 0;
  do {
    const magic = readUint(input, position, 4);
    if ((magic & SKIPPABLE_MAGIC_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      position += 8 + readUint(input, position + 4, 4);
    } else {
      if (magic !== MAGIC) throw corruptInput("zstd", "this is not a Zstandard frame");
      const frame = measureFrame(input, position);
      frames.push(frame);
      position = frame.end;
    }
    if (position > input.length) throw corruptInput("zstd", "the frame is cut short");
  } while (position < input.length);
  return frames;
}

function measureFrame(input: Uint8Array, start: number): ZstdFrame {
  const descriptor = readUint(input, start + 4, 1);
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSizeFlag = descriptor >>> 6;
  const contentSizeBytes = contentSizeFlag === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[contentSizeFlag]!;
  const contentSizeAt = start + 5 + (singleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[descriptor & 3]!;
  const blocks = measureBlocks(input, contentSizeAt + contentSizeBytes);
  const end = blocks.end + ((descriptor & 0x04) !== 0 ? CHECKSUM_BYTES : 0);
  if (contentSizeBytes === 0) return { start, end, boundBytes: blocks.boundBytes, isExact: false };
  const contentBytes = readUint(input, contentSizeAt, contentSizeBytes) + (contentSizeBytes === 2 ? 256 : 0);
  if (contentBytes > blocks.boundBytes) throw corruptInput("zstd", `the frame cannot hold ${contentBytes} bytes`);
  return { start, end, boundBytes: contentBytes, isExact: true };
}

function measureBlocks(input: Uint8Array, position: number): { boundBytes: number; end: number } {
  let at = position;
  let boundBytes = 0;
  for (;;) {
    const header = readUint(input, at, BLOCK_HEADER_BYTES);
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (type === RESERVED_BLOCK) throw corruptInput("zstd", "a block is of a reserved type");
    boundBytes += type === COMPRESSED_BLOCK ? MAX_BLOCK_BYTES : size;
    at += BLOCK_HEADER_BYTES + (type === RLE_BLOCK ? 1 : size);
    if ((header & 1) !== 0) return { boundBytes, end: at };
  }
}

function readUint(input: Uint8Array, position: number, length: number): number {
  if (position + length > input.length) throw corruptInput("zstd", "the frame is cut short");
  let value = 0;
  for (let index = length - 1; index >= 0; index--) value = value * 256 + input[position + index]!;
  return value;
}
