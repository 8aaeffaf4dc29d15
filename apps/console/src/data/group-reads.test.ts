import { expect, it } from "vitest";
import { seenAgain, sumOfReads } from "./group-reads.ts";
import type { GroupLag } from "./lag.ts";

const lagOf = (groupId: string, committed: readonly number[]): GroupLag => ({
  groupId,
  total: 0,
  partitions: committed.map((offset, partition) => ({
    ...{ topic: "t", partition, committed: offset, end: 100, lag: 100 - offset },
  })),
});

it("what groups read is what they commit per second", () => {
  const first = seenAgain(undefined, lagOf("g", [10, 10]), 1_000);
  expect(first.recordsPerSecond).toBeUndefined();
  const second = seenAgain(first, lagOf("g", [30, 10]), 3_000);
  expect(second.recordsPerSecond).toBe(10);
  // One was set back, one is new: neither has been read.
  expect(seenAgain(second, lagOf("g", [0, 15, 90]), 4_000).recordsPerSecond).toBe(5);
  expect(seenAgain(second, lagOf("g", [40, 15]), 3_000).recordsPerSecond).toBeUndefined();
  expect(sumOfReads([second, second, first])).toBe(20);
  expect(sumOfReads([first])).toBeUndefined();
});
