import type { RecordData } from "@ottla/protocol";

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** Text of this length and more is encoded by the platform: the call costs less than the loop then. */
const SHORT_TEXT_LENGTH = 64;

const shortText = /*#__PURE__*/ new Uint8Array(SHORT_TEXT_LENGTH);
const encoder = /*#__PURE__*/ new TextEncoder();

/** The 32-bit murmur2 hash that Kafka's own producer computes of a key's bytes: signed, and the same everywhere. */
export function murmur2OfKey(key: Exclude<RecordData, null>): number {
  if (typeof key !== "string") return murmur2(key, key.length);
  if (isShortAscii(key)) return murmur2(shortText, key.length);
  const bytes = encoder.encode(key);
  return murmur2(bytes, bytes.length);
}

/** The partition of a key: the hash without its sign, modulo. */
export function partitionOfKey(key: Exclude<RecordData, null>, partitionCount: number): number {
  return partitionCount === 1 ? 0 : (murmur2OfKey(key) & 0x7fff_ffff) % partitionCount;
}

/** Whether the text is a byte for each character, which stand in {@link shortText} then. */
function isShortAscii(text: string): boolean {
  if (text.length > SHORT_TEXT_LENGTH) return false;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return false;
    shortText[index] = unit;
  }
  return true;
}

/** MurmurHash2 of the first `length` bytes: four at a time, then what is left. */
function murmur2(bytes: Uint8Array, length: number): number {
  const whole = length & ~3;
  let hash = SEED ^ length;
  for (let index = 0; index < whole; index += 4) {
    const word = bytes[index]! | (bytes[index + 1]! << 8) | (bytes[index + 2]! << 16) | (bytes[index + 3]! << 24);
    const mixed = Math.imul(word, M);
    hash = Math.imul(hash, M) ^ Math.imul(mixed ^ (mixed >>> 24), M);
  }
  if (whole < length) {
    for (let index = whole; index < length; index++) hash ^= bytes[index]! << (8 * (index - whole));
    hash = Math.imul(hash, M);
  }
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}
