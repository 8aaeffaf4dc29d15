import { expect, it } from "vitest";
import { isCount, PARTITIONS_MAX, REPLICAS_MAX, retentionMsOf } from "./new-topic.ts";

it("a count is a whole number that the protocol has room for, or left to the broker", () => {
  for (const text of ["", "1", "2147483647"]) expect(isCount(text, PARTITIONS_MAX), text).toBe(true);
  for (const text of ["0", "-1", "1.5", "1e2", " 4", "x", "2147483648", "99999999999"])
    expect(isCount(text, PARTITIONS_MAX), text).toBe(false);
  expect([isCount("32767", REPLICAS_MAX), isCount("40000", REPLICAS_MAX)]).toEqual([true, false]);
});

it("retention is hours, and a millisecond at least: 0 would delete every record at once", () => {
  expect(["0.5", ".5", "168", " 1 "].map(retentionMsOf)).toEqual([1_800_000, 1_800_000, 604_800_000, 3_600_000]);
  for (const text of ["", "0", "0.0000001", "-1", "abc", "Infinity", "1e300", "0x10", "9".repeat(20)])
    expect(retentionMsOf(text), text).toBeNull();
});
