import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidValueError, MalformedFrameError } from "../errors/protocol-error.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter, concatBytes, REFERENCE_SIZE_BYTES_MIN } from "./byte-writer.ts";
import { INT64_MAX, INT64_MIN } from "./int64.ts";

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.toUint8Array();
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const reader = (text: string) => new ByteReader(Uint8Array.from(Buffer.from(text, "hex")));

describe("64-bit integers", () => {
  test.each([
    [0, "0000000000000000"],
    [-1, "ffffffffffffffff"],
    [1, "0000000000000001"],
    [2 ** 31, "0000000080000000"],
    [-(2 ** 31) - 1, "ffffffff7fffffff"],
    [2 ** 32 - 1, "00000000ffffffff"],
    [2 ** 32, "0000000100000000"],
    [Number.MAX_SAFE_INTEGER, "001fffffffffffff"],
    [Number.MIN_SAFE_INTEGER, "ffe0000000000001"],
    [2 ** 53, "0020000000000000"],
    [INT64_MAX, "7fffffffffffffff"],
    [INT64_MIN, "8000000000000000"],
  ])("%d is %s, both ways", (value, bytes) => {
    expect(hex(written((writer) => writer.writeInt64(value)))).toBe(bytes);
    expect(reader(bytes).readInt64()).toBe(value);
  });

  test("every value that a number holds agrees with bigint", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const bytes = written((writer) => writer.writeInt64(value));
        expect(new ByteReader(bytes).readBigInt64()).toBe(BigInt(value));
        expect(written((writer) => writer.writeBigInt64(BigInt(value)))).toEqual(bytes);
      }),
    );
  });

  test("beyond what a number holds the nearest one is read", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const read = new ByteReader(written((writer) => writer.writeBigInt64(value))).readInt64();
        expect(read).toBe(Number(value));
        expect(Number.isSafeInteger(read)).toBe(BigInt.asIntN(54, value) === value && value !== -(2n ** 53n));
      }),
    );
  });

  test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 64, -(2 ** 64)])("%d cannot be written", (value) => {
    expect(() => new ByteWriter().writeInt64(value)).toThrow(InvalidValueError);
  });
});

describe("narrower integers keep to their ranges", () => {
  test.each([
    ["writeInt8", -128, 127],
    ["writeInt16", -32768, 32767],
    ["writeUint16", 0, 65535],
    ["writeInt32", -(2 ** 31), 2 ** 31 - 1],
    ["writeUint32", 0, 2 ** 32 - 1],
  ] as const)("%s from %d to %d", (write, min, max) => {
    const read = write.replace("write", "read") as "readInt8" | "readUint16";
    for (const value of [min, max, 0, 1]) {
      const bytes = written((writer) => writer[write](value));
      expect(new ByteReader(bytes)[read]()).toBe(value);
    }
    for (const value of [min - 1, max + 1, 0.5, Number.NaN, undefined, null, "1"]) {
      expect(() => new ByteWriter()[write](value as number)).toThrow(InvalidValueError);
    }
  });
});

describe("varints", () => {
  test.each([
    [0, "00"],
    [127, "7f"],
    [128, "8001"],
    [16383, "ff7f"],
    [16384, "808001"],
    [2 ** 31 - 1, "ffffffff07"],
    [2 ** 32 - 1, "ffffffff0f"],
  ])("%d is %s", (value, bytes) => {
    expect(hex(written((writer) => writer.writeUnsignedVarint(value)))).toBe(bytes);
    expect(reader(bytes).readUnsignedVarint()).toBe(value);
  });

  test.each(["ffffffff1f", "ffffffffff01", "808080808000"])("%s is longer than 32 bits", (bytes) => {
    expect(() => reader(bytes).readUnsignedVarint()).toThrow(MalformedFrameError);
  });
});

describe("strings", () => {
  test("both encodings carry any text and null", () => {
    fc.assert(
      fc.property(fc.option(fc.string({ unit: "binary", maxLength: 300 })), (text) => {
        const bytes = written((writer) => {
          writer.writeNullableString(text);
          writer.writeCompactNullableString(text);
        });
        const back = new ByteReader(bytes);
        expect(back.readNullableString()).toBe(text);
        expect(back.readCompactNullableString()).toBe(text);
        expect(back.remaining).toBe(0);
      }),
    );
  });

  test("a string of 32,767 bytes fits the old encoding, a longer one does not", () => {
    const longest = "x".repeat(32767);
    expect(new ByteReader(written((w) => w.writeNullableString(longest))).readNullableString()).toBe(longest);
    expect(() => new ByteWriter().writeNullableString(`${longest}x`)).toThrow(InvalidValueError);
    expect(() => new ByteWriter().writeNullableString("é".repeat(16384))).toThrow(InvalidValueError);
  });
});

describe("reading past the end", () => {
  test.each([
    ["readInt8", ""],
    ["readInt16", "00"],
    ["readInt32", "000000"],
    ["readInt64", "00000000000000"],
    ["readFloat64", "00000000000000"],
    ["readUnsignedVarint", "80"],
    ["readUuid", "000000000000000000000000000000"],
    ["readNullableString", "000161".slice(0, 4)],
    ["readNullableString", "fffe"],
    ["readCompactNullableString", "0361"],
    ["readNullableBytes", "0000000261"],
    ["readNullableBytes", "7fffffff00"],
    ["readNullableBytes", "fffffffe"],
    ["readCompactNullableBytes", "ffffffff0f00"],
  ] as const)("%s of %j is refused", (read, bytes) => {
    expect(() => reader(bytes)[read]()).toThrow(MalformedFrameError);
  });

  test.each(["7fffffff", "00000002", "80000000", "fffffffe"])("an array of 0x%s elements is refused", (count) => {
    expect(() => reader(`${count}00`).readArrayLength(1)).toThrow(MalformedFrameError);
  });

  test("an array is refused when its elements cannot all fit", () => {
    expect(reader("0000000200000000").readArrayLength(2)).toBe(2);
    expect(() => reader("0000000200000000").readArrayLength(3)).toThrow(MalformedFrameError);
    expect(() => reader("ffffffff0f0000").readCompactArrayLength(1)).toThrow(MalformedFrameError);
    expect(reader("00").readCompactArrayLength(1)).toBe(-1);
  });

  test("a reader keeps to its part of the buffer", () => {
    const part = new ByteReader(new Uint8Array(16), 4, 8);
    part.readInt32();
    expect(() => part.readInt8()).toThrow(MalformedFrameError);
    expect(() => new ByteReader(new Uint8Array(4), 2, 6)).toThrow(MalformedFrameError);
  });
});

describe("writing byte fields", () => {
  const large = new Uint8Array(REFERENCE_SIZE_BYTES_MIN).fill(7);

  test("large ones are referenced, small ones copied", () => {
    const small = Uint8Array.of(1, 2, 3);
    const writer = new ByteWriter();
    writer.writeNullableBytes(small);
    writer.writeNullableBytes([large, small, large]);
    const chunks = writer.finish();
    expect(chunks.filter((chunk) => chunk === large)).toHaveLength(2);
    expect(chunks).not.toContain(small);
    expect(hex(concatBytes(chunks))).toBe(
      `00000003010203${(2 * large.length + 3).toString(16).padStart(8, "0")}${hex(large)}010203${hex(large)}`,
    );
  });

  test("what is read is a view", () => {
    const frame = Uint8Array.of(0, 0, 0, 2, 5, 6);
    const view = new ByteReader(frame).readNullableBytes()!;
    frame[4] = 9;
    expect([...view]).toEqual([9, 6]);
  });

  test("one piece of memory of its own comes out when asked for", () => {
    const writer = new ByteWriter();
    writer.writeBytes(large);
    const bytes = writer.toUint8Array();
    expect(bytes).not.toBe(large);
    expect(bytes).toEqual(large);
    expect(bytes.buffer.byteLength).toBe(large.length);
  });
});

describe("writers share memory but never bytes", () => {
  test("writers that are used by turns", () => {
    const sizes = fc.array(fc.tuple(fc.nat(3), fc.oneof(fc.nat(300), fc.nat(5000))), { maxLength: 60 });
    fc.assert(
      fc.property(sizes, (steps) => {
        const writers = [0, 1, 2, 3].map((id) => ({ id, writer: new ByteWriter(64), size: 0 }));
        for (const [which, size] of steps) {
          const target = writers[which]!;
          target.writer.writeNullableString(String.fromCharCode(97 + which).repeat(size));
          target.size += size + 2;
        }
        for (const { id, writer, size } of writers.reverse()) {
          expect(writer.sizeBytes).toBe(size);
          const back = new ByteReader(concatBytes(writer.finish()));
          for (const [which, length] of steps.filter(([step]) => step === id)) {
            expect(back.readNullableString()).toBe(String.fromCharCode(97 + which).repeat(length));
          }
          expect(back.remaining).toBe(0);
        }
      }),
    );
  });

  test("a writer that ends before one that was made later gives nothing back", () => {
    const [first, second] = [new ByteWriter(512), new ByteWriter(512)];
    second.writeInt32(0x01020304);
    first.writeInt32(5);
    first.finish();
    const third = new ByteWriter(512);
    third.writeNullableString("x".repeat(510));
    expect(hex(second.toUint8Array())).toBe("01020304");
  });

  test("finished bytes stay as they are", () => {
    const first = new ByteWriter();
    first.writeInt32(0x01020304);
    const [chunk] = first.finish();
    for (let index = 0; index < 1000; index++) {
      const other = new ByteWriter();
      other.writeInt32(-1);
      other.finish();
    }
    expect(hex(chunk!)).toBe("01020304");
  });
});
