import { describe, expect, it } from "vitest";
import { Rates, SummedRates } from "./rates.ts";

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

it("of several brokers are added up, each by its own clock; one that is gone counts no more", () => {
  const rates = new SummedRates();
  const broker = (nodeId: number, atMs: number, a: number) => ({ nodeId, atMs, counters: new Map([["a", a]]) });
  rates.update([broker(1, 1_000, 0), broker(2, 50_000, 7)]);
  expect(rates.of("a")).toBeUndefined();
  rates.update([broker(1, 2_000, 10), broker(2, 52_000, 17)]);
  expect(rates.of("a")).toBe(15);
  rates.update([broker(2, 53_000, 18)]);
  expect(rates.of("a")).toBe(1);
});
