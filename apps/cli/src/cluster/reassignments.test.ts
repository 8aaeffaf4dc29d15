import type { LogDir } from "@ottla/admin";
import { expect, it } from "vitest";
import { withProgress } from "./reassignments.ts";

const dir = (broker: number, sizeBytes: number, isFuture = false): LogDir => ({
  ...{ broker, path: "/data", totalBytes: -1, usableBytes: -1, isCordoned: false },
  replicas: [{ topic: "orders", partition: 0, sizeBytes, offsetLag: 0, isFuture }],
});
const moving = {
  topic: "orders",
  partition: 0,
  replicas: [4, 5, 1, 2],
  addingReplicas: [4, 5],
  removingReplicas: [1, 2],
};

it.each([
  ["those that come have a part of what the others have", [dir(1, 90), dir(2, 100), dir(4, 50), dir(5, 20)], 70, 200],
  ["a broker that does not answer has nothing, as far as one knows", [dir(1, 100), dir(4, 100)], 100, 200],
  ["one that has more than the others (other segments) has all", [dir(1, 100), dir(4, 120), dir(5, 100)], 200, 200],
  ["a replica on its way between directories is none yet", [dir(1, 100), dir(4, 30, true)], 0, 200],
  ["nobody tells", [], 0, 0],
])("%s", (_, logDirs, copiedBytes, wantedBytes) => {
  expect(withProgress(moving, logDirs)).toEqual({ ...moving, copiedBytes, wantedBytes });
});
