import xxh32 from "lz4js/xxh32.js";
import { corruptInput } from "./codec.ts";

/**
 * The LZ4 frame format (version 1.6.x), as far as Kafka's clients use it: see lz4_Frame_format.md of the LZ4 project.
 * Integers are little-endian.
 */
const MAGIC = 0x184d2204;
const VERSION = 0x40;
const VERSION_MASK = 0xc0;
const FLAG_INDEPENDENT_BLOCKS = 0x20;
const FLAG_BLOCK_CHECKSUMS = 0x10;
const FLAG_CONTENT_SIZE = 0x08;
const FLAG_CONTENT_CHECKSUM = 0x04;
const FLAG_RESERVED = 0x02;
const FLAG_DICTIONARY = 0x01;
const UNCOMPRESSED_BLOCK = 0x8000_0000;

/** Block size ids 4..7 stand for 64 KiB, 256 KiB, 1 MiB, 4 MiB. */
const MIN_BLOCK_SIZE_ID = 4;

/** Independent blocks of at most 64 KiB, no checksums: the frame header that Kafka's Java client writes. */
export const LZ4_FRAME_HEADER = frameHeader(VERSION | FLAG_INDEPENDENT_BLOCKS, MIN_BLOCK_SIZE_ID << 4);

export const LZ4_END_MARK_BYTES = 4;
export const LZ4_BLOCK_HEADER_BYTES = 4;

function frameHeader(flags: number, blockDescriptor: number): Uint8Array {
  const header = new Uint8Array(7);
  writeUint32LittleEndian(header, 0, MAGIC);
  header[4] = flags;
  header[5] = blockDescriptor;
  header[6] = headerChecksum(header, 4, 2);
  return header;
}

/** One block of a frame, as it lies in the input. */
export interface Lz4Block {
  readonly start: number;
  readonly end: number;
  readonly compressed: boolean;
}

/** A whole frame, checked as far as that goes without decompressing it. */
export interface Lz4Frame {
  readonly blocks: readonly Lz4Block[];
  /** Blocks do not refer to data of earlier ones. */
  readonly independentBlocks: boolean;
  /** The most bytes that a block may decompress to. */
  readonly maxBlockBytes: number;
  /** Bytes of the decompressed content, if the frame says so. */
  readonly contentBytes: number | undefined;
  /** The XXH32 of the decompressed content, if the frame has it. */
  readonly contentChecksum: number | undefined;
  /** Where the frame ends in the input. */
  readonly end: number;
}

interface Descriptor {
  readonly flags: number;
  readonly maxBlockBytes: number;
  readonly contentBytes: number | undefined;
  readonly end: number;
}

/**
 * Finds the blocks of the frame at `position` and verifies header and block checksums.
 *
 * @throws CompressionError if it is not a whole and sound frame
 */
export function readLz4Frame(bytes: Uint8Array, position: number): Lz4Frame {
  const descriptor = readDescriptor(bytes, position);
  const blocks: Lz4Block[] = [];
  let at = descriptor.end;
  for (;;) {
    const word = readUint32LittleEndian(bytes, at);
    at += LZ4_BLOCK_HEADER_BYTES;
    if (word === 0) break;
    const block = readBlock(bytes, at, word, descriptor);
    blocks.push(block);
    at = block.end + (has(descriptor, FLAG_BLOCK_CHECKSUMS) ? 4 : 0);
  }
  const hasChecksum = has(descriptor, FLAG_CONTENT_CHECKSUM);
  return {
    blocks,
    independentBlocks: has(descriptor, FLAG_INDEPENDENT_BLOCKS),
    maxBlockBytes: descriptor.maxBlockBytes,
    contentBytes: descriptor.contentBytes,
    contentChecksum: hasChecksum ? readUint32LittleEndian(bytes, at) : undefined,
    end: hasChecksum ? at + 4 : at,
  };
}

function readDescriptor(bytes: Uint8Array, position: number): Descriptor {
  if (readUint32LittleEndian(bytes, position) !== MAGIC) throw corruptInput("lz4", "this is not an LZ4 frame");
  const flagsAt = position + 4;
  const flags = bytes[flagsAt]!;
  if ((flags & VERSION_MASK) !== VERSION || (flags & FLAG_RESERVED) !== 0) {
    throw corruptInput("lz4", `frame flags 0x${flags?.toString(16)} are not supported`);
  }
  if ((flags & FLAG_DICTIONARY) !== 0) throw corruptInput("lz4", "the frame needs a dictionary");
  const contentSizeBytes = (flags & FLAG_CONTENT_SIZE) === 0 ? 0 : 8;
  const checksumAt = flagsAt + 2 + contentSizeBytes;
  if (checksumAt >= bytes.length) throw corruptInput("lz4", "the frame is cut short");
  if (bytes[checksumAt] !== headerChecksum(bytes, flagsAt, 2 + contentSizeBytes)) {
    throw corruptInput("lz4", "the frame header's checksum is wrong");
  }
  const blockSizeId = (bytes[flagsAt + 1]! >>> 4) & 7;
  if (blockSizeId < MIN_BLOCK_SIZE_ID) throw corruptInput("lz4", `block size id ${blockSizeId} does not exist`);
  return {
    flags,
    maxBlockBytes: 1 << (8 + 2 * blockSizeId),
    contentBytes: contentSizeBytes === 0 ? undefined : readContentSize(bytes, flagsAt + 2),
    end: checksumAt + 1,
  };
}

function has(descriptor: Descriptor, flag: number): boolean {
  return (descriptor.flags & flag) !== 0;
}

function readContentSize(bytes: Uint8Array, position: number): number {
  return readUint32LittleEndian(bytes, position) + readUint32LittleEndian(bytes, position + 4) * 0x1_0000_0000;
}

function readBlock(bytes: Uint8Array, start: number, word: number, descriptor: Descriptor): Lz4Block {
  const compressed = word < UNCOMPRESSED_BLOCK;
  const size = compressed ? word : word - UNCOMPRESSED_BLOCK;
  const end = start + size;
  if (size > descriptor.maxBlockBytes) throw corruptInput("lz4", `a block of ${size} bytes is too large`);
  if (end > bytes.length) throw corruptInput("lz4", "the frame is cut short");
  if (
    has(descriptor, FLAG_BLOCK_CHECKSUMS) &&
    readUint32LittleEndian(bytes, end) !== xxh32.hash(0, bytes, start, size)
  ) {
    throw corruptInput("lz4", "a block's checksum is wrong");
  }
  return { start, end, compressed };
}

/** @throws CompressionError if the decompressed content is not what the frame says of it */
export function verifyLz4Content(frame: Lz4Frame, content: Uint8Array): void {
  if (frame.contentBytes !== undefined && frame.contentBytes !== content.length) {
    throw corruptInput("lz4", `the frame says ${frame.contentBytes} bytes and holds ${content.length}`);
  }
  if (frame.contentChecksum !== undefined && frame.contentChecksum !== xxh32.hash(0, content, 0, content.length)) {
    throw corruptInput("lz4", "the content's checksum is wrong");
  }
}

function headerChecksum(bytes: Uint8Array, start: number, length: number): number {
  return (xxh32.hash(0, bytes, start, length) >>> 8) & 0xff;
}

function readUint32LittleEndian(bytes: Uint8Array, position: number): number {
  if (position + 4 > bytes.length) throw corruptInput("lz4", "the frame is cut short");
  return (
    (bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16) | (bytes[position + 3]! << 24)) >>> 0
  );
}

export function writeUint32LittleEndian(bytes: Uint8Array, position: number, value: number): void {
  bytes[position] = value;
  bytes[position + 1] = value >>> 8;
  bytes[position + 2] = value >>> 16;
  bytes[position + 3] = value >>> 24;
}

/** Writes the size that goes before a block of `size` bytes. */
export function writeLz4BlockHeader(bytes: Uint8Array, position: number, size: number, compressed: boolean): void {
  writeUint32LittleEndian(bytes, position, compressed ? size : (size | UNCOMPRESSED_BLOCK) >>> 0);
}
