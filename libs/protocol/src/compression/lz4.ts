import lz4js from "lz4js";
import { nativeModules } from "#native";
import type { NativeLz4 } from "../native/contract.ts";
import { type CompressionCodec, corruptInput, outputTooLarge } from "./codec.ts";
import { concatenate } from "./concatenate.ts";
import { measureLz4Block } from "./lz4-block.ts";
import {
  LZ4_BLOCK_HEADER_BYTES,
  LZ4_END_MARK_BYTES,
  LZ4_FRAME_HEADER,
  type Lz4Block,
  type Lz4Frame,
  readLz4Frame,
  verifyLz4Content,
  writeLz4BlockHeader,
  writeUint32LittleEndian,
} from "./lz4-frame.ts";

/**
 * Input bytes in a block that we write. Twelve fewer than the 64 KiB that the frame announces: lz4js may end a block
 * with a match closer to its end than the format allows, which readers notice only by the end of their buffer.
 */
const BLOCK_INPUT_BYTES = 65_536 - 12;

/** Bytes of the uncompressed size before each block of the native functions. */
const SIZE_PREFIX_BYTES = 4;

const HASH_TABLE_ENTRIES = 65_536;

/** Codec 3: LZ4 frames of independent 64 KiB blocks, as Kafka's own; frames of any kind are read. */
export const lz4Codec: CompressionCodec = createLz4Codec(() => nativeModules.lz4());

/** The LZ4 codec over native block functions, looked up at each use, or without. */
export function createLz4Codec(nativeLz4: () => NativeLz4 | null): CompressionCodec {
  let portable: BlockCompressor | undefined;
  return {
    id: 3,
    name: "lz4",
    compress(input) {
      const native = nativeLz4();
      if (native !== null) return compressFrame(input, nativeBlockCompressor(native));
      portable ??= portableBlockCompressor();
      return compressFrame(input, portable);
    },
    decompress(input, maxOutputBytes) {
      return decompressFrames(input, maxOutputBytes, nativeLz4());
    },
  };
}

/** Writes the compressed `input` at `position` of `output` and returns its size, or 0 if it does not get smaller. */
type BlockCompressor = (input: Uint8Array, output: Uint8Array, position: number) => number;

function portableBlockCompressor(): BlockCompressor {
  const hashTable = new Uint16Array(HASH_TABLE_ENTRIES);
  return (input, output, position) => {
    hashTable.fill(0);
    const size = lz4js.compressBlock(input, output.subarray(position), 0, input.length, hashTable);
    return size < input.length ? size : 0;
  };
}

function nativeBlockCompressor(native: NativeLz4): BlockCompressor {
  return (input, output, position) => {
    const prefixed = native.compressBlock(input);
    const size = prefixed.length - SIZE_PREFIX_BYTES;
    if (size >= input.length) return 0;
    output.set(prefixed.subarray(SIZE_PREFIX_BYTES), position);
    return size;
  };
}

function compressFrame(input: Uint8Array, compressBlock: BlockCompressor): Uint8Array {
  const blocks = Math.ceil(input.length / BLOCK_INPUT_BYTES);
  const output = new Uint8Array(
    LZ4_FRAME_HEADER.length + blocks * LZ4_BLOCK_HEADER_BYTES + lz4js.compressBound(input.length) + LZ4_END_MARK_BYTES,
  );
  output.set(LZ4_FRAME_HEADER);
  let position = LZ4_FRAME_HEADER.length;
  for (let start = 0; start < input.length; start += BLOCK_INPUT_BYTES) {
    const block = input.subarray(start, start + BLOCK_INPUT_BYTES);
    const dataStart = position + LZ4_BLOCK_HEADER_BYTES;
    const compressedSize = compressBlock(block, output, dataStart);
    if (compressedSize === 0) output.set(block, dataStart);
    const size = compressedSize === 0 ? block.length : compressedSize;
    writeLz4BlockHeader(output, position, size, compressedSize !== 0);
    position = dataStart + size;
  }
  writeUint32LittleEndian(output, position, 0);
  return output.subarray(0, position + LZ4_END_MARK_BYTES);
}

function decompressFrames(input: Uint8Array, maxOutputBytes: number, native: NativeLz4 | null): Uint8Array {
  const contents: Uint8Array[] = [];
  let position = 0;
  let totalBytes = 0;
  do {
    const frame = readLz4Frame(input, position);
    const content =
      native !== null && frame.independentBlocks
        ? decompressNatively(input, frame, maxOutputBytes - totalBytes, native)
        : decompressPortably(input, frame, maxOutputBytes - totalBytes);
    verifyLz4Content(frame, content);
    contents.push(content);
    totalBytes += content.length;
    position = frame.end;
  } while (position < input.length);
  return concatenate(contents, totalBytes);
}

/** Measures all blocks first: the output is allocated once, at its size, and nothing unsound is decompressed. */
function decompressPortably(input: Uint8Array, frame: Lz4Frame, maxOutputBytes: number): Uint8Array {
  let totalBytes = 0;
  for (const block of frame.blocks) {
    const size = measureBlock(input, block, frame.independentBlocks ? 0 : totalBytes);
    if (size > frame.maxBlockBytes) throw corruptInput("lz4", `a block of ${size} bytes is too large`);
    totalBytes += size;
    if (totalBytes > maxOutputBytes) throw outputTooLarge("lz4", maxOutputBytes);
  }
  const output = new Uint8Array(totalBytes);
  let position = 0;
  for (const { start, end, compressed } of frame.blocks) {
    if (compressed) position = lz4js.decompressBlock(input, output, start, end - start, position);
    else {
      output.set(input.subarray(start, end), position);
      position += end - start;
    }
  }
  return output;
}

function measureBlock(input: Uint8Array, block: Lz4Block, historyBytes: number): number {
  if (!block.compressed) return block.end - block.start;
  return measureLz4Block(input, block.start, block.end, historyBytes);
}

function decompressNatively(input: Uint8Array, frame: Lz4Frame, maxOutputBytes: number, native: NativeLz4): Uint8Array {
  const contents: Uint8Array[] = [];
  let totalBytes = 0;
  for (const block of frame.blocks) {
    const content = block.compressed
      ? decompressNativeBlock(input, block, frame.maxBlockBytes, native)
      : input.subarray(block.start, block.end);
    totalBytes += content.length;
    if (totalBytes > maxOutputBytes) throw outputTooLarge("lz4", maxOutputBytes);
    contents.push(content);
  }
  return concatenate(contents, totalBytes);
}

/** The most bytes that a byte of an LZ4 block can stand for. */
const MAX_RATIO = 255;

function decompressNativeBlock(
  input: Uint8Array,
  block: Lz4Block,
  maxBlockBytes: number,
  native: NativeLz4,
): Uint8Array {
  const compressedBytes = block.end - block.start;
  const prefixed = new Uint8Array(SIZE_PREFIX_BYTES + compressedBytes);
  writeUint32LittleEndian(prefixed, 0, Math.min(maxBlockBytes, compressedBytes * MAX_RATIO));
  prefixed.set(input.subarray(block.start, block.end), SIZE_PREFIX_BYTES);
  try {
    return native.decompressBlock(prefixed);
  } catch (error) {
    throw corruptInput("lz4", "a block is not sound", error);
  }
}
