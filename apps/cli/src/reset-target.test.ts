import { describe, expect, it } from "vitest";
import { UsageError } from "./exit.ts";
import { newOffsetOf, parseResetTarget } from "./reset-target.ts";

describe("where offsets are reset to", () => {
  it.each([
    ["earliest", 10],
    ["latest", 100],
    ["42", 42],
    ["5", 10],
    ["500", 100],
    ["-5", 35],
    ["+500", 100],
    ["2026-01-31T12:00:00Z", 60],
  ])("%s", (text, expected) => {
    expect(newOffsetOf(parseResetTarget(text), 40, { begin: 10, end: 100 }, 60)).toBe(expected);
  });

  it("is the end where nothing is as late as the time", () => {
    expect(newOffsetOf(parseResetTarget("2030-01-01"), 40, { begin: 10, end: 100 }, -1)).toBe(100);
  });

  it.each(["", "soon", "1.5", "--3"])("refuses %j in words", (text) => {
    expect(() => parseResetTarget(text)).toThrow(UsageError);
  });
});
