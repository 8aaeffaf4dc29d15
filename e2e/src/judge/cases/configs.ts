import {
  alterConfigsApi,
  describeConfigsApi,
  incrementalAlterConfigsApi,
  listConfigResourcesApi,
  type RequestInput,
} from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import type { BothBrokers } from "../both-brokers.ts";

const TOPIC = 2;
const BROKER = 4;
const BROKER_LOGGER = 8;
const CLIENT_METRICS = 16;
const GROUP = 32;
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];

interface Config {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  readonly configType: number;
  readonly documentation: string | null;
  readonly synonyms: readonly unknown[];
}

/** Keys of ours that Apache Kafka does not have. */
const OURS_ALONE = new Set([
  "allowed.origins",
  "logger.format",
  "logger.level",
  "log.open.files.max",
  "log.read.buffer.bytes",
  "log.tail.memory.bytes",
  // Of Apache Kafka's earlier releases, or told by it to nobody.
  "controlled.shutdown.max.retries",
  "controlled.shutdown.retry.backoff.ms",
  "follower.replication.throttled.rate",
  "leader.imbalance.per.broker.percentage",
  "leader.replication.throttled.rate",
  "replica.alter.log.dirs.io.max.bytes.per.second",
  "producer.id.expiration.check.interval.ms",
  "super.users",
  "zookeeper.connect",
  "zookeeper.connection.timeout.ms",
  "zookeeper.session.timeout.ms",
]);
/** Their values are this broker's own. */
const OWN_VALUES = new Set([
  "advertised.listeners",
  "controller.listener.names",
  "controller.quorum.voters",
  "listener.security.protocol.map",
  "listeners",
  "log.dir",
  "log.dirs",
  "node.id",
  "broker.id",
  "process.roles",
  "group.consumer.assignment.interval.ms", // nothing on a broker on its own
  "group.consumer.migration.policy", // both ways, in Apache Kafka
  "group.coordinator.rebalance.protocols", // there are no streams groups
  "group.initial.rebalance.delay.ms",
  "metric.reporters",
  "min.insync.replicas", // set for the cluster in Apache Kafka, for KIP-966
  "offsets.topic.replication.factor", // set by the harness
  "transaction.state.log.min.isr",
  "transaction.state.log.replication.factor",
]);

export function configsCases(both: () => BothBrokers): void {
  const increment = (
    resourceType: number,
    resourceName: string,
    ...configs: [name: string, configOperation: number, value: string | null][]
  ) => ({
    resourceType,
    resourceName,
    configs: configs.map(([name, configOperation, value]) => ({ name, configOperation, value })),
  });
  const alter = (...resources: ReturnType<typeof increment>[]) =>
    both().same(incrementalAlterConfigsApi, 1, { resources, validateOnly: false }, { inAnyOrder: true });
  const onlyAsk = (...resources: ReturnType<typeof increment>[]) =>
    both().same(incrementalAlterConfigsApi, 1, { resources, validateOnly: true }, { inAnyOrder: true });
  const describeKeys = (version: number, resourceType: number, resourceName: string, ...keys: string[]) =>
    both().same(
      describeConfigsApi,
      version,
      { resources: [{ resourceType, resourceName, configurationKeys: keys }], includeSynonyms: true },
      // Apache Kafka answers an alteration before it can be seen.
      { whereKafkaIsSilent: ["errorMessage"], eventually: true },
    );

  /** What each says of every config, by name. */
  async function describeAll(resourceType: number, resourceName: string) {
    const answers = await both().ask(describeConfigsApi, 4, {
      resources: [{ resourceType, resourceName, configurationKeys: null }],
      includeSynonyms: true,
      includeDocumentation: true,
    });
    const [ours, kafka] = answers.map((answer) => {
      const { configs } = (answer as { results: [{ configs: Config[] }] }).results[0];
      return new Map(configs.map((config) => [config.name, config]));
    });
    return { ours: ours!, kafka: kafka! };
  }

  const firstSentence = (text: string | null | undefined) => text?.slice(0, text.indexOf(".") + 1);

  describe("DescribeConfigs", () => {
    it("tells every config of a topic: value, type, source, synonyms", async () => {
      await both().createTopic("described", 1, { "retention.ms": "5", "cleanup.policy": "compact,delete" });
      const { ours, kafka } = await describeAll(TOPIC, "described");
      expect([...ours.keys()].sort()).toEqual([...kafka.keys()].sort());
      const aboutPolicy = [ours, kafka].map((configs) => configs.get("cleanup.policy")?.documentation);
      expect(firstSentence(aboutPolicy[0])).toBe(firstSentence(aboutPolicy[1]));
      for (const [name, { documentation, ...config }] of ours) {
        expect(documentation?.length, name).toBeGreaterThan(10);
        if (name === "min.insync.replicas" || name.startsWith("local.")) continue; // set for the cluster, for KIP-966; tiered storage
        const { documentation: _, ...theirs } = kafka.get(name)!;
        expect.soft(config, name).toEqual(theirs);
      }
    });

    it("tells the configs of a broker as Apache Kafka does, as far as they are honoured", async () => {
      const { ours, kafka } = await describeAll(BROKER, "1");
      const missing = [...ours.keys()].filter((name) => !kafka.has(name) && !OURS_ALONE.has(name));
      expect.soft(missing).toEqual([]);
      for (const [name, { documentation, ...config }] of ours) {
        const theirs = kafka.get(name);
        if (theirs === undefined) continue;
        expect(documentation?.length, name).toBeGreaterThan(3);
        const { readOnly, isSensitive, configType } = theirs;
        // Listeners stay as they were at the start.
        if (name === "listeners" || name === "listener.security.protocol.map")
          expect.soft(config, name).toMatchObject({ isSensitive, configType });
        else expect.soft(config, name).toMatchObject({ readOnly, isSensitive, configType });
        if (OWN_VALUES.has(name)) continue;
        expect.soft([config.value, config.configSource], name).toEqual([theirs.value, theirs.configSource]);
        expect.soft(config.synonyms, name).toEqual(theirs.synonyms);
      }
    });

    it.each([1, 2, 3, 4])("v%i: single keys, unknown ones, and resources that are not there", async (v) => {
      await both().createTopic("described", 1, { "retention.ms": "5", "cleanup.policy": "compact,delete" });
      await describeKeys(v, TOPIC, "described", "retention.ms", "no.such.key");
      await describeKeys(v, TOPIC, "described", "no.such.key");
      await describeKeys(v, TOPIC, "there-is-none", "retention.ms");
      await describeKeys(v, TOPIC, "a b", "retention.ms");
      await describeKeys(v, TOPIC, "", "retention.ms");
      await describeKeys(v, BROKER, "1", "num.partitions", "log.retention.hours");
      await describeKeys(v, BROKER, "", "num.partitions");
      for (const name of ["2", "x", "-1"]) await describeKeys(v, BROKER, name, "num.partitions");
      await describeKeys(v, GROUP, "a-group", "consumer.session.timeout.ms", "consumer.heartbeat.interval.ms");
      await describeKeys(v, GROUP, "", "consumer.session.timeout.ms");
      for (const resourceType of [0, 1, 3, 64, -1]) {
        const unknown = [{ resourceType, resourceName: "x", configurationKeys: ["y"] }];
        await both().same(describeConfigsApi, v, { resources: unknown }, { ignoring: ["errorMessage"] });
      }
      const resources = ["described", "described"].map((resourceName) => ({
        resourceType: TOPIC,
        resourceName,
        configurationKeys: ["retention.ms"],
      }));
      await both().same(describeConfigsApi, v, { resources }, { inAnyOrder: true });
    });
  });

  describe("IncrementalAlterConfigs", () => {
    it("of a topic: every operation", async () => {
      await both().createTopic("altered");
      const show = () =>
        describeKeys(4, TOPIC, "altered", "retention.ms", "cleanup.policy", "unclean.leader.election.enable");
      for (const config of [
        ["retention.ms", SET, "7"],
        ["retention.ms", SET, " 8 "],
        ["cleanup.policy", APPEND, "compact"],
        ["cleanup.policy", APPEND, "compact"],
        ["cleanup.policy", SUBTRACT, "delete"],
        ["cleanup.policy", SUBTRACT, "delete"],
        ["cleanup.policy", APPEND, "shred"],
        ["cleanup.policy", SUBTRACT, "compact"],
        ["cleanup.policy", DELETE, null],
        ["cleanup.policy", DELETE, "compact"],
        ["cleanup.policy", SET, ""],
        ["retention.ms", DELETE, null],
        ["retention.ms", DELETE, null],
        ["retention.ms", APPEND, "5"],
        ["retention.ms", SUBTRACT, "5"],
        ["retention.ms", SET, null],
        ["retention.ms", APPEND, null],
        ["cleanup.policy", APPEND, null],
        ["cleanup.policy", SUBTRACT, null],
        ["retention.ms", SET, ""],
        ["retention.ms", SET, "soon"],
        ["no.such.key", SET, "5"],
        ["no.such.key", DELETE, null],
        ["no.such.key", APPEND, "5"],
        ["", SET, "5"],
        ["compression.type", SET, "zip"],
        ["compression.type", SET, "ZSTD"],
        ["min.insync.replicas", SET, "0"],
        ["max.message.bytes", SET, "-1"],
        ["message.timestamp.type", SET, "Never"],
        ["follower.replication.throttled.replicas", SET, "0:1,2:3"],
        ["follower.replication.throttled.replicas", SET, "nonsense"],
        ["follower.replication.throttled.replicas", SET, "*"],
        ["segment.bytes", SET, "1"],
        ["unclean.leader.election.enable", SET, "TRUE"],
        ["unclean.leader.election.enable", SET, "yes"],
        ["remote.storage.enable", SET, "false"],
        ["local.retention.ms", SET, "-3"],
      ] as [string, number, string | null][]) {
        await onlyAsk(increment(TOPIC, "altered", config));
        await alter(increment(TOPIC, "altered", config));
        await show();
      }
    });

    it("of several resources: each on its own, and none that is named twice", async () => {
      await both().createTopic("altered-a");
      const set: [string, number, string] = ["retention.ms", SET, "7"];
      await alter(increment(TOPIC, "altered-a", set), increment(TOPIC, "there-is-none", set));
      await alter(increment(TOPIC, "altered-a", set, ["no.such.key", SET, "1"]));
      await alter(increment(TOPIC, "altered-a", set, ["retention.ms", SET, "8"]));
      await alter(increment(TOPIC, "altered-a", set), increment(TOPIC, "altered-a", set));
      await alter(increment(TOPIC, "a b", set));
      await alter(increment(TOPIC, "", set));
      await alter(increment(TOPIC, "altered-a"));
      await alter();
      for (const type of [0, 1, 3, 64, -1]) await alter(increment(type, "x", set));
      await describeKeys(4, TOPIC, "altered-a", "retention.ms");
    });

    it("of brokers: which keys change at run time, and where", async () => {
      for (const [key, value] of [
        ["message.max.bytes", "1000000"],
        ["max.connections", "1000"],
        ["max.connections.per.ip", "1000"],
        ["max.connections.per.ip.overrides", "127.0.0.1:1000,localhost:900"],
        ["max.connections.per.ip.overrides", ""],
        ["max.connections.per.ip", "0"],
        ["max.connections.per.ip", "-1"],
        ["max.connection.creation.rate", "1000"],
        ["max.connection.creation.rate", "-1"],
        ["log.retention.ms", "100000000"],
        ["log.retention.hours", "1"],
        ["log.retention.minutes", "1"],
        ["log.roll.hours", "1"],
        ["num.partitions", "3"],
        ["auto.create.topics.enable", "false"],
        ["node.id", "3"],
        ["broker.rack", "x"],
        ["log.dirs", "/x"],
        ["log.cleaner.threads", "2"],
        ["log.cleaner.enable", "false"],
        ["log.segment.bytes", "2000000"],
        ["compression.type", "lz4"],
        ["unclean.leader.election.enable", "true"],
        ["num.io.threads", "9"],
        ["num.network.threads", "4"],
        ["background.threads", "11"],
        ["num.replica.fetchers", "2"],
        ["num.recovery.threads.per.data.dir", "3"],
        ["queued.max.requests", "9"],
        ["producer.id.expiration.ms", "100000"],
        ["transaction.partition.verification.enable", "false"],
        ["log.cleaner.dedupe.buffer.size", "200000000"],
        ["metric.reporters", ""],
        ["security.inter.broker.protocol", "PLAINTEXT"],
        ["sasl.kerberos.min.time.before.relogin", "58000"],
        ["sasl.login.refresh.window.factor", "0.9"],
        ["sasl.login.refresh.window.factor", "0.4"],
        ["group.max.session.timeout.ms", "1700000"],
        ["offsets.retention.minutes", "5"],
        ["log.retention.check.interval.ms", "5000"],
        ["socket.request.max.bytes", "5000000"],
        ["message.max.bytes", "many"],
        ["message.max.bytes", "-1"],
        ["max.connections", "-1"],
        ["log.segment.bytes", "1"],
      ] as const) {
        for (const name of ["1", ""]) await onlyAsk(increment(BROKER, name, [key, SET, value]));
        await onlyAsk(increment(BROKER, "1", [key, DELETE, null]));
      }
      const nonsense = [increment(BROKER, "1", ["max.connections.per.ip.overrides", SET, "nonsense"])];
      const asked = { resources: nonsense, validateOnly: true };
      await both().same(incrementalAlterConfigsApi, 1, asked, { ignoring: ["errorMessage"] }); // an exception's words
      await onlyAsk(increment(BROKER, "1", ["message.max.bytes", APPEND, "1"]));
      await onlyAsk(increment(BROKER, "1", ["log.cleanup.policy", APPEND, "compact"]));
      await onlyAsk(increment(BROKER, "1", ["message.max.bytes", SET, null]));
      for (const name of ["2", "x", "-1", "1 "])
        await alter(increment(BROKER, name, ["message.max.bytes", SET, "5000"]));
      await alter(increment(BROKER, "x", ["node.id", SET, "5000"]));
    });

    it("of brokers: min.insync.replicas is one for all, by which replicas are eligible to lead (KIP-966)", async () => {
      for (const [name, operation, value] of [
        ["1", SET, "1"],
        ["1", SET, "many"],
        ["1", DELETE, null],
        ["", SET, "1"],
        ["", SET, "0"],
        ["", DELETE, null],
      ] as [string, number, string | null][])
        await alter(increment(BROKER, name, ["min.insync.replicas", operation, value]));
    });

    it("of brokers: what was set, for one and for all, and what it overrides", async () => {
      const show = async (name: string) => {
        await describeKeys(4, BROKER, name, "message.max.bytes", "log.retention.ms", "log.retention.hours");
        await describeKeys(4, TOPIC, "overridden", "max.message.bytes", "retention.ms");
      };
      await both().createTopic("overridden");
      for (const [name, config] of [
        ["", ["message.max.bytes", SET, "2000000"]],
        ["1", ["message.max.bytes", SET, "3000000"]],
        ["1", ["log.retention.ms", SET, "300000000"]],
        ["", ["message.max.bytes", DELETE, null]],
        ["1", ["message.max.bytes", DELETE, null]],
        ["1", ["log.retention.ms", DELETE, null]],
      ] as [string, [string, number, string | null]][]) {
        await alter(increment(BROKER, name, config));
        await show("1");
        await show("");
      }
    });

    it("of brokers: keys that nobody knows, and what is told of them", async () => {
      for (const [name, operation, value] of [
        ["", SET, "all"],
        ["1", SET, "one"],
        ["1", APPEND, "more"],
        ["", DELETE, null],
        ["1", DELETE, null],
      ] as [string, number, string | null][]) {
        await alter(increment(BROKER, name, ["no.such.key", operation, value]));
        for (const described of ["1", ""]) await describeKeys(4, BROKER, described, "no.such.key");
      }
    });

    it("of groups", async () => {
      const group = (...config: [string, number, string | null]) => increment(GROUP, "a-group", config);
      for (const config of [
        ["consumer.session.timeout.ms", SET, "50000"],
        ["consumer.session.timeout.ms", SET, "1"],
        ["consumer.session.timeout.ms", SET, "0"],
        ["consumer.session.timeout.ms", SET, "900000"],
        ["consumer.session.timeout.ms", SET, "soon"],
        ["consumer.heartbeat.interval.ms", SET, "1"],
        ["consumer.heartbeat.interval.ms", SET, "90000"],
        ["consumer.heartbeat.interval.ms", SET, "6000"],
        ["no.such.key", SET, "6000"],
        ["consumer.session.timeout.ms", DELETE, null],
      ] as [string, number, string | null][]) {
        await alter(group(...config));
        await describeKeys(4, GROUP, "a-group", "consumer.session.timeout.ms", "consumer.heartbeat.interval.ms");
      }
      await alter(increment(GROUP, "", ["consumer.session.timeout.ms", SET, "50000"]));
    });

    it("of client metrics without a name", async () => {
      await onlyAsk(increment(CLIENT_METRICS, "", ["interval.ms", SET, "5"]));
    });

    it("v0 as v1", async () => {
      await both().createTopic("altered-v0");
      const resources = [increment(TOPIC, "altered-v0", ["retention.ms", SET, "9"])];
      await both().same(incrementalAlterConfigsApi, 0, { resources, validateOnly: false });
      await describeKeys(4, TOPIC, "altered-v0", "retention.ms");
    });
  });

  describe("AlterConfigs", () => {
    type Resource = RequestInput<typeof alterConfigsApi>["resources"][number];
    const replace = (version: number, resources: Resource[], validateOnly = false) =>
      both().same(alterConfigsApi, version, { resources, validateOnly }, { inAnyOrder: true });
    const topic = (...configs: [string, string | null][]): Resource => ({
      resourceType: TOPIC,
      resourceName: "replaced",
      configs: configs.map(([name, value]) => ({ name, value })),
    });

    it.each([0, 1, 2])("v%i", async (v) => {
      await both().createTopic("replaced", 1, { "segment.ms": "9" });
      const show = () => describeKeys(4, TOPIC, "replaced", "retention.ms", "segment.ms");
      for (const configs of [
        [["retention.ms", "7"]],
        [["segment.ms", "8"]],
        [
          ["retention.ms", "7"],
          ["retention.ms", "8"],
        ],
        [["retention.ms", null]],
        [["retention.ms", "soon"]],
        [["no.such.key", "1"]],
        [],
      ] as [string, string | null][][]) {
        await replace(v, [topic(...configs)], true);
        await replace(v, [topic(...configs)]);
        await show();
      }
      await replace(v, [{ resourceType: TOPIC, resourceName: "there-is-none", configs: [] }]);
      await replace(v, [{ resourceType: TOPIC, resourceName: "", configs: [] }]);
      await replace(v, [{ resourceType: BROKER, resourceName: "2", configs: [] }]);
      await replace(v, [{ resourceType: BROKER, resourceName: "x", configs: [] }]);
      await replace(v, [{ resourceType: BROKER, resourceName: "1", configs: [{ name: "node.id", value: "9" }] }]);
      await replace(v, [{ resourceType: 64, resourceName: "x", configs: [] }]);
      await replace(v, []);
    });
  });

  describe("ListConfigResources", () => {
    it.each(
      [[], [TOPIC], [BROKER], [BROKER_LOGGER], [CLIENT_METRICS], [GROUP], [BROKER, GROUP], [1], [0], [64]].map((t) => [
        t,
      ]),
    )("v1 %j", async (resourceTypes) => {
      await both().same(listConfigResourcesApi, 1, { resourceTypes }, { inAnyOrder: true, eventually: true });
    });
    it("v0", async () => {
      await both().same(listConfigResourcesApi, 0, {});
    });
  });
}
