import fc from "fast-check";
import { expect, test } from "vitest";
import { Place, WaitList } from "./wait-list.ts";

test("a wait list keeps whoever comes and goes in the order in which they came, each once", () => {
  const steps = fc.array(fc.record({ item: fc.nat(9), comes: fc.boolean() }), { maxLength: 100 });
  fc.assert(
    fc.property(steps, (taken) => {
      const list = new WaitList<number>();
      const places = Array.from({ length: 10 }, (_, item) => new Place(list, item));
      let expected: number[] = [];
      for (const { item, comes } of taken) {
        if (comes) places[item]!.take();
        else places[item]!.leave();
        if (!comes) expected = expected.filter((other) => other !== item);
        else if (!expected.includes(item)) expected.push(item);
        expect([...list]).toEqual(expected);
        expect(list.isEmpty).toBe(expected.length === 0);
      }
    }),
    { seed: 182, numRuns: 100 },
  );
});

test("who is at hand may leave a wait list while it is walked", () => {
  const list = new WaitList<number>();
  const places = [0, 1, 2].map((item) => new Place(list, item));
  for (const place of places) place.take();
  const seen: number[] = [];
  for (const item of list) {
    seen.push(item);
    places[item]!.leave();
  }
  expect(seen).toEqual([0, 1, 2]);
  expect(list.isEmpty).toBe(true);
});
