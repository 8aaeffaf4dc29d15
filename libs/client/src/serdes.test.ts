import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesSerde, doubleSerde, integerSerde, jsonSerde, longSerde, type Serde, stringSerde } from "./serdes.ts";

/** What arrives at the other end: text results go through UTF-8, as they do in a record. */
function roundTrip<T>(serde: Serde<T>, data: T): T {
  const written = serde.serialize(data, "t");
  return serde.deserialize(typeof written === "string" ? new TextEncoder().encode(written) : written, "t");
}

describe("round trips", () => {
  test("string", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => roundTrip(stringSerde, text) === text));
  });

  test("bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(roundTrip(bytesSerde, bytes)).toEqual(bytes);
      }),
    );
  });

  test("JSON", () => {
    const json = jsonSerde<unknown>();
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(roundTrip(json, value)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("double", () => {
    fc.assert(fc.property(fc.double(), (value) => Object.is(roundTrip(doubleSerde, value), value)));
  });

  test("32-bit integer", () => {
    fc.assert(fc.property(fc.integer(), (value) => roundTrip(integerSerde, value) === value));
  });

  test("64-bit integer", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        (value) => roundTrip(longSerde, value) === value,
      ),
    );
  });

  test.each([
    ["string", stringSerde],
    ["bytes", bytesSerde],
    ["JSON", jsonSerde()],
    ["double", doubleSerde],
    ["integer", integerSerde],
    ["long", longSerde],
  ] as [string, Serde<unknown>][])("null stays null as %s", (_, serde) => {
    expect(serde.serialize(null, "t")).toBeNull();
    expect(serde.deserialize(null, "t")).toBeNull();
  });
});

test("the bytes are those of Kafka's serializers", () => {
  expect(integerSerde.serialize(-2, "t")).toEqual(Uint8Array.of(255, 255, 255, 254));
  expect(longSerde.serialize(258n, "t")).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2));
  expect(doubleSerde.serialize(1, "t")).toEqual(Uint8Array.of(0x3f, 0xf0, 0, 0, 0, 0, 0, 0));
});

test("a number of the wrong size is refused with both sizes", () => {
  expect(() => integerSerde.deserialize(new Uint8Array(3), "t")).toThrow(
    "a number of 4 bytes was expected, 3 bytes came",
  );
  expect(() => longSerde.deserialize(new Uint8Array(4), "t")).toThrow("8 bytes was expected");
});
