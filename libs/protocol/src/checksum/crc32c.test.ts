import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nativeModules } from "#native";
import { crc32c, crc32cPortable } from "./crc32c.ts";

/** Straight from the definition: a bit at a time. */
function crc32cByBits(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const native = nativeModules.crc32c();

const variants = [
  ["crc32c", crc32c],
  ["crc32cPortable", crc32cPortable],
] as const;

describe.each(variants)("%s", (_name, checksum) => {
  // The first is the check value of the CRC catalogue, the others are from RFC 3720, appendix B.4.
  test.each([
    [new TextEncoder().encode("123456789"), 0xe3069283],
    [new Uint8Array(0), 0],
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    [Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
  ])("known values %#", (bytes, expected) => {
    expect(checksum(bytes, 0, bytes.length)).toBe(expected);
  });

  test("agrees with the definition for any part of any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1500 }), fc.nat(40), fc.nat(40), (bytes, head, tail) => {
        const start = Math.min(head, bytes.length);
        const end = Math.max(start, bytes.length - tail);
        expect(checksum(bytes, start, end)).toBe(crc32cByBits(bytes.subarray(start, end)));
      }),
    );
  });

  test("continues a checksum where it was left", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(3000), (bytes, cut) => {
        const middle = Math.min(cut, bytes.length);
        const seed = checksum(bytes, 0, middle);
        expect(checksum(bytes, middle, bytes.length, seed)).toBe(crc32cByBits(bytes));
      }),
    );
  });
});

test.skipIf(native === null)("the native function agrees with ours, at sizes where it is not used too", () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * index) >> 3);
  for (const length of [0, 1, 15, 511, 512, 513, 65_537, 100_000]) {
    expect(native!(bytes.subarray(0, length))).toBe(crc32cPortable(bytes, 0, length));
  }
});
