import { describe, expect, expectTypeOf, test } from "vitest";
import { ByteReader } from "../bytes/byte-reader.ts";
import { type Bytes, ByteWriter } from "../bytes/byte-writer.ts";
import { InvalidValueError, MalformedFrameError, UnsupportedVersionError } from "../errors/protocol-error.ts";
import { array, bigint64, bool, bytes, float64, int8, int16, int32, records, string, struct, uuid } from "./field.ts";
import { type Encodable, type Infer, type Message, message } from "./message.ts";
import { formatVersions, includesVersion, parseVersions } from "./versions.ts";

function encode<In>(of: Message<unknown, In>, value: In, version: number): string {
  const writer = new ByteWriter();
  of.encode(writer, value, version);
  return Buffer.from(writer.toUint8Array()).toString("hex");
}

function decode<Out>(of: Message<Out, never>, text: string, version: number): Out {
  const reader = new ByteReader(Uint8Array.from(Buffer.from(text, "hex")));
  const value = of.decode(reader, version);
  expect(reader.remaining).toBe(0);
  return value;
}

const nullables = message(
  { name: "Nullables", validVersions: "0-2", flexibleVersions: "1+" },
  {
    text: string({ nullable: "0+", default: null }),
    data: bytes({ nullable: "0+", default: null }),
    list: array(int8(), { nullable: "0+", default: null }),
    inner: struct({ value: int8({ default: 7 }) }, { versions: "2+", nullable: "2+", default: null }),
  },
);

describe("null, empty and one, in the old and the compact encoding", () => {
  test.each([
    ["null, old", 0, { text: null, data: null, list: null, inner: null }, "ffff ffffffff ffffffff"],
    ["empty, old", 0, { text: "", data: new Uint8Array(0), list: [], inner: null }, "0000 00000000 00000000"],
    ["one, old", 0, { text: "a", data: Uint8Array.of(5), list: [6], inner: null }, "0001 61 00000001 05 00000001 06"],
    ["null, compact", 1, { text: null, data: null, list: null, inner: null }, "00 00 00 00"],
    ["empty, compact", 1, { text: "", data: new Uint8Array(0), list: [], inner: null }, "01 01 01 00"],
    ["one, compact", 1, { text: "a", data: Uint8Array.of(5), list: [6], inner: null }, "02 61 02 05 02 06 00"],
    ["a null struct", 2, { text: null, data: null, list: null, inner: null }, "00 00 00 ff 00"],
    ["a struct", 2, { text: null, data: null, list: null, inner: { value: 9 } }, "00 00 00 01 09 00 00"],
  ])("%s", (_, version, value, text) => {
    expect(encode(nullables, value, version)).toBe(text.replaceAll(" ", ""));
    expect(decode(nullables, text.replaceAll(" ", ""), version)).toEqual(value);
  });

  test("members that are left out get their defaults", () => {
    expect(encode(nullables, {}, 1)).toBe("00000000");
    expect(encode(nullables, { inner: {} }, 2)).toBe("000000010700" + "00");
  });
});

const strict = message(
  { name: "Strict", validVersions: "0-1", flexibleVersions: "1+" },
  { text: string(), list: array(string()), data: bytes() },
);

describe("null where the version does not allow it", () => {
  test.each([
    [0, "ffff00000000000000", "text"],
    [0, "0000ffffffff00000000", "list"],
    [0, "000000000000ffffffff", "data"],
    [1, "00010100", "text"],
    [1, "01000100", "list"],
    [1, "01010000", "data"],
    [1, "0102000100", "list"],
  ])("is refused in v%d (%s)", (version, text, member) => {
    expect(() => decode(strict, text, version)).toThrow(MalformedFrameError);
    expect(() => decode(strict, text, version)).toThrow(`Strict v${version}: ${member}: null`);
  });
});

const tagged = message(
  { name: "Tagged", validVersions: "0-2", flexibleVersions: "1+" },
  {
    plain: int8(),
    second: string({ versions: "1+", tag: 2, nullable: "1+", default: null }),
    first: int16({ versions: "1+", tag: 0, default: -1 }),
    inner: struct({ value: int8(), text: string() }, { versions: "2+", tag: 3, nullable: "2+" }),
  },
);

describe("tagged fields", () => {
  test("those that have their defaults are not written", () => {
    expect(encode(tagged, { plain: 1, first: -1, second: null }, 1)).toBe("0100");
    expect(decode(tagged, "0100", 1)).toEqual({ plain: 1, first: -1, second: null, inner: { value: 0, text: "" } });
  });

  test("the others are, in the order of their tags, with unknown ones between", () => {
    const unknownTaggedFields = [
      { tag: 200, data: Uint8Array.of(9) },
      { tag: 1, data: new Uint8Array(0) },
    ];
    const value = { plain: 1, first: 5, second: "a", unknownTaggedFields };
    expect(encode(tagged, value, 1)).toBe(
      ["01", "04", "00 02 0005", "01 00", "02 02 0261", "c801 01 09"].join("").replaceAll(" ", ""),
    );
  });

  test("unknown ones are kept, also those of a version to come", () => {
    const text = "01" + "02" + "0202" + "0261" + "0503" + "aabbcc";
    const value = decode(tagged, text, 1);
    expect(value.unknownTaggedFields).toEqual([{ tag: 5, data: Uint8Array.of(0xaa, 0xbb, 0xcc) }]);
    expect(encode(tagged, value, 1)).toBe(text);
    expect(decode(tagged, "01" + "01" + "0301" + "00", 1).unknownTaggedFields).toEqual([
      { tag: 3, data: Uint8Array.of(0) },
    ]);
  });

  test("the order in which they come does not matter", () => {
    expect(decode(tagged, "01" + "02" + "02020261" + "00020005", 1)).toMatchObject({ first: 5, second: "a" });
  });

  // Kafka writes a varint before a nullable struct here, where elsewhere it is a signed byte.
  test.each([
    ["null", null, "0103" + "01" + "00"],
    ["a struct", { value: 4, text: "a" }, "0103" + "05" + "01" + "04" + "0261" + "00"],
  ])("a nullable struct: %s", (_, inner, text) => {
    expect(encode(tagged, { plain: 1, inner }, 2)).toBe(`01${text}`);
    expect(decode(tagged, `01${text}`, 2).inner).toEqual(inner);
  });

  test("a nullable struct whose default is not null is left out when it is the default", () => {
    expect(encode(tagged, { plain: 1, inner: { value: 0, text: "" } }, 2)).toBe("0100");
    expect(decode(tagged, "0100", 2).inner).toEqual({ value: 0, text: "" });
  });

  test.each([
    ["a size that goes past the end", "01" + "01" + "0103"],
    ["a field longer than its size", "01" + "01" + "0001" + "0005"],
    ["a field shorter than its size", "01" + "01" + "0003" + "000500"],
    ["more fields than bytes", "01" + "ffffffff0f"],
    ["a field cut short", "01" + "02" + "00020005"],
  ])("%s is refused", (_, text) => {
    expect(() => decode(tagged, text, 1)).toThrow(MalformedFrameError);
  });

  test("an unknown field with the tag of a declared one is refused", () => {
    const unknownTaggedFields = [{ tag: 0, data: Uint8Array.of(0, 5) }];
    expect(() => encode(tagged, { plain: 1, unknownTaggedFields }, 1)).toThrow(InvalidValueError);
  });

  test("a version without tagged fields carries none", () => {
    const unknownTaggedFields = [{ tag: 9, data: Uint8Array.of(1) }];
    expect(() => encode(tagged, { plain: 1, unknownTaggedFields }, 0)).toThrow(UnsupportedVersionError);
    expect(encode(tagged, { plain: 1, unknownTaggedFields: [] }, 0)).toBe("01");
    expect(() => encode(tagged, { plain: 1, first: 3 }, 0)).toThrow(UnsupportedVersionError);
  });
});

const aged = message(
  { name: "Aged", validVersions: "0-4" },
  {
    old: int8({ versions: "0-1", default: 3 }),
    middle: string({ versions: "1-2", ignorable: true }),
    list: array({ a: int8(), b: int8({ versions: "3+" }) }, { versions: "2+" }),
  },
);

describe("members come and go with versions", () => {
  test("absent ones decode as their defaults, and all versions have one shape", () => {
    const shapes = [0, 1, 2, 3, 4].map((version) => decode(aged, encode(aged, { list: [] }, version), version));
    for (const value of shapes) expect(Object.keys(value)).toEqual(["old", "middle", "list"]);
    expect(shapes[4]).toEqual({ old: 3, middle: "", list: [] });
  });

  test("an ignorable one is dropped silently, another only with its default", () => {
    expect(encode(aged, { old: 1, middle: "gone" }, 0)).toBe("01");
    expect(encode(aged, { old: 3, list: [] }, 2)).toBe("000000000000");
    expect(() => encode(aged, { old: 4 }, 2)).toThrow(UnsupportedVersionError);
    expect(() => encode(aged, { list: [{ a: 1 }] }, 1)).toThrow(UnsupportedVersionError);
    expect(() => encode(aged, { list: [{ a: 1, b: 1 }] }, 2)).toThrow(UnsupportedVersionError);
    expect(encode(aged, { list: [{ a: 1, b: 2 }] }, 3)).toBe("000000010102");
  });

  test.each([-1, 5, 1.5, Number.NaN])("version %d does not exist", (version) => {
    expect(() => encode(aged, {}, version)).toThrow(UnsupportedVersionError);
    expect(() => decode(aged, "00", version)).toThrow("Aged has no version");
  });
});

test("decoded defaults are shared, so they cannot be changed", () => {
  const { list } = decode(aged, "01", 0);
  expect(() => (list as unknown[]).push(1)).toThrow(TypeError);
});

test("an array of elements without bytes cannot be announced longer than the frame", () => {
  const hollow = message({ name: "Hollow", validVersions: "0" }, { list: array({ later: int8({ versions: "1+" }) }) });
  expect(() => decode(hollow, "7fffffff", 0)).toThrow(MalformedFrameError);
});

describe("version ranges", () => {
  test.each([
    ["3", 3, 3],
    ["0-9", 0, 9],
    ["4+", 4, Number.POSITIVE_INFINITY],
    ["none", 0, -1],
  ])("%s", (text, min, max) => {
    expect(parseVersions(text)).toEqual({ min, max });
    expect(formatVersions({ min, max })).toBe(text);
    expect(includesVersion({ min, max }, 3)).toBe(text !== "4+" && text !== "none");
  });

  test.each(["", "a", "1-", "-1", "1..2"])("%j is none", (text) => {
    expect(() => parseVersions(text)).toThrow(TypeError);
  });
});

test("types follow from the declaration", () => {
  const everything = message(
    { name: "Everything", validVersions: "0-1" },
    {
      flag: bool(),
      ratio: float64({ default: 1.5 }),
      hash: bigint64({ tag: 0 }),
      id: uuid({ versions: "1+" }),
      payload: records({ nullable: "0+" }),
      items: array({ name: string({ nullable: "1+" }), count: int32() }, { nullable: "0+" }),
      numbers: array(int32()),
      // A member may be called `type`, as a field's own property is.
      typed: array({ type: string() }),
      inner: struct({ deep: int8() }),
    },
  );
  type Out = Infer<typeof everything>;
  type In = Encodable<typeof everything>;
  expectTypeOf<Out["flag"]>().toEqualTypeOf<boolean>();
  expectTypeOf<Out["hash"]>().toEqualTypeOf<bigint>();
  expectTypeOf<Out["payload"]>().toEqualTypeOf<Uint8Array | null>();
  expectTypeOf<NonNullable<Out["items"]>[number]["name"]>().toEqualTypeOf<string | null>();
  expectTypeOf<Out["typed"][number]["type"]>().toEqualTypeOf<string>();
  expectTypeOf<Out["inner"]["deep"]>().toEqualTypeOf<number>();
  expectTypeOf<In["payload"]>().toEqualTypeOf<Bytes | null>();
  expectTypeOf<In["flag"]>().toEqualTypeOf<boolean>();
  expectTypeOf<In["ratio"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<In["id"]>().toEqualTypeOf<string | undefined>();
  expectTypeOf<In["hash"]>().toEqualTypeOf<bigint | undefined>();
  expectTypeOf<Out>().toExtend<In>();
  const inner = { deep: 1 };
  const value: In = { flag: true, payload: null, items: [{ name: "a", count: 1 }], numbers: [1], typed: [], inner };
  expect(decode(everything, encode(everything, value, 1), 1)).toMatchObject({ ...value, ratio: 1.5 });
});
