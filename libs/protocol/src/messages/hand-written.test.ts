/** A codec written by hand does what the one compiled from the declaration does, byte for byte and error for error. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { MalformedFrameError, ProtocolError } from "../errors/protocol-error.ts";
import type { Codec } from "../schema/codec.ts";
import { StructCodec } from "../schema/struct-codec.ts";
import { allDeclaredVersions } from "../testkit/all-messages.ts";
import { arbitraryInput, arbitraryMessage } from "../testkit/arbitrary-message.ts";

const handWritten = allDeclaredVersions.filter(
  ([, message, version]) => !(message.codec(version) instanceof StructCodec),
);

/** What came of it: a value, or the kind of error. */
function outcome<T>(act: () => T): T | string {
  try {
    return act();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    // Message.encode makes an InvalidValueError of it.
    if (error instanceof TypeError) return "INVALID_ARGUMENT";
    throw error;
  }
}

function encode(codec: Codec, value: unknown): Uint8Array {
  const writer = new ByteWriter();
  codec.write(writer, value);
  return writer.toUint8Array();
}

/** As text, which is compared fast and shown well. */
function encodeHex(codec: Codec, value: unknown): string {
  return Buffer.from(encode(codec, value)).toString("hex");
}

function decode(codec: Codec, bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes);
  return { value: codec.read(reader), remaining: reader.remaining };
}

test("the messages of the hot path are written by hand", () => {
  expect([...new Set(handWritten.map(([, message]) => message.name))]).toEqual([
    "ProduceRequest",
    "ProduceResponse",
    "FetchRequest",
    "FetchResponse",
    "MetadataResponse",
    "OffsetCommitRequest",
  ]);
});

describe.each(handWritten)("%s", (_, message, version) => {
  const fast = message.codec(version) as Codec;
  const compiled = message.compile(version) as Codec;

  test("whole values", () => {
    fc.assert(
      fc.property(arbitraryMessage(message, version), (value) => {
        const bytes = encode(compiled, value);
        expect(encodeHex(fast, value)).toBe(encodeHex(compiled, value));
        expect(decode(fast, bytes)).toEqual(decode(compiled, bytes));
      }),
      { numRuns: 12 },
    );
  });

  test("members left out, members of other versions, null where it is not allowed", () => {
    fc.assert(
      fc.property(arbitraryInput(message, version), (value) => {
        expect(outcome(() => encodeHex(fast, value))).toEqual(outcome(() => encodeHex(compiled, value)));
      }),
      { numRuns: 20 },
    );
  });

  test("bytes cut short or changed", () => {
    fc.assert(
      fc.property(arbitraryMessage(message, version), fc.nat(), fc.nat(255), fc.boolean(), (value, at, flip, cut) => {
        const bytes = encode(compiled, value);
        const place = at % bytes.length;
        bytes[place]! ^= flip;
        const damaged = cut ? bytes.subarray(0, place) : bytes;
        expect(outcome(() => decode(fast, damaged))).toEqual(outcome(() => decode(compiled, damaged)));
        if (cut) expect(() => message.decode(new ByteReader(damaged), version)).toThrow(MalformedFrameError);
      }),
      { numRuns: 20 },
    );
  });
});
