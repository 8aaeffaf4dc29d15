import type { RecordData } from "@ottla/protocol";
import murmur2 from "murmurhash-js/murmurhash2_gc.js";

const SEED = 0x9747b28c;
const CHARS_PER_CALL = 4096;

const encoder = /*#__PURE__*/ new TextEncoder();

/** The 32-bit murmur2 hash that Kafka's own producer computes of a key's bytes: signed, and the same everywhere. */
export function murmur2OfKey(key: Exclude<RecordData, null>): number {
  return murmur2(typeof key === "string" ? byteString(key) : latin1(key), SEED) | 0;
}

/** The partition of a key: the hash without its sign, modulo. */
export function partitionOfKey(key: Exclude<RecordData, null>, partitionCount: number): number {
  return (murmur2OfKey(key) & 0x7fff_ffff) % partitionCount;
}

/** The text's UTF-8 bytes, a character each: the hash looks at the low byte of every character. */
function byteString(text: string): string {
  for (let index = 0; index < text.length; index++)
    if (text.charCodeAt(index) > 0x7f) return latin1(encoder.encode(text));
  return text;
}

function latin1(bytes: Uint8Array): string {
  if (bytes.length <= CHARS_PER_CALL) return String.fromCharCode.apply(null, bytes as unknown as number[]);
  let text = "";
  for (let start = 0; start < bytes.length; start += CHARS_PER_CALL) {
    text += latin1(bytes.subarray(start, start + CHARS_PER_CALL));
  }
  return text;
}
