import { describe, expect, it } from "vitest";
import { parseProperties, settingFromArgument, settingsFromEnvironment, settingsFromObject } from "./config-sources.ts";

const pairs = (text: string) => parseProperties(text, "f").map(({ key, value }) => [key, value]);

describe("server.properties", () => {
  it.each([
    ["a=b", [["a", "b"]]],
    ["a = b ", [["a", "b"]]],
    ["a: b", [["a", "b"]]],
    ["a b", [["a", "b"]]],
    ["a", [["a", ""]]],
    ["a=", [["a", ""]]],
    ["a=b=c", [["a", "b=c"]]],
    ["listeners=PLAINTEXT://:9092,WS://:9093", [["listeners", "PLAINTEXT://:9092,WS://:9093"]]],
    [
      "# comment\n! comment\n\n  a=1\r\nb=2\r",
      [
        ["a", "1"],
        ["b", "2"],
      ],
    ],
    [
      "a=1,\\\n   2,\\\n   3\nb=4",
      [
        ["a", "1,2,3"],
        ["b", "4"],
      ],
    ],
    [
      "a=1\\\\\nb=2",
      [
        ["a", "1\\"],
        ["b", "2"],
      ],
    ],
    ["path=C:\\\\data", [["path", "C:\\data"]]],
    ["a=\\u0041\\t.", [["a", "A\t."]]],
    ["a=x # no comment", [["a", "x # no comment"]]],
  ])("%j", (text, expected) => {
    expect(pairs(text)).toEqual(expected);
  });

  it("remembers where each setting was written", () => {
    const origins = parseProperties("# first\na=1\\\n2\nb=3", "server.properties").map(({ origin }) => origin);
    expect(origins).toEqual(["server.properties:2", "server.properties:4"]);
  });
});

describe("other sources", () => {
  it("reads variables by their prefix", () => {
    const environment = {
      OTTLA_LOG_RETENTION_MS: "5",
      OTTLA_ZOOKEEPER_CONNECT: "a:1",
      HOME: "/",
      OTTLA_TEST_SOMETHING: "x",
      OTTLA_NATIVE: "off",
      OTTLA_SASL_PASSWORD: "secret",
      OTTLA_KAFKA_MESSAGES: "x",
      OTTLA_DEMO_PORT: "x",
    };
    expect(settingsFromEnvironment(environment)).toEqual([
      { key: "log.retention.ms", value: "5", origin: "OTTLA_LOG_RETENTION_MS" },
      { key: "zookeeper.connect", value: "a:1", origin: "OTTLA_ZOOKEEPER_CONNECT" },
    ]);
  });

  it("splits arguments at the first =", () => {
    expect(settingFromArgument("a.b = c=d")).toEqual({ key: "a.b", value: "c=d", origin: "--set" });
    expect(settingFromArgument("a.b=")).toEqual({ key: "a.b", value: "", origin: "--set" });
    expect(() => settingFromArgument("a.b")).toThrow(/^--set a\.b: write key=value/);
  });

  it("writes a program's values as text", () => {
    const settings = settingsFromObject({ "num.partitions": 3, "log.cleaner.enable": false, "log.dirs": ["a", "b"] });
    expect(settings.map(({ key, value }) => [key, value])).toEqual([
      ["num.partitions", "3"],
      ["log.cleaner.enable", "false"],
      ["log.dirs", "a,b"],
    ]);
  });
});
