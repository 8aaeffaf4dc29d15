import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PersistentMap } from "./persistent-map.ts";

type Change = { readonly key: string; readonly value: number | null };

/** Few keys, so that changes meet each other; some share their hash's low bits by chance. */
const keys = fc.oneof(fc.constantFrom("a", "b", "topic-1", "topic-2", ""), fc.string({ maxLength: 3 }));
const changes = fc.array(fc.record({ key: keys, value: fc.option(fc.integer(), { freq: 3 }) }), { maxLength: 200 });

function applied(map: PersistentMap<number>, all: readonly Change[]): PersistentMap<number> {
  return all.reduce((before, { key, value }) => (value === null ? before.delete(key) : before.set(key, value)), map);
}

function model(all: readonly Change[]): Map<string, number> {
  const map = new Map<string, number>();
  for (const { key, value } of all) {
    if (value === null) map.delete(key);
    else map.set(key, value);
  }
  return map;
}

const sorted = <Item>(items: Iterable<Item>) => [...items].sort();

describe("PersistentMap", () => {
  it("behaves as a Map, and its iteration order depends on the keys alone", () => {
    fc.assert(
      fc.property(changes, (all) => {
        const map = applied(PersistentMap.empty(), all);
        const expected = model(all);
        expect(map.size).toBe(expected.size);
        expect(sorted(map)).toEqual(sorted(expected));
        for (const { key } of all) expect(map.get(key)).toBe(expected.get(key));
        const rebuilt = PersistentMap.from([...expected].reverse());
        expect([...map.keys()]).toEqual([...rebuilt.keys()]);
      }),
    );
  });

  it("leaves the maps before a change as they were", () => {
    fc.assert(
      fc.property(changes, changes, (first, second) => {
        const before = applied(PersistentMap.empty(), first);
        const entries = [...before];
        applied(before, second);
        expect([...before]).toEqual(entries);
      }),
    );
  });

  it("names exactly the keys whose values differ", () => {
    fc.assert(
      fc.property(changes, changes, (first, second) => {
        const before = applied(PersistentMap.empty(), first);
        const after = applied(before, second);
        const all = new Set([...before.keys(), ...after.keys()]);
        const expected = [...all].filter((key) => before.get(key) !== after.get(key));
        expect(sorted(before.changedKeys(after))).toEqual(expected.sort());
        expect([...after.changedKeys(after)]).toEqual([]);
      }),
    );
  });

  it("does not look at what two maps share", () => {
    const large = PersistentMap.from(Array.from({ length: 10_000 }, (_, i) => [`topic-${i}`, i] as const));
    const changed = large.set("topic-5000", -1);
    expect([...large.changedKeys(changed)]).toEqual(["topic-5000"]);
  });

  it("keeps keys apart whose hashes collide", () => {
    const pair = ["key-901258", "key-1540052"]; // one FNV-1a hash, found by search
    const map = PersistentMap.from(pair.map((key, index) => [key, index + 1] as const));
    expect(pair.map((key) => map.get(key))).toEqual([1, 2]);
    expect(map.delete(pair[0]!).get(pair[1]!)).toBe(2);
    expect(map.size).toBe(2);
  });
});
