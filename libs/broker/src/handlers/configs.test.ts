import {
  alterConfigsApi,
  createTopicsApi,
  deleteTopicsApi,
  describeClusterApi,
  describeConfigsApi,
  ErrorCode,
  incrementalAlterConfigsApi,
  initProducerIdApi,
} from "@ottla/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { brokerConfigTable } from "../config/broker-config-table.ts";
import type { PartitionConfig } from "../config/topic-config.ts";
import { topicConfigTable } from "../config/topic-config-table.ts";
import { copyOf } from "../test-support/disk-copy.ts";
import { TestBroker, type TestBrokerOptions } from "../test-support/test-broker.ts";

const TOPIC = 2;
const BROKER = 4;
const [SET, DELETE, APPEND] = [0, 1, 2];

let test: TestBroker;

const start = async (options: TestBrokerOptions = {}) => {
  test = await TestBroker.start(options);
};
afterEach(() => test[Symbol.asyncDispose]());

async function describeResource(resourceType: number, resourceName: string, configurationKeys: string[] | null = null) {
  const { results } = await test.client.send(describeConfigsApi, 4, {
    resources: [{ resourceType, resourceName, configurationKeys }],
    includeSynonyms: true,
    includeDocumentation: true,
  });
  return results[0]!;
}

async function describedValue(resourceType: number, resourceName: string, key: string) {
  const [config] = (await describeResource(resourceType, resourceName, [key])).configs;
  return [config!.value, config!.configSource];
}

async function alter(
  resourceType: number,
  resourceName: string,
  name: string,
  configOperation: number,
  value: string | null,
) {
  const { responses } = await test.client.send(incrementalAlterConfigsApi, 1, {
    resources: [{ resourceType, resourceName, configs: [{ name, configOperation, value }] }],
    validateOnly: false,
  });
  return responses[0]!;
}

describe("DescribeConfigs", () => {
  it("tells every key of a topic, with documentation and type", async () => {
    await start();
    await test.createTopic("orders");
    const { configs } = await describeResource(TOPIC, "orders");
    expect(configs.map(({ name }) => name).sort()).toEqual(
      Object.keys(topicConfigTable)
        .filter((name) => name !== "internal.segment.bytes") // as Kafka: for tests of the log
        .sort(),
    );
    const lz4 = configs.find(({ name }) => name === "compression.lz4.level");
    expect(
      configs.slice(0, 3).map(({ name }) => name),
      "in the order of Apache Kafka's hash map",
    ).toEqual(["compression.type", "remote.log.delete.on.disable", "leader.replication.throttled.replicas"]);
    const policy = configs.find(({ name }) => name === "cleanup.policy");
    expect(policy?.documentation, "as Apache Kafka's begins: clients' tests look for it").toMatch(
      /^This config designates the retention policy to use on log segments\./,
    );
    expect(lz4?.documentation, "what a key does not do is said too").toMatch(/Accepted, and without effect: lz4/);
    for (const { name, documentation, configType, isSensitive } of configs) {
      expect(documentation, name).not.toBe("");
      expect(configType, name).toBeGreaterThan(0);
      expect(isSensitive, name).toBe(false);
    }
  });

  it("tells every key of this broker", async () => {
    await start({ config: { "num.partitions": 7 } });
    const { configs } = await describeResource(BROKER, "1");
    expect(configs.map(({ name }) => name).sort()).toEqual(Object.keys(brokerConfigTable).sort());
    expect(configs.find(({ name }) => name === "num.partitions")).toMatchObject({
      value: "7",
      configSource: 4,
      readOnly: true,
      synonyms: [
        { name: "num.partitions", value: "7", source: 4 },
        { name: "num.partitions", value: "1", source: 5 },
      ],
    });
    expect(await describedValue(BROKER, "1", "node.id")).toEqual(["1", 4]);
  });

  it("gives a topic its broker's defaults, whatever unit they are in", async () => {
    await start({ config: { "log.retention.minutes": 5, "message.max.bytes": 2000 } });
    await test.createTopic("orders");
    // As Kafka: where it is set in another unit, the source is not told.
    expect(await describedValue(TOPIC, "orders", "retention.ms")).toEqual(["300000", 5]);
    expect(await describedValue(TOPIC, "orders", "max.message.bytes")).toEqual(["2000", 4]);
    expect(await describedValue(TOPIC, "orders", "segment.ms")).toEqual(["604800000", 5]);
    expect(test.broker.services.partitions.get("orders", 0)!.config.retentionMs).toBe(300_000);
  });

  it("writes Long.MAX_VALUE as Kafka does", async () => {
    await start();
    await test.createTopic("orders");
    expect(await describedValue(TOPIC, "orders", "flush.messages")).toEqual(["9223372036854775807", 5]);
    expect(test.broker.services.partitions.get("orders", 0)!.config.flushMessages).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    [TOPIC, "none", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    [TOPIC, "a b", ErrorCode.INVALID_TOPIC_EXCEPTION],
    [BROKER, "9", ErrorCode.INVALID_REQUEST],
    [99, "x", ErrorCode.INVALID_REQUEST],
  ])("refuses resource type %i named %j", async (type, name, errorCode) => {
    await start();
    const result = await describeResource(type, name);
    expect(result).toMatchObject({ errorCode, resourceType: type, resourceName: name, configs: [] });
    expect(result.errorMessage).not.toBeNull();
  });
});

describe("configs at run time", () => {
  it("reach a topic's log at once, and go back to the default when they are deleted", async () => {
    await start();
    await test.createTopic("orders");
    const config = () => test.broker.services.partitions.get("orders", 0)!.config;
    expect((await alter(TOPIC, "orders", "max.message.bytes", SET, "5000")).errorCode).toBe(0);
    expect(config().maxMessageBytes).toBe(5000);
    expect((await alter(TOPIC, "orders", "cleanup.policy", APPEND, "compact")).errorCode).toBe(0);
    expect(config().cleanupPolicy).toEqual(["delete", "compact"]);
    expect((await alter(TOPIC, "orders", "max.message.bytes", DELETE, null)).errorCode).toBe(0);
    expect(config().maxMessageBytes).toBe(1_048_588);
  });

  it("of a broker reach all topics that have none of their own, the broker's own over those for all", async () => {
    await start();
    await test.createTopic("orders");
    await test.createTopic("own", 1, { "max.message.bytes": "77" });
    const maxBytes = (topic: string) => test.broker.services.partitions.get(topic, 0)!.config.maxMessageBytes;
    await alter(BROKER, "", "message.max.bytes", SET, "3000");
    expect([maxBytes("orders"), maxBytes("own")]).toEqual([3000, 77]);
    expect(await describedValue(TOPIC, "orders", "max.message.bytes")).toEqual(["3000", 3]);
    await alter(BROKER, "1", "message.max.bytes", SET, "4000");
    expect([maxBytes("orders"), maxBytes("own")]).toEqual([4000, 77]);
    expect(await describedValue(BROKER, "1", "message.max.bytes")).toEqual(["4000", 2]);
    expect(await describedValue(BROKER, "", "message.max.bytes")).toEqual(["3000", 3]);
  });

  it.each([
    "leader.replication.throttled.rate",
    "follower.replication.throttled.rate",
    "replica.alter.log.dirs.io.max.bytes.per.second",
  ] as const)("of all brokers hold for %s too, where a broker has none of its own", async (key) => {
    await start();
    const rate = () => test.broker.services.config.require(key);
    expect((await alter(BROKER, "", key, SET, "1000")).errorMessage).toBeNull();
    expect(rate()).toBe(1000);
    await alter(BROKER, "1", key, SET, "2000");
    expect(rate()).toBe(2000);
  });

  /** Keys of a broker that change how its partitions work: a value, and where it is seen. */
  const live: [key: string, value: string, seen: (config: PartitionConfig) => unknown, expected: unknown][] = [
    ["compression.type", "lz4", ({ compression }) => compression, { type: "lz4", level: 9 }],
    ["log.cleaner.delete.retention.ms", "51", ({ deleteRetentionMs }) => deleteRetentionMs, 51],
    ["log.cleaner.max.compaction.lag.ms", "52", ({ maxCompactionLagMs }) => maxCompactionLagMs, 52],
    ["log.cleaner.min.cleanable.ratio", "0.25", ({ minCleanableDirtyRatio }) => minCleanableDirtyRatio, 0.25],
    ["log.cleaner.min.compaction.lag.ms", "53", ({ minCompactionLagMs }) => minCompactionLagMs, 53],
    ["log.cleanup.policy", "compact", ({ cleanupPolicy }) => cleanupPolicy, ["compact"]],
    ["log.flush.interval.messages", "7", ({ flushMessages }) => flushMessages, 7],
    ["log.flush.interval.ms", "54", ({ flushMs }) => flushMs, 54],
    ["log.index.interval.bytes", "55", ({ indexIntervalBytes }) => indexIntervalBytes, 55],
    ["log.index.size.max.bytes", "5600", ({ segmentIndexBytes }) => segmentIndexBytes, 5600],
    ["log.message.timestamp.after.max.ms", "57", (config) => config.messageTimestampAfterMaxMs, 57],
    ["log.message.timestamp.before.max.ms", "58", (config) => config.messageTimestampBeforeMaxMs, 58],
    ["log.message.timestamp.type", "LogAppendTime", (config) => config.messageTimestampType, "LogAppendTime"],
    ["log.retention.bytes", "59", ({ retentionBytes }) => retentionBytes, 59],
    ["log.retention.ms", "60", ({ retentionMs }) => retentionMs, 60],
    ["log.roll.jitter.ms", "61", ({ segmentJitterMs }) => segmentJitterMs, 61],
    ["log.roll.ms", "62", ({ segmentMs }) => segmentMs, 62],
    ["log.segment.bytes", "2000000", ({ segmentBytes }) => segmentBytes, 2_000_000],
    ["log.segment.delete.delay.ms", "63", ({ fileDeleteDelayMs }) => fileDeleteDelayMs, 63],
    ["message.max.bytes", "64", ({ maxMessageBytes }) => maxMessageBytes, 64],
    ["min.insync.replicas", "2", ({ minInsyncReplicas }) => minInsyncReplicas, 2],
  ];
  it("of a broker take effect at once, outlive a crash, and go as they came", async () => {
    await start();
    await test.createTopic("orders");
    const configOf = (broker: TestBroker) => broker.broker.services.partitions.get("orders", 0)!.config;
    const before = configOf(test);
    for (const [key, value, seen, expected] of live) {
      expect((await alter(BROKER, "", key, SET, value)).errorMessage).toBeNull();
      expect(seen(configOf(test)), key).toEqual(expected);
    }
    const again = await TestBroker.start({ disk: await copyOf(test.disk) });
    for (const [key, , seen, expected] of live) expect(seen(configOf(again)), key).toEqual(expected);
    await again[Symbol.asyncDispose]();
    const removed = live.map(([key]) => key).filter((key) => key !== "min.insync.replicas");
    for (const key of removed) await alter(BROKER, "", key, DELETE, null);
    // Once set it stays (KIP-966).
    expect((await alter(BROKER, "", "min.insync.replicas", DELETE, null)).errorCode).toBe(ErrorCode.INVALID_CONFIG);
    await alter(BROKER, "", "min.insync.replicas", SET, "1");
    expect(configOf(test)).toEqual(before);
  });

  it("outlive a crash", async () => {
    await start();
    await test.createTopic("orders");
    await alter(TOPIC, "orders", "retention.ms", SET, "1234");
    await alter(BROKER, "", "log.roll.ms", SET, "99");
    const again = await TestBroker.start({ disk: await copyOf(test.disk) });
    const { config } = again.broker.services.partitions.get("orders", 0)!;
    expect([config.retentionMs, config.segmentMs]).toEqual([1234, 99]);
    await again[Symbol.asyncDispose]();
  });

  it.each([
    [TOPIC, "orders", "retention.mss", "5", /Unknown topic config name: retention\.mss; did you mean retention\.ms\?/],
    [TOPIC, "orders", "retention.ms", "soon", /Invalid value soon .*: Not a number of type LONG/],
    [TOPIC, "orders", "segment.bytes", "10", /Value must be at least 1048576/],
    [TOPIC, "orders", "cleanup.policy", "shred", /Invalid value shred .*: String must be one of: compact, delete/],
    [TOPIC, "orders", "compression.type", "brotli", /String must be one of: uncompressed, zstd/],
    [TOPIC, "orders", "remote.storage.enable", "true", /tiered storage is not supported/],
    [TOPIC, "orders", "min.compaction.lag.ms", "9223372036854775807", null],
    [BROKER, "1", "num.partitions", "5", /Cannot update these configs dynamically: \[num\.partitions\]/],
  ])("are refused where they must be: type %i, %s, %s=%s", async (type, name, key, value, message) => {
    await start();
    await test.createTopic("orders");
    const { errorCode, errorMessage } = await alter(type, name, key, SET, value);
    const refused = type === BROKER ? ErrorCode.INVALID_REQUEST : ErrorCode.INVALID_CONFIG;
    expect(errorCode).toBe(message === null ? ErrorCode.NONE : refused);
    if (message !== null) expect(errorMessage).toMatch(message);
  });

  it("of brokers that nobody knows are taken, as they may be a plugin's, and their values hidden", async () => {
    await start();
    expect(await alter(BROKER, "1", "no.such.key", SET, "5")).toMatchObject({ errorCode: ErrorCode.NONE });
    expect(await alter(BROKER, "", "no.such.key", SET, "6")).toMatchObject({ errorCode: ErrorCode.NONE });
    const [own, all] = [2, 3].map((source) => ({ name: "no.such.key", value: null, source }));
    const described = {
      name: "no.such.key",
      value: null,
      readOnly: true,
      isSensitive: true,
      configType: 0,
      documentation: null,
    };
    expect((await describeResource(BROKER, "1", ["no.such.key"])).configs).toEqual([
      expect.objectContaining({ ...described, configSource: 2, synonyms: [own, all] }),
    ]);
    expect((await describeResource(BROKER, "")).configs).toEqual([
      expect.objectContaining({ ...described, configSource: 3, synonyms: [all] }),
    ]);
    await alter(BROKER, "1", "no.such.key", DELETE, null);
    await alter(BROKER, "", "no.such.key", DELETE, null);
    expect((await describeResource(BROKER, "1", ["no.such.key"])).configs).toEqual([]);
  });

  it("that contradict each other are refused", async () => {
    await start();
    await test.createTopic("orders", 1, { "max.compaction.lag.ms": "10" });
    const { errorCode, errorMessage } = await alter(TOPIC, "orders", "min.compaction.lag.ms", SET, "20");
    expect([errorCode, errorMessage]).toEqual([
      ErrorCode.INVALID_CONFIG,
      expect.stringMatching(/min\.compaction\.lag\.ms/),
    ]);
  });

  it("AlterConfigs leaves only what it was given", async () => {
    await start();
    await test.createTopic("orders", 1, { "retention.ms": "5" });
    await test.client.send(alterConfigsApi, 2, {
      resources: [{ resourceType: TOPIC, resourceName: "orders", configs: [{ name: "segment.ms", value: "6" }] }],
      validateOnly: false,
    });
    const { config } = test.broker.services.partitions.get("orders", 0)!;
    expect([config.retentionMs, config.segmentMs]).toEqual([604_800_000, 6]);
  });
});

describe("topics", () => {
  it("are only looked at where validate_only is set", async () => {
    await start();
    const topic = { name: "a", numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] };
    const { topics } = await test.client.send(createTopicsApi, 7, { topics: [topic], validateOnly: true });
    expect(topics).toMatchObject([{ errorCode: 0, numPartitions: 3 }]);
    expect(await test.topicNames()).toEqual([]);
  });

  it("tell why they were not created", async () => {
    await start();
    const topic = { name: "a", numPartitions: 1, replicationFactor: 3, assignments: [], configs: [] };
    const { topics } = await test.client.send(createTopicsApi, 7, {
      topics: [topic, { ...topic, name: "b", replicationFactor: 1, configs: [{ name: "retention.mss", value: "1" }] }],
    });
    expect(topics.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.INVALID_REPLICATION_FACTOR,
      ErrorCode.INVALID_CONFIG,
    ]);
    expect(topics[0]!.errorMessage).toMatch(/only 1 broker/);
    expect(topics[1]!.errorMessage).toMatch(/did you mean retention\.ms/);
  });

  it("are deleted with their logs, and may be created again with nothing of the old in them", async () => {
    await start();
    const first = await test.createTopic("a");
    const { log } = test.broker.services.partitions.get("a", 0)!;
    await test.deleteTopic("a");
    expect(test.broker.services.partitions.get("a", 0)).toBeUndefined();
    const second = await test.createTopic("a");
    expect(second).not.toBe(first);
    expect(test.broker.services.partitions.get("a", 0)!.log).not.toBe(log);
    expect(test.broker.services.partitions.getById(first, 0)).toBeUndefined();
  });

  it("are not deleted where that is switched off", async () => {
    await start({ config: { "delete.topic.enable": false } });
    await test.createTopic("a");
    for (const [version, errorCode] of [
      [1, ErrorCode.INVALID_REQUEST],
      [3, ErrorCode.TOPIC_DELETION_DISABLED],
    ] as const) {
      const { responses } = await test.client.send(deleteTopicsApi, version, { topicNames: ["a"], timeoutMs: 1 });
      expect(responses).toMatchObject([{ name: "a", errorCode }]);
    }
  });
});

describe("InitProducerId", () => {
  it("sends a transactional id to look for its coordinator where there is none", async () => {
    await start();
    const { errorCode, producerId, producerEpoch } = await test.client.send(initProducerIdApi, 5, {
      transactionalId: "t",
      transactionTimeoutMs: 1,
    });
    expect(errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect([producerId, producerEpoch]).toEqual([-1, -1]);
  });
});

describe("DescribeCluster", () => {
  it.each([
    [2, ErrorCode.MISMATCHED_ENDPOINT_TYPE],
    [9, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE],
  ])("refuses endpoint type %i", async (endpointType, errorCode) => {
    await start();
    const request = { includeClusterAuthorizedOperations: false, endpointType };
    expect((await test.client.send(describeClusterApi, 1, request)).errorCode).toBe(errorCode);
  });
});

describe("configs of groups", () => {
  const GROUP = 32;

  it("are set, described with where they come from, and deleted", async () => {
    await start();
    expect(await describedValue(GROUP, "billing", "consumer.session.timeout.ms")).toEqual(["45000", 5]);
    expect((await alter(GROUP, "billing", "consumer.session.timeout.ms", SET, "50000")).errorCode).toBe(ErrorCode.NONE);
    expect(await describedValue(GROUP, "billing", "consumer.session.timeout.ms")).toEqual(["50000", 8]);
    await alter(GROUP, "billing", "consumer.session.timeout.ms", DELETE, null);
    expect(await describedValue(GROUP, "billing", "consumer.session.timeout.ms")).toEqual(["45000", 5]);
  });

  it("need a name of the group", async () => {
    await start();
    expect((await describeResource(GROUP, "")).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect((await alter(GROUP, "", "consumer.session.timeout.ms", SET, "50000")).errorCode).toBe(
      ErrorCode.INVALID_REQUEST,
    );
  });
});
