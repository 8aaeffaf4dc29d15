import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { MalformedFrameError } from "../errors/protocol-error.ts";
import type { AnyMessage } from "../schema/message.ts";
import { allDeclaredVersions } from "../testkit/all-messages.ts";
import { arbitraryMessage } from "../testkit/arbitrary-message.ts";

const RUNS = 8;
const RUNS_OF_GARBAGE = 20;
const CUTS_MAX = 24;

function encode(message: AnyMessage, value: unknown, version: number): Uint8Array {
  const writer = new ByteWriter();
  message.encode(writer, value as never, version);
  const { sizeBytes } = writer;
  const bytes = writer.toUint8Array();
  expect(bytes.length).toBe(sizeBytes);
  return bytes;
}

/** Whether the bytes cause the one error that they may cause. */
function isRefused(message: AnyMessage, bytes: Uint8Array, version: number): boolean {
  try {
    message.decode(new ByteReader(bytes), version);
    return false;
  } catch (error) {
    if (error instanceof MalformedFrameError) return true;
    throw error;
  }
}

/** Every place to cut, or that many evenly spread ones from a place that differs from run to run. */
function cuts(size: number, start: number): number[] {
  const step = Math.max(1, Math.ceil(size / CUTS_MAX));
  return Array.from({ length: Math.floor(size / step) }, (_, index) => index * step + (start % step));
}

describe("what is encoded is decoded again, and refused when it is cut short", () => {
  test.each(allDeclaredVersions)("%s", (_, message, version) => {
    fc.assert(
      fc.property(arbitraryMessage(message, version), fc.nat(), (value, start) => {
        const bytes = encode(message, value, version);
        const reader = new ByteReader(bytes);
        const decoded = message.decode(reader, version);
        expect(reader.remaining).toBe(0);
        expect(decoded).toEqual(value);
        expect(Buffer.compare(encode(message, decoded, version), bytes)).toBe(0);
        const read = cuts(bytes.length, start).filter((cut) => !isRefused(message, bytes.subarray(0, cut), version));
        expect(read).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});

// Bytes near 0 and 255 are the lengths that are null, tiny or huge.
const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 3 }), fc.constant(255));
const garbage = fc.array(byte, { maxLength: 120 }).map((bytes) => Uint8Array.from(bytes));

describe("arbitrary and damaged bytes give a value or a typed error", () => {
  test.each(allDeclaredVersions)("%s", (_, message, version) => {
    fc.assert(
      fc.property(garbage, (bytes) => {
        isRefused(message, bytes, version);
      }),
      { numRuns: RUNS_OF_GARBAGE },
    );
    fc.assert(
      fc.property(arbitraryMessage(message, version), fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, flip) => {
        const bytes = encode(message, value, version);
        if (bytes.length > 0) bytes[at % bytes.length]! ^= flip;
        isRefused(message, bytes, version);
      }),
      { numRuns: RUNS },
    );
  });
});
