import { describe, expect, test } from "vitest";
import { Earthquakes } from "./earthquakes.ts";
import { Flights } from "./flights.ts";
import { Metrics } from "./metrics.ts";
import { Notes } from "./notes.ts";
import { Series } from "./series.ts";
import { Traffic } from "./traffic.ts";

/** Anyone may write anything to the topics that the page draws. */
const NONSENSE = [null, "", "{", "null", "[]", "7", '"text"', '{"latitude":"north"}', '{"delayMinutes":null}'];

describe("series", () => {
  test("values of a moment may come one by one and late, columns stay aligned", () => {
    const series = new Series(["a", "b"], 10);
    series.set(2, { a: 20 });
    series.set(1, { b: 11 });
    series.set(3, { a: 30, b: 31 });
    series.set(1, { a: 10 });
    expect(series.data).toEqual([
      [1, 2, 3],
      [10, 20, 30],
      [11, null, 31],
    ]);
    expect([series.last("a"), series.last("b")]).toEqual([30, 31]);
  });

  test("keeps as many moments as it may", () => {
    const series = new Series(["a"], 3);
    for (let time = 0; time < 10; time++) series.set(time, { a: time });
    expect(series.data).toEqual([
      [7, 8, 9],
      [7, 8, 9],
    ]);
  });
});

describe("earthquakes", () => {
  const value = (id: number) =>
    JSON.stringify({ id: `q${id}`, time: 5, magnitude: 4.5, depthKm: 10, latitude: 1, longitude: 2, place: "there" });

  test("are read, counted, and forgotten when there are many", () => {
    const earthquakes = new Earthquakes();
    for (let id = 0; id < 1_000; id++) earthquakes.accept(value(id), id);
    expect(earthquakes.count).toBe(1_000);
    expect(earthquakes.list.length).toBeLessThanOrEqual(400);
    expect(earthquakes.list.at(-1)).toMatchObject({ id: "q999", magnitude: 4.5, place: "there", writtenAtMs: 999 });
  });

  test("nonsense is passed over", () => {
    const earthquakes = new Earthquakes();
    for (const nonsense of NONSENSE) earthquakes.accept(nonsense, 0);
    expect(earthquakes.count).toBe(0);
  });
});

test("metrics: usage and network, by moment", () => {
  const metrics = new Metrics();
  metrics.accept(JSON.stringify({ source: "cpu", time: 1_000, usedPercent: 12, load1: 1 }));
  metrics.accept(JSON.stringify({ source: "memory", time: 1_000, usedPercent: 34 }));
  metrics.accept(
    JSON.stringify({ source: "network", time: 1_000, receivedBytesPerSecond: 5_000, sentBytesPerSecond: 100 }),
  );
  metrics.accept(JSON.stringify({ source: "elsewhere", time: 1_000, usedPercent: 99 }));
  for (const nonsense of NONSENSE) metrics.accept(nonsense);
  expect(metrics.usage.data).toEqual([[1], [12], [34], [null]]);
  expect(metrics.network.data).toEqual([[1], [5_000], [100]]);
});

test("flights: time of day and how many are late", () => {
  const flights = new Flights();
  flights.accept(JSON.stringify({ departureHour: 6.75, distanceMiles: 500, delayMinutes: 16 }));
  flights.accept(JSON.stringify({ departureHour: 7.1, distanceMiles: 900, delayMinutes: -3 }));
  for (const nonsense of NONSENSE) flights.accept(nonsense);
  expect([flights.count, flights.lateShare, flights.departureTime]).toEqual([2, 0.5, "7:06"]);
});

test("notes: the newest first, and no more than fit", () => {
  const notes = new Notes();
  for (let offset = 0; offset < 100; offset++)
    notes.accept({ key: null, value: "v", partition: 0, offset, timestampMs: 0 });
  expect(notes.list.length).toBe(50);
  expect(notes.list[0]!.offset).toBe(99);
});

test("traffic: a smoothed rate that comes to rest", () => {
  const traffic = new Traffic();
  traffic.add(100);
  traffic.tick(1_000);
  expect([traffic.perSecond, traffic.total]).toEqual([100, 100]);
  for (let second = 0; second < 20; second++) traffic.tick(1_000);
  expect(traffic.perSecond).toBeLessThan(0.01);
});
