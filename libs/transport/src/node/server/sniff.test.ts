import { expect, test } from "vitest";
import { MAX_REQUEST_BYTES_LIMIT } from "./options.ts";
import { sniff } from "./sniff.ts";

const MAX = 100 * 1024 * 1024;

test.each(["GET / ", "HEAD", "POST", "PUT ", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "PRI * HTTP/2.0", "G"])(
  "%s is HTTP",
  (text) => {
    expect(sniff(new TextEncoder().encode(text), MAX)).toBe("http");
    const asSize = new DataView(new TextEncoder().encode(text.padEnd(4)).buffer).getInt32(0);
    expect(asSize).toBeGreaterThan(MAX_REQUEST_BYTES_LIMIT);
  },
);

test.each([
  { bytes: [0, 0, 0, 20], expected: "kafka" },
  { bytes: [0], expected: "kafka" },
  { bytes: [6, 0x40, 0, 0], expected: "kafka" },
  { bytes: [0x16, 3, 1, 2], expected: "tls" },
  { bytes: [0x16, 2, 1, 2], expected: "kafka" },
  { bytes: [0x67, 0x65, 0x74], expected: "kafka" },
])("$bytes is $expected", ({ bytes, expected }) => {
  expect(sniff(Uint8Array.from(bytes), MAX)).toBe(expected);
});

test("a broker that allows frames so large reads no TLS into them", () => {
  expect(sniff(Uint8Array.of(0x16, 3, 1, 2), MAX_REQUEST_BYTES_LIMIT)).toBe("kafka");
});
