import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isUuid, UuidMemo, uuidFromBytes, writeUuidBytes, ZERO_UUID } from "./uuid.ts";

const sixteenBytes = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe("UUIDs", () => {
  test("the text is base64url without padding, as Kafka prints it", () => {
    fc.assert(
      fc.property(sixteenBytes, (bytes) => {
        expect(uuidFromBytes(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
      }),
    );
  });

  test("bytes and text turn into each other", () => {
    fc.assert(
      fc.property(sixteenBytes, fc.nat(5), (bytes, offset) => {
        const target = new Uint8Array(offset + 16);
        expect(writeUuidBytes(uuidFromBytes(bytes), target, offset)).toBe(true);
        expect(target.subarray(offset)).toEqual(bytes);
      }),
    );
  });

  test.each([
    ["zero", new Array(16).fill(0), ZERO_UUID],
    ["Kafka's id of the metadata topic", [...new Array(15).fill(0), 1], "AAAAAAAAAAAAAAAAAAAAAQ"],
    ["all ones", new Array(16).fill(255), "_____________________w"],
  ])("%s", (_, bytes, text) => {
    expect(uuidFromBytes(Uint8Array.from(bytes))).toBe(text);
  });

  test.each([
    "",
    "AAAA",
    `${ZERO_UUID}A`,
    "AAAAAAAAAAAAAAAAAAAA==",
    "AAAAAAAAAAAAAAAAAAAAA+",
    "AAAAAAAAAAAAAAAAAAAAAé",
  ])("%j is no UUID", (text) => {
    expect(isUuid(text)).toBe(false);
  });

  test("a memo gives the text of the bytes it is asked for, however its slots collide", () => {
    const memo = new UuidMemo();
    fc.assert(
      fc.property(fc.array(sixteenBytes, { minLength: 1, maxLength: 200 }), (all) => {
        for (const bytes of [...all, ...all]) expect(memo.textOf(bytes, 0)).toBe(uuidFromBytes(bytes));
      }),
      { numRuns: 20 },
    );
  });
});
