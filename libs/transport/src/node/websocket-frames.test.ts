import type { Writable } from "node:stream";
import { systemRandom } from "@ottla/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as ws from "ws";
import { concat, patternBytes } from "../test-support/support.ts";
import { MaskKeys, maskedMessage, unmaskedMessage, zeroMaskedMessage } from "./websocket-frames.ts";

/** What `ws` reads messages with; its types leave it out. */
const { Receiver } = ws as unknown as { Receiver: new (options: object) => Writable };

const KEY = Uint8Array.of(0x12, 0xff, 0x00, 0x9a);

/** What `ws` reads from `bytes`. */
function readMessages(bytes: Uint8Array, isServer: boolean): Buffer[] {
  const receiver = new Receiver({ isServer, maxPayload: 2 ** 28 });
  const messages: Buffer[] = [];
  receiver.on("message", (data: Buffer, isBinary: boolean) => {
    expect(isBinary).toBe(true);
    messages.push(Buffer.from(data));
  });
  receiver.write(Buffer.from(bytes));
  return messages;
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...chunks, bytes.subarray(at)];
}

describe.each([0, 1, 63, 64, 65, 125, 126, 127, 65_535, 65_536, 70_001])("a message of %i bytes", (sizeBytes) => {
  const payload = patternBytes(sizeBytes);
  const chunks = cut(payload, [1, 6, 30]);

  test("is read back, unmasked", () => {
    const [message] = readMessages(concat(unmaskedMessage(chunks, sizeBytes)), false);
    expect(Buffer.compare(message!, payload)).toBe(0);
  });

  test("is read back, masked with zeros, and not copied", () => {
    const encoded = zeroMaskedMessage(chunks, sizeBytes);
    expect(encoded.slice(1)).toEqual(chunks);
    expect(Buffer.compare(readMessages(concat(encoded), true)[0]!, payload)).toBe(0);
  });

  test("is read back, masked natively and in words", () => {
    const native = maskedMessage(chunks, sizeBytes, KEY);
    const portable = maskedMessage(chunks, sizeBytes, KEY, null);
    expect(Buffer.compare(native, portable)).toBe(0);
    expect(Buffer.compare(readMessages(native, true)[0]!, payload)).toBe(0);
  });
});

test("chunks may be cut anywhere (property)", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.array(fc.nat(60), { maxLength: 12 }), (payload, sizes) => {
      const chunks = cut(payload, sizes);
      for (const encoded of [
        maskedMessage(chunks, payload.length, KEY),
        maskedMessage(chunks, payload.length, KEY, null),
      ]) {
        expect([...readMessages(encoded, true)[0]!]).toEqual([...payload]);
      }
    }),
  );
});

test("the chunks themselves stay as they are", () => {
  const chunk = patternBytes(200);
  maskedMessage([chunk], 200, KEY);
  maskedMessage([chunk], 200, KEY, null);
  expect(chunk).toEqual(patternBytes(200));
});

test("keys differ", () => {
  const keys = new MaskKeys(systemRandom);
  const seen = new Set(Array.from({ length: 3_000 }, () => keys.next().join()));
  expect(seen.size).toBeGreaterThan(2_990);
});
