import { expect, test } from "vitest";
import { formatVersions } from "../schema/versions.ts";
import { allApis, apisByKey } from "./all.ts";
import { initProducerIdApi } from "./init-producer-id.ts";
import { produceApi } from "./produce.ts";

/** What a broker of Apache Kafka 4.3 advertises, by API key. */
const ADVERTISED: Readonly<Record<number, string>> = {
  0: "0-13",
  1: "4-18",
  2: "1-11",
  3: "0-13",
  8: "2-10",
  9: "1-10",
  10: "0-6",
  11: "0-9",
  12: "0-4",
  13: "0-5",
  14: "0-5",
  15: "0-6",
  16: "0-5",
  17: "0-1",
  18: "0-4",
  19: "2-7",
  20: "1-6",
  21: "0-2",
  22: "0-5",
  23: "2-4",
  24: "0-5",
  25: "0-4",
  26: "0-5",
  27: "1-2",
  28: "0-5",
  29: "1-3",
  30: "1-3",
  31: "1-3",
  32: "1-4",
  33: "0-2",
  34: "1-2",
  35: "1-5",
  36: "0-2",
  37: "0-3",
  42: "0-2",
  43: "0-2",
  44: "0-1",
  45: "0-1",
  46: "0",
  47: "0",
  48: "0-1",
  49: "0-1",
  50: "0",
  51: "0",
  56: "2-3",
  57: "0-2",
  58: "0",
  60: "0-2",
  61: "0",
  62: "0-4",
  63: "0-2",
  64: "0",
  65: "0",
  66: "0-2",
  67: "0",
  68: "0-1",
  69: "0-1",
  71: "0",
  72: "0",
  73: "0",
  74: "0-1",
  75: "0",
};

test("every API of Kafka's that a broker needs is declared, with the versions that Kafka advertises", () => {
  const declared = Object.fromEntries(allApis.map((api) => [api.key, formatVersions(api.advertisedVersions)]));
  expect(declared).toEqual(ADVERTISED);
});

test("every version that is spoken can be encoded and decoded", () => {
  for (const { request, response, validVersions } of allApis) {
    for (let version = validVersions.min; version <= validVersions.max; version++) {
      expect(() => request.codec(version)).not.toThrow();
      expect(() => response.codec(version)).not.toThrow();
    }
  }
});

test("APIs are found by key", () => {
  expect(apisByKey.size).toBe(allApis.length);
  expect(apisByKey.get(0)).toBe(produceApi);
});

test("Produce advertises versions that are not spoken, and InitProducerId declares one that is not", () => {
  expect(formatVersions(produceApi.validVersions)).toBe("3-13");
  expect(formatVersions(initProducerIdApi.request.validVersions)).toBe("0-6");
  expect(formatVersions(initProducerIdApi.validVersions)).toBe("0-5");
});
