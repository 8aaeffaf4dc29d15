import { describe, expect, it } from "vitest";
import { duplicatesOf } from "./duplicates.ts";

describe("duplicatesOf", () => {
  it("finds what occurs more than once", () => {
    expect(duplicatesOf(["a", "b", "a", "c", "a", "c"])).toEqual(new Set(["a", "c"]));
    expect(duplicatesOf([])).toEqual(new Set());
  });

  it("is done with as many items as a request holds before anybody gives up", () => {
    const names = Array.from({ length: 1_000_000 }, (_, index) => `t${index % 999_999}`);
    expect(duplicatesOf(names)).toEqual(new Set(["t0"]));
  });
});
