/** The words of a 128-bit hash. */
export type Hash128 = Uint32Array;

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/**
 * MurmurHash3 (x86, 128 bits) of `bytes[start, start + length)` into `out`. Two keys with one hash would cost a record,
 * so the hash is wide, and seeded anew for each use: nobody can prepare keys that collide.
 */
export function hash128(bytes: Uint8Array, start: number, length: number, seed: number, out: Hash128): void {
  let [h1, h2, h3, h4] = [seed, seed, seed, seed];
  const end = start + length;
  let at = start;
  for (; at + 16 <= end; at += 16) {
    h1 ^= scramble(word(bytes, at), C1, 15, C2);
    h1 = (Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 ^= scramble(word(bytes, at + 4), C2, 16, C3);
    h2 = (Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 ^= scramble(word(bytes, at + 8), C3, 17, C4);
    h3 = (Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 ^= scramble(word(bytes, at + 12), C4, 18, C1);
    h4 = (Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  h1 ^= scramble(restOfWord(bytes, at, end), C1, 15, C2);
  h2 ^= scramble(restOfWord(bytes, at + 4, end), C2, 16, C3);
  h3 ^= scramble(restOfWord(bytes, at + 8, end), C3, 17, C4);
  h4 ^= scramble(restOfWord(bytes, at + 12, end), C4, 18, C1);
  finish(h1 ^ length, h2 ^ length, h3 ^ length, h4 ^ length, out);
}

function finish(h1: number, h2: number, h3: number, h4: number, out: Hash128): void {
  const sum = (h1 + h2 + h3 + h4) | 0;
  const first = avalanche(sum);
  const [second, third, fourth] = [avalanche((h2 + sum) | 0), avalanche((h3 + sum) | 0), avalanche((h4 + sum) | 0)];
  const total = (first + second + third + fourth) | 0;
  out[0] = total;
  out[1] = second + total;
  out[2] = third + total;
  out[3] = fourth + total;
}

function scramble(value: number, first: number, bits: number, second: number): number {
  return Math.imul(rotate(Math.imul(value, first), bits), second);
}

function avalanche(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Up to four bytes as a word, little end first; what lies beyond `end` counts as 0. */
function restOfWord(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let index = Math.min(3, end - at - 1); index >= 0; index--) value = (value << 8) | bytes[at + index]!;
  return value;
}
