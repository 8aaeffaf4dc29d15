import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unzigzag64, varintSize, varlongSize, writeVarint, writeVarlong } from "./varint.ts";

/** Zigzag and base 128 from the definition, on arbitrary integers. */
function encodeByDefinition(value: bigint): number[] {
  let rest = value >= 0n ? value * 2n : -value * 2n - 1n;
  const bytes: number[] = [];
  while (rest >= 128n) {
    bytes.push(Number(rest % 128n) + 128);
    rest /= 128n;
  }
  return [...bytes, Number(rest)];
}

function written(write: (bytes: Uint8Array, position: number, value: number) => number, value: number): number[] {
  const bytes = new Uint8Array(20).fill(0xaa);
  const end = write(bytes, 3, value);
  expect([...bytes.subarray(0, 3), ...bytes.subarray(end)].every((byte) => byte === 0xaa)).toBe(true);
  return [...bytes.subarray(3, end)];
}

const int32 = fc.oneof(fc.integer(), fc.integer({ min: -70, max: 70 }), fc.integer({ min: -9000, max: 9000 }));

describe("varint", () => {
  test.each([0, -1, 1, 63, -64, 64, -65, 8191, -8192, 8192, 2 ** 20, 2 ** 27 - 1, 2 ** 27, 2 ** 31 - 1, -(2 ** 31)])(
    "%d",
    (value) => {
      expect(written(writeVarint, value)).toEqual(encodeByDefinition(BigInt(value)));
      expect(varintSize(value)).toBe(encodeByDefinition(BigInt(value)).length);
    },
  );

  test("any 32-bit integer", () => {
    fc.assert(
      fc.property(int32, (value) => {
        const expected = encodeByDefinition(BigInt(value));
        expect(written(writeVarint, value)).toEqual(expected);
        expect(varintSize(value)).toBe(expected.length);
      }),
    );
  });
});

describe("varlong", () => {
  test.each([0, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 40, -(2 ** 40), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    "%d",
    (value) => {
      expect(written(writeVarlong, value)).toEqual(encodeByDefinition(BigInt(value)));
      expect(varlongSize(value)).toBe(encodeByDefinition(BigInt(value)).length);
    },
  );

  test("any safe integer", () => {
    fc.assert(
      fc.property(fc.oneof(int32, fc.maxSafeInteger()), (value) => {
        const expected = encodeByDefinition(BigInt(value));
        expect(written(writeVarlong, value)).toEqual(expected);
        expect(varlongSize(value)).toBe(expected.length);
      }),
    );
  });

  test("unzigzag64 undoes zigzag", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const zigzag = value >= 0 ? BigInt(value) * 2n : -BigInt(value) * 2n - 1n;
        expect(unzigzag64(zigzag)).toBe(value);
      }),
    );
  });
});
