import { describe, expect, it } from "vitest";
import { suspectsOf, verdictsOf } from "./hung.ts";

const NOW_MS = 1_000_000;
const found = (producerId: number, partition = 0) => ({
  ...{ topic: "orders", partition, producerId, producerEpoch: 0, coordinatorEpoch: 0 },
  ...{ startOffset: 5, lastTimestampMs: 7 },
});
const listed = [
  { transactionalId: "known", producerId: 1 },
  { transactionalId: "slow", producerId: 2 },
  { transactionalId: "elsewhere", producerId: 3 },
  { transactionalId: "unreachable", producerId: 4 },
];
const transaction = (transactionalId: string, openForMs: number, partition = 0) => ({
  ...{ transactionalId, timeoutMs: 60_000, startTimeMs: NOW_MS - openForMs },
  partitions: [{ topic: "orders", partition }],
});
const described = [transaction("known", 1_000), transaction("slow", 61_000), transaction("elsewhere", 1_000, 8)];

describe("a transaction that is open in a partition", () => {
  it("hangs if no coordinator has its producer, or its transaction is not in that partition", () => {
    const all = [found(1), found(2), found(3), found(4), found(9)];
    expect(suspectsOf(all, listed, described).map(({ producerId }) => producerId)).toEqual([3, 9]);
    const verdicts = verdictsOf({ found: all, listed, described, stillOpen: [found(3), found(9)], nowMs: NOW_MS });
    expect(
      verdicts.map(({ producerId, verdict, transactionalId, openForMs }) => [
        ...[producerId, verdict, transactionalId, openForMs],
      ]),
    ).toEqual([
      [1, "open", "known", 1_000],
      [2, "late", "slow", 61_000],
      [3, "hung", "elsewhere", null],
      // What its coordinator says is not known: nothing is claimed.
      [4, "open", "unreachable", null],
      [9, "hung", null, null],
    ]);
  });

  it("does not hang if it has ended while the coordinators were asked, or another one has begun", () => {
    const verdicts = (stillOpen: readonly ReturnType<typeof found>[]) =>
      verdictsOf({ found: [found(9)], listed, described, stillOpen, nowMs: NOW_MS });
    expect(verdicts([])).toEqual([]);
    expect(verdicts([{ ...found(9), startOffset: 8 }])).toEqual([]);
    expect(verdicts([found(9)])).toMatchObject([{ verdict: "hung" }]);
  });
});
