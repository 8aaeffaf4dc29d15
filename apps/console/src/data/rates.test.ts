import { describe, expect, it } from "vitest";
import { Rates } from "./rates.ts";

describe("rates", () => {
  it("are growth per second; counters that are new or begin anew have none", () => {
    const rates = new Rates();
    rates.update(
      1_000,
      new Map([
        ["a", 10],
        ["b", 10],
      ]),
    );
    expect(rates.of("a")).toBeUndefined();
    rates.update(
      3_000,
      new Map([
        ["a", 30],
        ["b", 5],
        ["c", 1],
      ]),
    );
    expect(["a", "b", "c"].map((name) => rates.of(name))).toEqual([10, undefined, undefined]);
    rates.update(3_000, new Map([["a", 99]]));
    expect(rates.of("a")).toBe(10);
  });
});
