import fc from "fast-check";
import murmurhash from "murmurhash-js/murmurhash2_gc.js";
import { describe, expect, test } from "vitest";
import { murmur2OfKey, partitionOfKey } from "./murmur2.ts";

const encoder = new TextEncoder();

/** Somebody else's, which takes a character for a byte: the oracle. */
function murmur2OfBytes(bytes: Uint8Array): number {
  return murmurhash(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""), 0x9747b28c) | 0;
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

  test("agrees with another implementation for any bytes", () => {
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
