import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hash128 } from "./key-hash.ts";
import { OFFSET_MAP_ENTRY_BYTES, OffsetMap } from "./offset-map.ts";

const encoder = new TextEncoder();

function hashOf(text: string, seed = 0): string {
  const bytes = encoder.encode(`..${text}`);
  const out = new Uint32Array(4);
  hash128(bytes, 2, bytes.length - 2, seed, out);
  return Array.from(out, (word) => word.toString(16).padStart(8, "0")).join("");
}

describe("the hash of a key", () => {
  it.each([
    ["", 0, "00000000000000000000000000000000"],
    ["", 1, "88c4adec54d201b954d201b954d201b9"],
    ["I will not buy this record, it is scratched.", 0, "a0a9683b25ac5e40d9af2895890dddf5"],
    ["key-1", 7, "940dd53e584ea869066477ae066477ae"],
  ])("is MurmurHash3_x86_128: %j with seed %i", (text, seed, expected) => {
    expect(hashOf(text, seed)).toBe(expected);
  });

  it("depends on every byte and on the seed", () => {
    const hashes = new Set<string>();
    for (let length = 0; length < 40; length++) hashes.add(hashOf("a".repeat(length)));
    for (let at = 0; at < 37; at++) hashes.add(hashOf(`${"a".repeat(at)}b${"a".repeat(36 - at)}`));
    expect(hashes.size).toBe(77);
    expect(hashOf("a", 1)).not.toBe(hashOf("a", 2));
  });
});

describe("the offset map", () => {
  it("knows the latest offset of each key, and refuses new keys when it is full", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 3 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 40 }),
        (keys, capacity) => {
          const map = new OffsetMap(capacity, 0.9, 42);
          const expected = new Map<string, number>();
          for (const [offset, key] of keys.entries()) {
            const bytes = encoder.encode(key);
            const fits = expected.has(key) || expected.size < capacity;
            expect(map.put(bytes, 0, bytes.length, offset)).toBe(fits);
            if (fits) expected.set(key, offset);
          }
          expect(map.size).toBe(expected.size);
          for (const key of keys) {
            const bytes = encoder.encode(key);
            expect(map.get(bytes, 0, bytes.length)).toBe(expected.get(key) ?? -1);
          }
        },
      ),
      { seed: 4, numRuns: 100 },
    );
  });

  it("takes as many keys as its memory says", () => {
    const capacity = OffsetMap.capacityIn(1000 * OFFSET_MAP_ENTRY_BYTES, 0.9);
    expect(capacity).toBe(Math.floor(999 * 0.9));
    expect(OffsetMap.capacityIn(1, 0.9)).toBe(1);
  });
});
