import { expect, it } from "vitest";
import { isUnderReplicated } from "./partition-families.ts";

it.each([
  ["at rest, all in sync", [1, 2], [], [1, 2], false],
  ["at rest, one out of sync", [1, 2], [], [1], true],
  ["while replicas are added that have not caught up", [3, 4, 1, 2], [3, 4], [1, 2], false],
  ["while replicas are added, one of those before out of sync", [3, 4, 1, 2], [3, 4], [1], true],
  ["while replicas are added, one of them in sync", [3, 4, 1, 2], [3, 4], [1, 2, 3], false],
  ["while replicas only go", [1, 2, 3], [], [1, 2], true],
])("a partition %s: replicas %j, of those added %j, in sync %j", (_, replicas, addingReplicas, isr, expected) => {
  expect(isUnderReplicated({ replicas, addingReplicas, isr })).toBe(expected);
});
