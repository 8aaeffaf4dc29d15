import { KafkaError, PartialFailureError } from "@ottla/admin";
import { describe, expect, it } from "vitest";
import { explainRefusedReset, newOffsetOf, type ResetTarget } from "./reset.ts";

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

it("says of a group that somebody has joined what to do, and of anything else what it is", () => {
  const refused = (code: string) => {
    const failures = [{ resource: "t-0", error: new KafkaError("refused", { code }) }];
    return new PartialFailureError("alterGroupOffsets", failures, 1);
  };
  expect(() => explainRefusedReset(refused("UNKNOWN_MEMBER_ID"))).toThrow("stop its consumers first");
  expect(() => explainRefusedReset(refused("GROUP_AUTHORIZATION_FAILED"))).toThrow("refused");
});
