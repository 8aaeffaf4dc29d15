import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Histogram } from "./histogram.ts";

describe("a histogram", () => {
  it("gives quantiles that are at most 9% above the true ones", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.002, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.75, 0.99, 1),
        (values, share) => {
          const histogram = new Histogram();
          for (const value of values) histogram.record(value);
          const exact = values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1]!;
          const [found] = histogram.quantiles([share], 0);
          expect(found).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
          expect(found).toBeLessThanOrEqual(exact * 1.0906);
        },
      ),
      { seed: 20 },
    );
  });

  it("forgets in its quantiles what was recorded two windows ago, and keeps it in its totals", () => {
    const histogram = new Histogram();
    for (let i = 0; i < 100; i++) histogram.record(1_000);
    expect(histogram.quantiles([0.5], 0)[0]).toBeCloseTo(1_000, -2);
    histogram.quantiles([0.5], 200_000);
    histogram.record(1);
    expect(histogram.quantiles([0.99], 400_000)).toEqual([1]);
    expect(histogram.quantiles([0.99], 800_000)).toEqual([0]);
    expect([histogram.count, histogram.sum, histogram.max]).toEqual([101, 100_001, 1_000]);
  });

  it("counts what is not above a bound", () => {
    const histogram = new Histogram();
    for (const value of [0, 0.5, 1, 1.01, 2, 300]) histogram.record(value);
    expect([0.5, 1, 2, 256, 512].map((bound) => histogram.countUpTo(bound))).toEqual([2, 3, 5, 5, 6]);
  });

  it("takes values that no clock gives", () => {
    const histogram = new Histogram();
    for (const value of [-1, 0, Number.NaN, 2 ** 60]) histogram.record(value);
    expect(histogram.count).toBe(4);
    expect(histogram.quantiles([0.5], 0)[0]).toBeLessThan(1);
  });
});
