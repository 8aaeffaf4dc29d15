import { describe, expect, it } from "vitest";
import { readDataset } from "./datasets.ts";
import { earthquakes } from "./earthquakes.ts";
import { flights } from "./flights.ts";
import { machineMetrics } from "./machine-metrics.ts";

describe("earthquakes", () => {
  it("come in the order in which they happened, with where and how strong", async () => {
    const feed = await earthquakes();
    const values = await Promise.all(
      Array.from({ length: 50 }, async (_, position) => JSON.parse((await feed.next(position))[0]?.value ?? "")),
    );
    const times = values.map(({ time }) => time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    for (const { latitude, longitude, place } of values) {
      expect(Math.abs(latitude)).toBeLessThanOrEqual(90);
      expect(Math.abs(longitude)).toBeLessThanOrEqual(180);
      expect(place).toEqual(expect.any(String));
    }
  });
});

describe("flights", () => {
  it("go on where the topic ends, and begin again after the last one", async () => {
    const feed = await flights();
    const [first, second] = [await feed.next(0), await feed.next(12)];
    expect(second).not.toEqual(first);
    expect(await feed.next((await readDataset<object[]>("flights-200k.json")).length)).toEqual(first);
  });
});

describe("machine metrics", () => {
  it("tell of each source, keyed by it", async () => {
    const records = await machineMetrics().next(0);
    expect(records.map(({ key }) => key)).toEqual(expect.arrayContaining(["cpu", "memory"]));
    for (const { key, value } of records)
      expect(JSON.parse(value)).toMatchObject({ source: key, time: expect.any(Number) });
  });
});
