import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { murmur2OfKey, partitionOfKey } from "./murmur2.ts";

const encoder = new TextEncoder();

/** Kafka's own algorithm (org.apache.kafka.common.utils.Utils.murmur2), written anew over bytes: the oracle. */
function murmur2OfBytes(bytes: Uint8Array): number {
  const M = 0x5bd1e995;
  const at = (index: number) => bytes[index]!;
  let hash = 0x9747b28c ^ bytes.length;
  const whole = bytes.length & ~3;
  for (let index = 0; index < whole; index += 4) {
    let k = at(index) | (at(index + 1) << 8) | (at(index + 2) << 16) | (at(index + 3) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(k, M);
  }
  const rest = bytes.length - whole;
  if (rest === 3) hash ^= at(whole + 2) << 16;
  if (rest >= 2) hash ^= at(whole + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ at(whole), M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

describe("murmur2 of a key", () => {
  test.each([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    [Uint8Array.of(0x61, 0x62, 0x63), 479470107],
  ])("of %s is what Kafka's own tests say", (key, hash) => {
    expect(murmur2OfKey(key)).toBe(hash);
  });

  test("agrees with Kafka's algorithm for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => murmur2OfKey(bytes) === murmur2OfBytes(bytes)),
      {
        numRuns: 1_000,
      },
    );
  });

  test("of text is that of its UTF-8 bytes", () => {
    const text = fc.string({ unit: "binary", maxLength: 100 });
    fc.assert(
      fc.property(text, (key) => murmur2OfKey(key) === murmur2OfBytes(encoder.encode(key))),
      { numRuns: 1_000 },
    );
    expect(murmur2OfKey("héllo")).toBe(murmur2OfBytes(encoder.encode("héllo")));
  });

  test("of a long key is not cut", () => {
    const bytes = Uint8Array.from({ length: 10_001 }, (_, index) => index);
    expect(murmur2OfKey(bytes)).toBe(murmur2OfBytes(bytes));
  });

  test("gives a partition that exists", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 1_000 }), (key, count) => {
        const partition = partitionOfKey(key, count);
        return partition >= 0 && partition < count && partition === (murmur2OfKey(key) & 0x7fffffff) % count;
      }),
    );
  });
});
