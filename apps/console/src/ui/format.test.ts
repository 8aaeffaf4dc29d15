import { describe, expect, it } from "vitest";
import * as format from "./format.ts";

describe("what people read", () => {
  it("is short, with units", () => {
    expect([0, 999, 1_000, 9_960, 12_345, 999_600, 3.2e12].map(format.bytes)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "10 kB",
      "12 kB",
      "1.0 MB",
      "3.2 TB",
    ]);
    expect([500, 61_000, 3_600_000, 90_061_000].map(format.duration)).toEqual([
      "500 ms",
      "1 min 1 s",
      "1 h",
      "1 d 1 h",
    ]);
    expect([0, 0.4, 12, 12_345].map(format.perSecond)).toEqual(["0", "0.4", "12", "12.3K"]);
    expect([0.42, 12.4, 1_500].map(format.milliseconds)).toEqual(["0.4 ms", "12 ms", "1.5 s"]);
    expect([1, 2, 1_234].map((amount) => format.plural(amount, "record"))).toEqual([
      "1 record",
      "2 records",
      "1,234 records",
    ]);
  });

  it("is a dash where nothing is known, and survives times that are none", () => {
    expect([format.count(undefined), format.bytes(undefined), format.bytes(-1), format.perSecond(undefined)]).toEqual([
      "–",
      "–",
      "–",
      "–",
    ]);
    expect([format.timestamp(-1), format.timestamp(9e15)]).toEqual(["no time", "9000000000000000"]);
  });
});
