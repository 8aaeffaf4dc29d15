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

/** The compressed `input`, or null if it does not get smaller. What comes out is good until the next call. */
type BlockCompressor = (input: Uint8Array) => Uint8Array | null;

function portableBlockCompressor(): BlockCompressor {
  const hashTable = new Uint16Array(HASH_TABLE_ENTRIES);
  const output = new Uint8Array(lz4js.compressBound(BLOCK_INPUT_BYTES));
  return (input) => {
    hashTable.fill(0);
    const size = lz4js.compressBlock(input, output, 0, input.length, hashTable);
    return size === 0 || size >= input.length ? null : output.subarray(0, size);
  };
}

function nativeBlockCompressor(native: NativeLz4): BlockCompressor {
  return (input) => {
    const prefixed = native.compressBlock(input);
    return prefixed.length - SIZE_PREFIX_BYTES >= input.length ? null : prefixed.subarray(SIZE_PREFIX_BYTES);
  };
}

function compressFrame(input: Uint8Array, compressBlock: BlockCompressor): Uint8Array {
  const frame = new FrameOutput();
  for (let start = 0; start < input.length; start += BLOCK_INPUT_BYTES) {
    const block = input.subarray(start, start + BLOCK_INPUT_BYTES);
    const compressed = compressBlock(block);
    const isLast = start + BLOCK_INPUT_BYTES >= input.length;
    frame.addBlock(compressed ?? block, compressed !== null, isLast);
  }
  return frame.finish();
}

/** Joins blocks to a frame: a single one, which is the rule, straight into an array of the right size. */
class FrameOutput {
  private readonly chunks: Uint8Array[] = [];
  private totalBytes = 0;

  addBlock(data: Uint8Array, compressed: boolean, isLast: boolean): void {
    const isFirst = this.chunks.length === 0;
    const headerBytes = isFirst ? LZ4_FRAME_HEADER.length : 0;
    const dataStart = headerBytes + LZ4_BLOCK_HEADER_BYTES;
    const chunk = new Uint8Array(dataStart + data.length + (isLast ? LZ4_END_MARK_BYTES : 0));
    if (isFirst) chunk.set(LZ4_FRAME_HEADER);
    writeLz4BlockHeader(chunk, headerBytes, data.length, compressed);
    chunk.set(data, dataStart);
    this.chunks.push(chunk);
    this.totalBytes += chunk.length;
  }

  finish(): Uint8Array {
    if (this.chunks.length > 0) return concatenate(this.chunks, this.totalBytes);
    const empty = new Uint8Array(LZ4_FRAME_HEADER.length + LZ4_END_MARK_BYTES);
    empty.set(LZ4_FRAME_HEADER);
    return empty;
  }
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
