import { describe, expect, it } from "vitest";
import { formatEntry, toJson } from "./dump-format.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

describe("what a file holds, for a person", () => {
  it("is one line of pairs, records set off and damage named", () => {
    expect(formatEntry({ kind: "batch", fields: { baseOffset: 0, isValid: true } })).toBe(
      "baseOffset: 0 isValid: true",
    );
    expect(formatEntry({ kind: "record", fields: { offset: 3, key: null } })).toBe("| offset: 3 key: null");
    expect(formatEntry({ kind: "damage", fields: { position: 61, problem: "its CRC is wrong" } })).toBe(
      "DAMAGED position: 61 problem: its CRC is wrong",
    );
  });

  it("shows bytes as text where they are text", () => {
    const shown = (value: Uint8Array) => formatEntry({ kind: "record", fields: { value } });
    expect(shown(new TextEncoder().encode("grüße"))).toBe("| value: grüße");
    expect(shown(bytes(0, 1, 2))).toBe("| value: base64:AAEC");
    expect(shown(bytes(0xff, 0xfe))).toBe("| value: base64://4=");
  });
});

describe("what a file holds, for a program", () => {
  it("is JSON, with bytes at any depth as text and large numbers kept exact", () => {
    expect(toJson({ key: bytes(104, 105), headers: [{ value: bytes(0) }], mostSigBits: 2n ** 60n })).toBe(
      '{"key":"hi","headers":[{"value":"base64:AA=="}],"mostSigBits":"1152921504606846976"}',
    );
  });
});
