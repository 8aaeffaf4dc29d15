import compressorModule from "snappyjs/snappy_compressor.js";
import decompressorModule from "snappyjs/snappy_decompressor.js";
import { nativeModules } from "#native";
import type { NativeSnappy } from "../native/contract.ts";
import { type CompressionCodec, corruptInput, outputTooLarge } from "./codec.ts";
import { concatenate } from "./concatenate.ts";
import { checkSnappyBlock, readSnappyPreamble } from "./snappy-block.ts";

/**
 * The framing of xerial's snappy-java, which Kafka uses: this header (a magic word, version 1, compatible with
 * version 1), then Snappy blocks, each after its length as 32 bits big-endian.
 */
const XERIAL_HEADER = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1);
const XERIAL_MAGIC_BYTES = 8;
const BLOCK_LENGTH_BYTES = 4;

/**
 * Input bytes in a block. snappy-java's default is 32 KiB, and readers take what comes; a block's cost beside its bytes
 * (a call, a table that is cleared, two copies) made batches of 128 KiB and more a tenth to a sixth slower to compress. A
 * producer's full batch is one block.
 */
const BLOCK_INPUT_BYTES = 256 * 1024;

/** Snappy's own bound for a block of {@link BLOCK_INPUT_BYTES}. */
const MAX_BLOCK_OUTPUT_BYTES = 32 + BLOCK_INPUT_BYTES + Math.ceil(BLOCK_INPUT_BYTES / 6);

/** Codec 2: xerial-framed Snappy is written; that and a bare Snappy block (librdkafka's way) are read. */
export const snappyCodec: CompressionCodec = createSnappyCodec(() => nativeModules.snappy());

/** The Snappy codec over native block functions, looked up at each use, or without. */
export function createSnappyCodec(nativeSnappy: () => NativeSnappy | null): CompressionCodec {
  let portable: BlockCompressor | undefined;
  return {
    id: 2,
    name: "snappy",
    compress(input) {
      const native = nativeSnappy();
      if (native !== null) return compressFramed(input, (block) => native.compressBlock(block));
      portable ??= portableBlockCompressor();
      return compressFramed(input, portable);
    },
    decompress(input, maxOutputBytes) {
      const blocks = findBlocks(input);
      let totalBytes = 0;
      for (const block of blocks) totalBytes += block.uncompressedBytes;
      if (totalBytes > maxOutputBytes) throw outputTooLarge("snappy", maxOutputBytes);
      const native = nativeSnappy();
      if (native === null) return decompressPortably(input, blocks, totalBytes);
      return concatenate(
        blocks.map((block) => decompressNativeBlock(input, block, native)),
        totalBytes,
      );
    },
  };
}

/** The compressed `input`, good until the next call. */
type BlockCompressor = (input: Uint8Array) => Uint8Array;

function portableBlockCompressor(): BlockCompressor {
  const output = new Uint8Array(MAX_BLOCK_OUTPUT_BYTES);
  return (input) => {
    const compressor = new compressorModule.SnappyCompressor(input);
    return output.subarray(0, compressor.compressToBuffer(output));
  };
}

/** A frame of one block, which is the rule, goes straight into an array of the right size. */
function compressFramed(input: Uint8Array, compressBlock: BlockCompressor): Uint8Array {
  if (input.length === 0) return XERIAL_HEADER.slice();
  const chunks: Uint8Array[] = [];
  let totalBytes = 0;
  for (let start = 0; start < input.length; start += BLOCK_INPUT_BYTES) {
    const block = compressBlock(input.subarray(start, start + BLOCK_INPUT_BYTES));
    const lengthAt = start === 0 ? XERIAL_HEADER.length : 0;
    const chunk = new Uint8Array(lengthAt + BLOCK_LENGTH_BYTES + block.length);
    if (start === 0) chunk.set(XERIAL_HEADER);
    viewOf(chunk).setInt32(lengthAt, block.length);
    chunk.set(block, lengthAt + BLOCK_LENGTH_BYTES);
    chunks.push(chunk);
    totalBytes += chunk.length;
  }
  return concatenate(chunks, totalBytes);
}

interface SnappyBlock {
  readonly start: number;
  readonly end: number;
  readonly uncompressedBytes: number;
}

function findBlocks(input: Uint8Array): SnappyBlock[] {
  if (!isXerialFramed(input)) return [blockAt(input, 0, input.length)];
  if (input.length < XERIAL_HEADER.length) throw corruptInput("snappy", "the header is cut short");
  const blocks: SnappyBlock[] = [];
  let position = XERIAL_HEADER.length;
  while (position < input.length) {
    const start = position + BLOCK_LENGTH_BYTES;
    const end = start <= input.length ? start + viewOf(input).getInt32(position) : start;
    if (end < start || end > input.length) throw corruptInput("snappy", "a block is cut short");
    blocks.push(blockAt(input, start, end));
    position = end;
  }
  return blocks;
}

function isXerialFramed(input: Uint8Array): boolean {
  for (let index = 0; index < XERIAL_MAGIC_BYTES; index++) {
    if (input[index] !== XERIAL_HEADER[index]) return false;
  }
  return true;
}

function blockAt(input: Uint8Array, start: number, end: number): SnappyBlock {
  return { start, end, uncompressedBytes: readSnappyPreamble(input, start, end).uncompressedBytes };
}

function decompressPortably(input: Uint8Array, blocks: readonly SnappyBlock[], totalBytes: number): Uint8Array {
  const output = new Uint8Array(totalBytes);
  let position = 0;
  for (const block of blocks) {
    decompressBlock(input, block, output.subarray(position, position + block.uncompressedBytes));
    position += block.uncompressedBytes;
  }
  return output;
}

function decompressBlock(input: Uint8Array, block: SnappyBlock, output: Uint8Array): void {
  const elementsStart = readSnappyPreamble(input, block.start, block.end).end;
  checkSnappyBlock(input, elementsStart, block.end, block.uncompressedBytes);
  const decompressor = new decompressorModule.SnappyDecompressor(input.subarray(elementsStart, block.end));
  if (!decompressor.uncompressToBuffer(output)) throw corruptInput("snappy", "a block is not sound");
}

function decompressNativeBlock(input: Uint8Array, block: SnappyBlock, native: NativeSnappy): Uint8Array {
  try {
    return native.decompressBlock(input.subarray(block.start, block.end));
  } catch (error) {
    throw corruptInput("snappy", "a block is not sound", error);
  }
}

/** In place of `records/integers.ts`: esbuild makes a chunk of its own of what a codec shares with a page's first one. */
function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
