import { describe, expect, it } from "vitest";
import { BrokerConfig } from "./broker-config.ts";
import { brokerConfigTable } from "./broker-config-table.ts";
import type { ConfigDefinition } from "./config-definition.ts";
import { ConfigError } from "./config-error.ts";
import { settingsFromObject } from "./config-sources.ts";
import { nearMatch } from "./near-match.ts";
import { partitionConfigOf, TopicConfig } from "./topic-config.ts";
import { topicConfigSynonyms, topicConfigTable } from "./topic-config-table.ts";

type Values = Readonly<Record<string, string | number | boolean>>;

const configOf = (values: Values = {}) => BrokerConfig.fromSettings(settingsFromObject(values));
const topicOf = (own: Readonly<Record<string, string>> = {}, broker: Values = {}) =>
  new TopicConfig(new Map(Object.entries(own)), configOf(broker));

function problemsOf(values: Values): readonly string[] {
  try {
    configOf(values);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const allDefinitions: [string, ConfigDefinition<unknown>][] = [
  ...Object.entries<ConfigDefinition<unknown>>(brokerConfigTable),
  ...Object.entries<ConfigDefinition<unknown>>(topicConfigTable),
];

describe("the config tables", () => {
  it.each(allDefinitions)("%s takes its own default, and tells what it is about", (_, definition) => {
    const { defaultValue, documentation, allowed } = definition;
    expect(documentation).toMatch(/\.$|\)$/);
    expect(allowed).not.toBe("");
    if (defaultValue !== null) expect(definition.parse(definition.format(defaultValue))).toEqual(defaultValue);
  });

  it("give every topic key a broker key that is there, with the same default", () => {
    const broker = configOf();
    for (const [name, synonyms] of Object.entries(topicConfigSynonyms)) {
      for (const { brokerKey } of synonyms)
        expect(brokerConfigTable, `${name}: ${brokerKey}`).toHaveProperty([brokerKey]);
      const own = topicConfigTable[name as keyof typeof topicConfigTable].defaultValue;
      expect(new TopicConfig(new Map(), broker).get(name as keyof typeof topicConfigTable), name).toEqual(own);
    }
  });
});

describe("BrokerConfig", () => {
  it("has Kafka's defaults, and the broker's own where Kafka's would not do for one node", () => {
    const config = configOf();
    expect(config.require("listeners")).toBe("PLAINTEXT://localhost:9092");
    expect(config.require("log.dirs")).toEqual(["./data"]);
    expect(config.require("num.partitions")).toBe(1);
    expect(config.require("auto.create.topics.enable")).toBe(true);
    expect(config.require("offsets.topic.num.partitions")).toBe(50);
    expect(config.get("log.retention.ms")).toBeNull();
  });

  it("takes the older names of two keys", () => {
    const config = configOf({ "broker.id": 3, "log.dir": "/a" });
    expect([config.configuredNodeId, config.logDirectories]).toEqual([3, ["/a"]]);
    expect(configOf({ "log.dir": "/a", "log.dirs": "/b,/c" }).logDirectories).toEqual(["/b", "/c"]);
    expect(configOf().configuredNodeId).toBeNull();
  });

  it("takes the later of two settings", () => {
    const settings = ["1", "2"].map((value) => ({ key: "num.partitions", value, origin: "x" }));
    expect(BrokerConfig.fromSettings(settings).require("num.partitions")).toBe(2);
  });

  it.each<[Values, RegExp]>([
    [
      { "num.partitons": 1 },
      /^num\.partitons=1 \(config\): there is no such config key; did you mean num\.partitions\?$/,
    ],
    [{ "LOG.RETENTION.MS": 1 }, /did you mean log\.retention\.ms\?/],
    [{ "my.password": "hunter2" }, /^my\.password=\[hidden\] \(config\): there is no such config key/],
    [{ "completely.different": 1 }, /there is no such config key; see/],
    [{ "num.partitions": "many" }, /^num\.partitions=many \(config\): it must be a whole number, 1 or more$/],
    [{ "num.partitions": "1.5" }, /a whole number/],
    [{ "num.partitions": "" }, /a whole number/],
    [{ "num.partitions": "99999999999" }, /a whole number/],
    [{ "log.cleaner.enable": "yes" }, /it must be true or false/],
    [{ "compression.type": "rar" }, /one of uncompressed, zstd, lz4/],
    [{ "log.cleanup.policy": "delete,shred" }, /a comma-separated list of compact, delete/],
    [{ "log.cleaner.min.cleanable.ratio": "2" }, /a number from 0 to 1/],
    [{ "sasl.enabled.mechanisms": "PLAIN" }, /security is not supported yet/],
    [{ "node.id": 1, "broker.id": 2 }, /two names of one thing/],
    [{ "log.dirs": "/a,/b,/a" }, /a directory is named twice/],
    [{ "cordoned.log.dirs": "/x" }, /requires metadata\.version >= 4\.3-IV0/],
    [{ "metadata.log.dir": "/x" }, /the cluster metadata lives in log\.dirs/],
  ])("refuses %j", (values, message) => {
    expect(problemsOf(values)).toEqual([expect.stringMatching(message)]);
  });

  it("names every problem at once", () => {
    expect(problemsOf({ x: 1, "num.partitions": 0, "node.id": -1 })).toHaveLength(3);
  });

  it("takes what it refuses when it says what is so anyway", () => {
    expect(problemsOf({ "authorizer.class.name": "", "remote.log.storage.system.enable": false })).toEqual([]);
  });

  it("names what has no effect, with the reason", () => {
    const ignored = configOf({ "num.io.threads": 8, "num.partitions": 2 }).ignoredKeys();
    expect(ignored).toEqual([{ key: "num.io.threads", reason: "one event loop does this work" }]);
  });

  it("takes Apache Kafka's stock server.properties of one KRaft node", () => {
    const stock = {
      "process.roles": "broker,controller",
      "node.id": 1,
      "controller.quorum.bootstrap.servers": "localhost:9093",
      listeners: "PLAINTEXT://:9092,CONTROLLER://:9093",
      "inter.broker.listener.name": "PLAINTEXT",
      "advertised.listeners": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
      "controller.listener.names": "CONTROLLER",
      "listener.security.protocol.map":
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
      "num.network.threads": 3,
      "num.io.threads": 8,
      "socket.send.buffer.bytes": 102400,
      "socket.receive.buffer.bytes": 102400,
      "socket.request.max.bytes": 104857600,
      "log.dirs": "/tmp/kraft-combined-logs",
      "num.partitions": 1,
      "num.recovery.threads.per.data.dir": 2,
      "offsets.topic.replication.factor": 1,
      "share.coordinator.state.topic.replication.factor": 1,
      "share.coordinator.state.topic.min.isr": 1,
      "transaction.state.log.replication.factor": 1,
      "transaction.state.log.min.isr": 1,
      "log.retention.hours": 168,
      "log.segment.bytes": 1073741824,
      "log.retention.check.interval.ms": 300000,
    };
    expect(problemsOf(stock)).toEqual([]);
  });

  it("is weaker than what is set at run time, for this broker above all", () => {
    const config = configOf({ "message.max.bytes": 1 });
    const forAll = config.withDynamic(new Map(), new Map([["message.max.bytes", "2"]]));
    const forThis = config.withDynamic(new Map([["message.max.bytes", "3"]]), new Map([["message.max.bytes", "2"]]));
    expect([config, forAll, forThis].map((one) => one.require("message.max.bytes"))).toEqual([1, 2, 3]);
    expect(forThis.synonyms("message.max.bytes").map(({ value, source }) => [value, source])).toEqual([
      ["3", 2],
      ["2", 3],
      ["1", 4],
      ["1048588", 5],
    ]);
  });
});

describe("TopicConfig", () => {
  it.each<[Record<string, string>, Values, number]>([
    [{}, {}, 604_800_000],
    [{}, { "log.retention.hours": 2 }, 7_200_000],
    [{}, { "log.retention.hours": 2, "log.retention.minutes": 3 }, 180_000],
    [{}, { "log.retention.hours": 2, "log.retention.minutes": 3, "log.retention.ms": 4 }, 4],
    [{ "retention.ms": "5" }, { "log.retention.ms": 4 }, 5],
    [{}, { "log.retention.hours": -1 }, -1],
  ])("retention of %j under %j is %i", (own, broker, retentionMs) => {
    expect(topicOf(own, broker).require("retention.ms")).toBe(retentionMs);
  });

  it("becomes storage's config, without limit where Kafka says Long.MAX_VALUE", () => {
    const config = partitionConfigOf(topicOf({ "cleanup.policy": "compact,delete", "segment.bytes": "2097152" }));
    expect(config).toMatchObject({
      segmentBytes: 2_097_152,
      cleanupPolicy: ["compact", "delete"],
      flushMessages: Number.POSITIVE_INFINITY,
      messageTimestampBeforeMaxMs: Number.POSITIVE_INFINITY,
      retentionMs: 604_800_000,
      minInsyncReplicas: 1,
    });
  });

  it("lets tests have smaller segments than Kafka allows", () => {
    expect(partitionConfigOf(topicOf({ "internal.segment.bytes": "100" })).segmentBytes).toBe(100);
  });
});

describe("near matches", () => {
  it.each([
    ["log.retention.mss", "log.retention.ms"],
    ["log.retntion.ms", "log.retention.ms"],
    ["log.rentetion.ms", "log.retention.ms"],
    ["Num.Partitions", "num.partitions"],
    ["zzz", undefined],
  ])("%s is near %s", (text, expected) => {
    expect(nearMatch(text, ["log.retention.ms", "num.partitions", "log.roll.ms"])).toBe(expected);
  });
});
