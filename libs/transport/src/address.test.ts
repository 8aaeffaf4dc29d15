import { KafkaError } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { formatAddress, parseBootstrap } from "./address.ts";

describe("parseBootstrap", () => {
  test.each([
    { text: "localhost:9092", expected: [{ host: "localhost", port: 9092 }] },
    { text: "[::1]:9092", expected: [{ host: "::1", port: 9092 }] },
    {
      text: " a.example:1 , b-2:65535 ,",
      expected: [
        { host: "a.example", port: 1 },
        { host: "b-2", port: 65535 },
      ],
    },
    { text: "ws://h:9092", expected: [{ host: "h", port: 9092, url: "ws://h:9092/kafka" }] },
    { text: "ws://h", expected: [{ host: "h", port: 80, url: "ws://h/kafka" }] },
    { text: "wss://h/", expected: [{ host: "h", port: 443, url: "wss://h/" }] },
    { text: "wss://h:8443/a/b?x=1", expected: [{ host: "h", port: 8443, url: "wss://h:8443/a/b?x=1" }] },
    { text: "WS://[::1]:9092", expected: [{ host: "::1", port: 9092, url: "ws://[::1]:9092/kafka" }] },
    { text: "ws://h:9092?token=1", expected: [{ host: "h", port: 9092, url: "ws://h:9092/kafka?token=1" }] },
  ])("$text", ({ text, expected }) => {
    expect(parseBootstrap(text)).toEqual(expected);
  });

  test("takes a list, whose entries may hold commas", () => {
    const addresses = parseBootstrap(["a:1", "b:2,ws://c:3/x"]);
    expect(addresses.map(formatAddress)).toEqual(["a:1", "b:2", "ws://c:3/x"]);
  });

  test.each([
    { text: "", says: "bootstrapServers is empty" },
    { text: " , ", says: "bootstrapServers is empty" },
    { text: "localhost", says: 'write "localhost:9092"' },
    { text: "::1:9092", says: "in brackets" },
    { text: "h:0", says: "between 1 and 65535" },
    { text: "h:65536", says: "between 1 and 65535" },
    { text: "h:port", says: 'expected "host:port"' },
    { text: "h:9092/kafka", says: 'expected "host:port"' },
    { text: "http://h:9092", says: 'use "ws://h:9092"' },
    { text: "https://h", says: 'use "wss://h"' },
    { text: "PLAINTEXT://h:9092", says: '"plaintext://" is not known' },
    { text: "ws://", says: "not a valid URL" },
    { text: "ws://h:99999", says: "not a valid URL" },
    { text: "ws://h/#x", says: 'no "#" part' },
  ])("refuses $text and says why", ({ text, says }) => {
    expect(() => parseBootstrap(text)).toThrow(says);
    expect(() => parseBootstrap(text)).toThrow(KafkaError);
    expect(() => parseBootstrap(text)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG", retriable: false }));
  });
});

test("formatAddress puts brackets around IPv6", () => {
  expect(formatAddress({ host: "::1", port: 9092 })).toBe("[::1]:9092");
});

test("what a URL may hold of secrets is not shown", () => {
  const [address] = parseBootstrap("wss://user:hunter2@h:8443/kafka?token=hunter2");
  expect(address!.url).toContain("hunter2");
  expect(formatAddress(address!)).toBe("wss://***@h:8443/kafka?***");
  for (const wrong of ["wss://user:hunter2@h:port", "http://user:hunter2@h", "wss://h/?a=hunter2#x", "x://h?hunter2"]) {
    expect(() => parseBootstrap(wrong)).not.toThrow("hunter2");
    expect(() => parseBootstrap(wrong)).toThrow("bootstrapServers");
  }
});
