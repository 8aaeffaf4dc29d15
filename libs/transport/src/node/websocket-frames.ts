import { createRequire } from "node:module";
import type { Random } from "@ottla/runtime";

/** RFC 6455, 5.2: a binary message in one frame. */
const FIN_BINARY = 0x82;
const MASK_BIT = 0x80;
const KEY_BYTES = 4;
/** Payload sizes up to these fit the first length byte, or two bytes more. */
const TINY_BYTES_MAX = 125;
const SHORT_BYTES_MAX = 0xffff;
/** Of a masked frame with a length of 8 bytes. */
export const HEADER_BYTES_MAX = 14;
/** Below this size a native call costs more than it saves. */
const NATIVE_BYTES_MIN = 64;

type NativeMask = (source: Uint8Array, key: Uint8Array, target: Uint8Array, offset: number, length: number) => void;

/** Part of the optional package `bufferutil`; null where it is not installed. */
const nativeMask = loadNativeMask();

function loadNativeMask(): NativeMask | null {
  try {
    const { mask } = createRequire(import.meta.url)("bufferutil") as { mask: NativeMask };
    return mask;
  } catch {
    return null;
  }
}

function headerBytes(sizeBytes: number): number {
  if (sizeBytes <= TINY_BYTES_MAX) return 2;
  return sizeBytes <= SHORT_BYTES_MAX ? 4 : 10;
}

function writeHeader(target: Uint8Array, offset: number, sizeBytes: number, maskBit: number): void {
  target[offset] = FIN_BINARY;
  if (sizeBytes <= TINY_BYTES_MAX) {
    target[offset + 1] = maskBit | sizeBytes;
  } else if (sizeBytes <= SHORT_BYTES_MAX) {
    target[offset + 1] = maskBit | 126;
    target[offset + 2] = sizeBytes >>> 8;
    target[offset + 3] = sizeBytes;
  } else {
    target[offset + 1] = maskBit | 127;
    const view = new DataView(target.buffer, target.byteOffset + offset + 2, 8);
    view.setUint32(0, Math.floor(sizeBytes / 2 ** 32));
    view.setUint32(4, sizeBytes >>> 0);
  }
}

/** Size of the frame that begins at `position`, its header counted; undefined where what there is of it up to `end` does not tell. */
export function frameBytesAt(bytes: Uint8Array, position: number, end = bytes.length): number | undefined {
  if (end - position < 2) return undefined;
  const first = bytes[position + 1]!;
  const tinyBytes = first & ~MASK_BIT;
  const lengthBytes = tinyBytes <= TINY_BYTES_MAX ? 0 : tinyBytes === 126 ? 2 : 8;
  if (end - position < 2 + lengthBytes) return undefined;
  let payloadBytes = lengthBytes === 0 ? tinyBytes : 0;
  for (let i = 0; i < lengthBytes; i++) payloadBytes = payloadBytes * 256 + bytes[position + 2 + i]!;
  return 2 + lengthBytes + (first & MASK_BIT ? KEY_BYTES : 0) + payloadBytes;
}

/** A message as a server sends it: a header, and the chunks as they are. */
export function unmaskedMessage(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array[] {
  const header = new Uint8Array(headerBytes(sizeBytes));
  writeHeader(header, 0, sizeBytes, 0);
  return [header, ...chunks];
}

/** A message as a client sends it, under a key of zeros: nothing to mask, nothing to copy. */
export function zeroMaskedMessage(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array[] {
  const header = new Uint8Array(headerBytes(sizeBytes) + KEY_BYTES);
  writeHeader(header, 0, sizeBytes, MASK_BIT);
  return [header, ...chunks];
}

/**
 * Where the payload begins in memory of its own: not 1 to 31 bytes further into a page than the chunks do, most of which
 * begin where their memory does. Some processors copy that fifteen times slower (docs/decisions/0256).
 */
const PAYLOAD_START = 64;

/** A message as a client sends it: header and masked payload in one piece of memory, which costs one copy. */
export function maskedMessage(
  chunks: readonly Uint8Array[],
  sizeBytes: number,
  key: Uint8Array,
  mask: NativeMask | null = nativeMask,
): Uint8Array {
  // The payload has room up to the next boundary of four bytes: it is masked in words.
  const memory = Buffer.allocUnsafeSlow(PAYLOAD_START + ((sizeBytes + 3) & ~3));
  const start = PAYLOAD_START - KEY_BYTES - headerBytes(sizeBytes);
  writeHeader(memory, start, sizeBytes, MASK_BIT);
  memory.set(key, PAYLOAD_START - KEY_BYTES);
  if (mask !== null && sizeBytes >= NATIVE_BYTES_MIN) maskNatively(chunks, key, memory, mask);
  else maskInWords(chunks, key, memory);
  return memory.subarray(start, PAYLOAD_START + sizeBytes);
}

function maskNatively(chunks: readonly Uint8Array[], key: Uint8Array, target: Uint8Array, mask: NativeMask): void {
  let position = 0;
  for (const chunk of chunks) {
    mask(chunk, rotated(key, position), target, PAYLOAD_START + position, chunk.length);
    position += chunk.length;
  }
}

/** The key for a chunk that begins at `position` of the payload. */
function rotated(key: Uint8Array, position: number): Uint8Array {
  const by = position & 3;
  return by === 0 ? key : Uint8Array.of(key[by]!, key[(by + 1) & 3]!, key[(by + 2) & 3]!, key[(by + 3) & 3]!);
}

function maskInWords(chunks: readonly Uint8Array[], key: Uint8Array, target: Uint8Array): void {
  let position = PAYLOAD_START;
  for (const chunk of chunks) {
    target.set(chunk, position);
    position += chunk.length;
  }
  const word = new Uint32Array(key.slice().buffer)[0]!;
  const words = new Uint32Array(target.buffer, target.byteOffset + PAYLOAD_START, (target.length - PAYLOAD_START) >> 2);
  for (let i = 0; i < words.length; i++) words[i] = words[i]! ^ word;
}

const KEY_POOL_BYTES = 4096;

/** Unpredictable keys, as RFC 6455 asks for: what a page can send shall not look like another protocol on the way. */
export class MaskKeys {
  private readonly random: Random;
  private readonly pool = new Uint8Array(KEY_POOL_BYTES);
  private position = KEY_POOL_BYTES;

  constructor(random: Random) {
    this.random = random;
  }

  /** The next key; valid until the pool is used up, so use it at once. */
  next(): Uint8Array {
    if (this.position === KEY_POOL_BYTES) {
      this.random.fill(this.pool);
      this.position = 0;
    }
    this.position += KEY_BYTES;
    return this.pool.subarray(this.position - KEY_BYTES, this.position);
  }
}
