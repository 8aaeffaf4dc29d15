import { describe, expect, it } from "vitest";
import { partitionForGroup } from "./partition-for-group.ts";

describe("partitionForGroup", () => {
  // By `Utils.abs(groupId.hashCode()) % 50` in Java.
  it.each([
    ["", 0],
    ["a", 47],
    ["billing", 9],
    ["console-consumer-12345", 6],
    ["größe", 7],
    // hashCode is Integer.MIN_VALUE, whose absolute value is taken as 0
    ["polygenelubricants", 0],
  ])("puts %j on partition %i of 50", (groupId, partition) => {
    expect(partitionForGroup(groupId, 50)).toBe(partition);
  });
});
