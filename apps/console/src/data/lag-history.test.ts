import { describe, expect, it } from "vitest";
import { growingLags, type LagHistory, withReadings } from "./lag-history.ts";

const lagOf = (groupId: string, total: number) => ({ groupId, total, partitions: [] });
/** A reading every `apartMs`. */
const historyOf = (lags: readonly number[], apartMs = 4_000): LagHistory =>
  lags.reduce<LagHistory>(
    (history, lag, index) => withReadings(history, [lagOf("g", lag)], index * apartMs),
    new Map(),
  );

describe("growing lag", () => {
  it("was never lower for a while, and is more than it was", () => {
    expect(growingLags(historyOf([1, 1, 3, 3, 7]))).toEqual([{ groupId: "g", lag: 7, grownBy: 6, overMs: 16_000 }]);
    // What was before that does not count.
    expect(growingLags(historyOf([90, 5, 5, 5, 5, 6]))).toMatchObject([{ grownBy: 1 }]);
  });

  it.each([
    ["none that stays as it is", [4, 4, 4, 4, 4, 4]],
    ["none that was lower once", [1, 2, 9, 3, 4]],
    ["none of too few readings", [1, 2, 3, 4]],
  ])("is %s", (_, lags) => {
    expect(growingLags(historyOf(lags))).toEqual([]);
  });

  it("is judged over fifteen seconds at least, however often somebody looks", () => {
    expect(growingLags(historyOf([1, 2, 3, 4, 5, 6, 7], 2_000))).toEqual([]);
    expect(growingLags(historyOf([1, 2, 3, 4, 5, 6, 7, 8, 9], 2_000))).toMatchObject([{ grownBy: 8, overMs: 16_000 }]);
    // Seldom is long enough: many groups have their turns.
    expect(growingLags(historyOf([1, 2, 3, 4, 5], 60_000))).toMatchObject([{ overMs: 240_000 }]);
  });
});

it("readings that come at once are one, and old ones go", () => {
  const twice = withReadings(historyOf([1]), [lagOf("g", 2)], 700);
  expect(twice.get("g")).toEqual([{ atMs: 0, lag: 1 }]);
  const long = historyOf(Array.from({ length: 200 }, (_, index) => index)).get("g")!;
  expect([long.length, long[0]!.lag]).toEqual([150, 50]);
});
