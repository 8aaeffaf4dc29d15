import { expect, it } from "vitest";
import { Turns } from "./in-turns.ts";

it("all have their turn, those first that have waited longest", () => {
  const turns = new Turns();
  const names = ["a", "b", "c", "d", "e"];
  expect(turns.next(names, 2)).toEqual(["a", "b"]);
  expect(turns.next(names, 2)).toEqual(["c", "d"]);
  expect(turns.next(names, 2)).toEqual(["e", "a"]);
  // One that is new comes first, and one that has gone and is back is new.
  expect(turns.next(["f", "a", "b", "c", "d"], 2)).toEqual(["f", "b"]);
  expect(turns.next(["a", "b", "c", "d", "e"], 3)).toEqual(["e", "c", "d"]);
  expect(turns.next(["a"], 3)).toEqual(["a"]);
  expect(turns.next([], 3)).toEqual([]);
});
