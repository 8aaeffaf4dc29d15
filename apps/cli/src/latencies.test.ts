import { describe, expect, it } from "vitest";
import { Latencies } from "./latencies.ts";

describe("latencies", () => {
  it("give mean, maximum and percentiles", () => {
    const latencies = new Latencies();
    for (let ms = 100; ms >= 1; ms--) latencies.add(ms);
    expect([latencies.count, latencies.avgMs, latencies.maxMs]).toEqual([100, 50.5, 100]);
    expect(latencies.percentiles([0.5, 0.99, 0.999, 1])).toEqual([50, 99, 100, 100]);
  });

  it("stay right when there are too many to keep", () => {
    const latencies = new Latencies();
    for (let index = 0; index < 2_500_000; index++) latencies.add(index % 1_000);
    const [median, p99] = latencies.percentiles([0.5, 0.99]);
    expect(latencies.count).toBe(2_500_000);
    expect(Math.abs(median! - 500)).toBeLessThan(10);
    expect(Math.abs(p99! - 990)).toBeLessThan(10);
  });

  it("are zero where there is none", () => {
    expect(new Latencies().percentiles([0.5])).toEqual([0]);
  });
});
