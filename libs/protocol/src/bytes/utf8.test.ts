import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeUtf8, utf8Length, writeAscii, writeUtf8 } from "./utf8.ts";

const anyText = fc.string({ unit: "binary", maxLength: 60 });

describe("UTF-8", () => {
  test("the length is that of the encoding, unpaired surrogates included", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { maxLength: 40 }), (units) => {
        const text = String.fromCharCode(...units);
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
      }),
    );
  });

  test("text survives, at every length around the switch from loop to decoder", () => {
    fc.assert(
      fc.property(anyText, fc.nat(3), (text, offset) => {
        const bytes = new Uint8Array(offset + utf8Length(text));
        writeUtf8(text, bytes, offset);
        expect(decodeUtf8(bytes, offset, bytes.length)).toBe(text);
      }),
    );
  });

  test.each([
    ["a byte order mark stays", "\ufeffx", [0xef, 0xbb, 0xbf, 0x78]],
    ["NUL", "\0", [0]],
    ["four bytes", "🎈", [0xf0, 0x9f, 0x8e, 0x88]],
  ])("%s", (_, text, bytes) => {
    expect(decodeUtf8(Uint8Array.from(bytes), 0, bytes.length)).toBe(text);
  });

  test("bytes that are not UTF-8 become replacement characters, as in Kafka", () => {
    expect(decodeUtf8(Uint8Array.of(0x61, 0xff, 0x62), 0, 3)).toBe("a\ufffdb");
  });

  test("ASCII is told from the rest", () => {
    const target = new Uint8Array(4);
    expect(writeAscii("abc", target, 1)).toBe(true);
    expect([...target]).toEqual([0, 97, 98, 99]);
    expect(writeAscii("aé", target, 0)).toBe(false);
  });
});
