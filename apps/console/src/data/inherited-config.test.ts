import type { ConfigEntry } from "@ottla/admin";
import { describe, expect, it } from "vitest";
import { inheritedBy, keysToLookUp } from "./inherited-config.ts";

const entry = (key: string, value: string | null, source: ConfigEntry["source"], synonyms: ConfigEntry["synonyms"]) =>
  ({ key, value, source, synonyms, isSensitive: false }) as ConfigEntry;
const of = (key: string, value: string, source: ConfigEntry["source"]) => ({ key, value, source });

const policy = entry("cleanup.policy", "compact", "topic", [
  of("cleanup.policy", "compact", "topic"),
  of("log.cleanup.policy", "delete", "staticBroker"),
  of("log.cleanup.policy", "compact,delete", "default"),
]);
const retention = entry("retention.ms", "5", "topic", [of("retention.ms", "5", "topic")]);

describe("what a topic's config would be if the topic did not say", () => {
  it("is the strongest of the other values", () => {
    expect(inheritedBy(policy, [])).toMatchObject({ value: "delete", source: "staticBroker" });
    expect(keysToLookUp([policy])).toEqual([]);
  });

  it("may stand under a broker's key in another unit", () => {
    expect(keysToLookUp([policy, retention])).toEqual([
      "log.retention.ms",
      "log.retention.minutes",
      "log.retention.hours",
    ]);
    const unset = ["log.retention.ms", "log.retention.minutes"].map((key) => entry(key, null, "default", []));
    const hours = entry("log.retention.hours", "168", "default", []);
    expect(inheritedBy(retention, [...unset, hours])).toEqual({ value: "604800000", source: "default" });
    const minutes = entry("log.retention.minutes", "2", "staticBroker", []);
    expect(inheritedBy(retention, [hours, minutes])).toEqual({ value: "120000", source: "staticBroker" });
    expect(inheritedBy(retention, [])).toBeNull();
  });

  it("is the default where a broker overrides it, and nothing where the default holds", () => {
    const bytes = entry("segment.bytes", "7", "dynamicBroker", [
      of("log.segment.bytes", "7", "dynamicBroker"),
      of("log.segment.bytes", "9", "default"),
    ]);
    expect(inheritedBy(bytes, [])).toMatchObject({ value: "9", source: "default" });
    expect(inheritedBy(entry("flush.ms", "1", "default", []), [])).toBeNull();
  });
});
