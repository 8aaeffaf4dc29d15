import { describe, expect, it } from "vitest";
import { type FilterField, parseFilter } from "./filter.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const RECORD = {
  keyBytes: bytes("Customer-7"),
  valueBytes: bytes('{"total": 120, "city": "Praha"}'),
  headers: [["trace-id", bytes("ABC")] as const, ["empty", null] as const],
};

describe("a filter of records", () => {
  it.each<[FilterField, string, boolean]>([
    ["any", "praha", true],
    ["any", "customer", true],
    ["any", "trace", true],
    ["any", "brno", false],
    ["key", "customer-7", true],
    ["key", "praha", false],
    ["value", "praha", true],
    ["header", "trace-id", true],
    ["header", "trace-id=abc", true],
    ["header", "trace-id=xyz", false],
    ["header", "empty", true],
    ["header", "empty=x", false],
    ["json", "total > 100", true],
    ["json", "total > 200", false],
  ])("%s %j: %s", (field, text, expected) => {
    expect(parseFilter(field, text)!(RECORD)).toBe(expected);
  });

  it("is none without text, and takes tombstones and what is no JSON", () => {
    expect(parseFilter("value", "  ")).toBeNull();
    const tombstone = { ...RECORD, valueBytes: null };
    expect([parseFilter("json", "a")!(tombstone), parseFilter("value", "a")!(tombstone)]).toEqual([false, false]);
    expect(parseFilter("json", "a")!({ ...RECORD, valueBytes: bytes("{") })).toBe(false);
  });
});
