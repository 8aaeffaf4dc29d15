import { describe, expect, it } from "vitest";
import { parseJsonLine } from "./json-line.ts";
import { textLineParser } from "./record-lines.ts";

describe("a line of text", () => {
  it("is the value", () => expect(textLineParser(undefined)("a:b", 1)).toEqual({ value: "a:b" }));

  it.each([
    ["k:v", { key: "k", value: "v" }],
    ["k:v:w", { key: "k", value: "v:w" }],
    [":v", { key: "", value: "v" }],
    ["k:", { key: "k", value: "" }],
  ])("%s is split at the first separator", (line, record) => {
    expect(textLineParser(":")(line, 1)).toEqual(record);
  });

  it("without the separator is an error that names the line", () => {
    expect(() => textLineParser(":")("novalue", 7)).toThrow(/Line 7 .*":"/);
  });
});

describe("a line of JSON", () => {
  const parse = (line: string) => parseJsonLine(line, 3);

  it.each([
    ['{"key":"k","value":"v"}', { key: "k", value: "v" }],
    ['{"value":{"a":1}}', { key: null, value: '{"a":1}' }],
    ['{"key":"k","value":null}', { key: "k", value: null }],
    [
      '{"value":"v","headers":[["a","1"]],"partition":2,"timestampMs":5}',
      { key: null, value: "v", headers: [["a", "1"]], partition: 2, timestampMs: 5 },
    ],
    [
      '{"topic":"t","partition":1,"offset":7,"timestampMs":-1,"key":{"base64":"/w=="},"value":"v","headers":[["h",{"base64":"gA=="}],["n",null]]}',
      {
        key: Uint8Array.of(255),
        value: "v",
        partition: 1,
        headers: [
          ["h", Uint8Array.of(128)],
          ["n", null],
        ],
      },
    ],
    ['{"value":{"base64":"/w==","more":1}}', { key: null, value: '{"base64":"/w==","more":1}' }],
  ])("%s", (line, record) => expect(parse(line)).toEqual(record));

  it.each([
    "{",
    "[]",
    "null",
    "1",
    '{"valeu":"v"}',
    '{"partition":-1}',
    '{"partition":"0"}',
    '{"headers":[["a"]]}',
    '{"timestampMs":1.5}',
    '{"timestampMs":-2}',
    '{"value":{"base64":"not base64!"}}',
    '{"value":{"base64":1}}',
    '{"headers":[["a",{"base64":"?"}]]}',
    '{"headers":[["a",{"b":"c"}]]}',
  ])("%s is an error that names the line", (line) => {
    expect(() => parse(line)).toThrow(/Line 3/);
  });
});
