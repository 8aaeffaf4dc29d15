import { type ConfigImage, ConfigResourceType } from "@ottla/metadata";
import { ErrorCode, type KafkaError } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { BrokerConfig, ConfigSource } from "./broker-config.ts";
import { TableConfigPolicy } from "./config-policy.ts";
import { settingsFromObject } from "./config-sources.ts";
import { ConsumerGroupConfig } from "./group-config.ts";

const broker = BrokerConfig.fromSettings(settingsFromObject({ "group.consumer.heartbeat.interval.ms": 7000 }));
const own = (values: Record<string, string>): ConfigImage => new Map(Object.entries(values));

describe("configs of groups", () => {
  it("a group's own value is the strongest, then the broker's", () => {
    const group = new ConsumerGroupConfig(own({ "consumer.heartbeat.interval.ms": "9000" }), broker);
    expect(group.require("consumer.heartbeat.interval.ms")).toBe(9000);
    expect(group.synonyms("consumer.heartbeat.interval.ms").map(({ value, source }) => [value, source])).toEqual([
      ["9000", ConfigSource.GROUP_CONFIG],
      ["7000", ConfigSource.STATIC_BROKER_CONFIG],
      ["5000", ConfigSource.DEFAULT_CONFIG],
    ]);
    expect(new ConsumerGroupConfig(own({}), broker).require("consumer.heartbeat.interval.ms")).toBe(7000);
  });

  it.each([
    [{ "consumer.session.timeout.ms": "50000" }, null],
    [{ "consumer.session.timeout.ms": "44999" }, /greater than or equal to group.consumer.min.session.timeout.ms/],
    [{ "consumer.session.timeout.ms": "60001" }, /less than or equal to group.consumer.max.session.timeout.ms/],
    [{ "consumer.heartbeat.interval.ms": "15001" }, /group.consumer.max.heartbeat.interval.ms/],
    [{ "consumer.assignment.interval.ms": "0" }, null],
    [{ "consumer.assignment.interval.ms": "15001" }, /less than or equal to group.consumer.max.assignment.interval.ms/],
    [{ "consumer.session.timeout.ms": "many" }, /Invalid value/],
    [{ "session.timeout.ms": "50000" }, /Unknown group config name/],
  ])("%j", (values, problem) => {
    const validate = () =>
      new TableConfigPolicy(broker).validate(
        ConfigResourceType.GROUP,
        "billing",
        own(values as Record<string, string>),
      );
    if (problem === null) return validate();
    expect(validate).toThrow(problem);
    try {
      validate();
    } catch (error) {
      expect((error as KafkaError).errno).toBe(ErrorCode.INVALID_CONFIG);
    }
  });
});
