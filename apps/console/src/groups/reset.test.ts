import { describe, expect, it } from "vitest";
import { newOffsetOf, type ResetTarget } from "./reset.ts";

describe("where an offset goes", () => {
  const range = { begin: 10, end: 100 };

  it.each<[ResetTarget, number | undefined, number]>([
    [{ kind: "earliest" }, undefined, 10],
    [{ kind: "latest" }, undefined, 100],
    [{ kind: "offset", offset: 50 }, undefined, 50],
    [{ kind: "offset", offset: 5 }, undefined, 10],
    [{ kind: "offset", offset: 500 }, undefined, 100],
    [{ kind: "shift", by: -5 }, undefined, 35],
    [{ kind: "shift", by: -500 }, undefined, 10],
    [{ kind: "shift", by: 500 }, undefined, 100],
    [{ kind: "time", timestampMs: 1 }, 60, 60],
    [{ kind: "time", timestampMs: 1 }, -1, 100],
  ])("%j", (target, found, expected) => {
    expect(newOffsetOf(target, 40, range, found)).toBe(expected);
  });
});
