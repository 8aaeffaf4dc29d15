import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { MalformedFrameError } from "../errors/protocol-error.ts";
import type { AnyMessage } from "../schema/message.ts";
import { allDeclaredVersions } from "../testkit/all-messages.ts";
import { arbitraryMessage } from "../testkit/arbitrary-message.ts";

const RUNS = 8;
const RUNS_OF_GARBAGE = 30;
const CUTS_MAX = 60;

function encode(message: AnyMessage, value: unknown, version: number): Uint8Array {
  const writer = new ByteWriter();
  message.encode(writer, value as never, version);
  const { sizeBytes } = writer;
  const bytes = writer.toUint8Array();
  expect(bytes.length).toBe(sizeBytes);
  return bytes;
}

/** A value, or the one error that bytes may cause. */
function decodeOrRefuse(message: AnyMessage, bytes: Uint8Array, version: number): unknown {
  try {
    return message.decode(new ByteReader(bytes), version);
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedFrameError);
    return undefined;
  }
}

describe("what is encoded is decoded again", () => {
  test.each(allDeclaredVersions)("%s", (_, message, version) => {
    fc.assert(
      fc.property(arbitraryMessage(message, version), (value) => {
        const bytes = encode(message, value, version);
        const reader = new ByteReader(bytes);
        const decoded = message.decode(reader, version);
        expect(reader.remaining).toBe(0);
        expect(decoded).toEqual(value);
        expect(encode(message, decoded, version)).toEqual(bytes);
      }),
      { numRuns: RUNS },
    );
  });
});

describe("bytes that are cut short are refused", () => {
  test.each(allDeclaredVersions)("%s", (_, message, version) => {
    fc.assert(
      fc.property(arbitraryMessage(message, version), (value) => {
        const bytes = encode(message, value, version);
        const step = Math.ceil(bytes.length / CUTS_MAX);
        for (let cut = 0; cut < bytes.length; cut += step) {
          const read = () => message.decode(new ByteReader(bytes.subarray(0, cut)), version);
          expect(read).toThrow(MalformedFrameError);
        }
      }),
      { numRuns: 2 },
    );
  });
});

describe("arbitrary bytes give a value or a typed error", () => {
  test.each(allDeclaredVersions)("%s", (_, message, version) => {
    // Bytes near 0 and 255 are the lengths that are null, tiny or huge.
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 3 }), fc.constant(255));
    const garbage = fc.array(byte, { maxLength: 120 }).map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(garbage, (bytes) => {
        decodeOrRefuse(message, bytes, version);
      }),
      { numRuns: RUNS_OF_GARBAGE },
    );
  });

  test.each(allDeclaredVersions)("%s with one byte changed", (_, message, version) => {
    fc.assert(
      fc.property(arbitraryMessage(message, version), fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, flip) => {
        const bytes = encode(message, value, version);
        if (bytes.length > 0) bytes[at % bytes.length]! ^= flip;
        decodeOrRefuse(message, bytes, version);
      }),
      { numRuns: RUNS },
    );
  });
});
