import { expect, it } from "vitest";
import { nearMatch } from "./near-match.ts";

const KEYS = ["log.retention.ms", "log.retention.hours", "num.partitions", "node.id"];

it.each([
  ["log.retention.mss", "log.retention.ms"],
  ["LOG.RETENTION.MS", "log.retention.ms"],
  ["log.retenton.huors", "log.retention.hours"],
  ["partitions", undefined],
  ["nod", undefined],
  ["", undefined],
])("takes %j for %j", (typed, meant) => {
  expect(nearMatch(typed, KEYS)).toBe(meant);
});

it("does not look at names that are none", () => {
  const keys = KEYS.map((key) => key.repeat(1000));
  expect(nearMatch("x".repeat(1_000_000), keys)).toBeUndefined();
});
