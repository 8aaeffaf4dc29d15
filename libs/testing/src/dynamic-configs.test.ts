import { connect, type Socket } from "node:net";
import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { type Logger, silentLogger } from "@ottla/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";
import { until } from "./test-support/until.ts";

let cluster: TestCluster;
let admin: Admin;
afterEach(() => cluster?.close());

/** What is looked for at intervals comes to pass soon. */
const SOON = { "log.retention.check.interval.ms": 50, "log.cleaner.backoff.ms": 50 };

async function start(config: Readonly<Record<string, string | number>> = {}, brokers = 1): Promise<void> {
  cluster = await startCluster({ brokers, config: { ...SOON, ...config } });
  admin = await cluster.admin();
}

/** Sets a config for all brokers. */
async function set(key: string, value: string | number): Promise<void> {
  await admin.incrementalAlterConfigs([{ type: "broker", name: "", changes: [{ key, value: String(value) }] }]);
}

async function createTopic(name = "orders", configs: Readonly<Record<string, string>> = {}): Promise<void> {
  await admin.createTopics([{ name, partitions: 1, replicationFactor: 1, configs }]);
}

async function produce(count: number, value: (index: number) => string) {
  await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, batchSize: 500_000, acks: 1 });
  await producer.send(
    Array.from({ length: count }, (_, index) => ({ topic: "orders", partition: 0, value: value(index) })),
  );
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "none",
    (error: { readonly cause?: { readonly code?: string }; readonly code: string }) => error.cause?.code ?? error.code,
  );
}

const MEGABYTE = 1024 * 1024;

// What a broker alone does by its configs, and without sockets: libs/broker/src/handlers/config-effects.test.ts.
describe("a config that is set at run time", () => {
  it("min.insync.replicas: one of two replicas is not enough any more", async () => {
    await start({ "min.insync.replicas": 1, "replica.lag.time.max.ms": 1_000 }, 3);
    await admin.createTopics([{ name: "orders", assignments: [[1, 2]] }]);
    await cluster.kill(2);
    const { image } = cluster.broker(1).broker.services;
    expect(image.topicsByName.get("orders")!.partitions[0]!.leader).toBe(1);
    const isr = () => cluster.broker(1).broker.services.image.topicsByName.get("orders")!.partitions[0]!.isr;
    await until("the follower has left the ISR", () => isr().join() === "1");
    const send = async () => {
      await using producer = new Producer({
        ...{ bootstrapServers: cluster.bootstrapServers, deliveryTimeoutMs: 3_000, requestTimeoutMs: 2_000 },
      });
      return await codeOf(producer.send({ topic: "orders", partition: 0, value: "v" }));
    };
    await set("min.insync.replicas", 2);
    expect(await send()).toBe("NOT_ENOUGH_REPLICAS");
    await set("min.insync.replicas", 1);
    expect(await send()).toBe("none");
  });

  it("min.insync.replicas, lowered so that one alone goes on: nobody leads who lacks what it has acknowledged", async () => {
    await start({ "min.insync.replicas": 2, "replica.lag.time.max.ms": 1_000 }, 3);
    await admin.createTopics([{ name: "orders", assignments: [[1, 2]] }]);
    const partition = () => {
      const running = cluster.brokers.find(({ isRunning }) => isRunning)!;
      return running.broker.services.image.topicsByName.get("orders")!.partitions[0]!;
    };
    await cluster.stop(2);
    await until("the follower is eligible only", () => partition().eligibleLeaderReplicas.join() === "2");
    await set("min.insync.replicas", 1);
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
    await producer.send({ topic: "orders", partition: 0, value: "v" });
    await cluster.stop(1);
    await until("nobody leads", () => partition().leader === -1);
    await cluster.start(2);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(partition().leader).toBe(-1);
    await cluster.start(1);
    await until("it leads again", () => partition().leader === 1);
    await until(
      "the record is there",
      () => cluster.broker(1).broker.services.partitions.get("orders", 0)?.log.logEndOffset === 1,
    );
  });

  /** What a newcomer comes to within a while: an answer, nothing, or its end. */
  async function newcomer(open: Socket[]): Promise<"served" | "waits" | "closed"> {
    const { port } = new URL(`http://${cluster.broker(1).bootstrapServers}`);
    const socket = connect(Number(port), "localhost");
    open.push(socket);
    socket.on("connect", () => socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    return await new Promise((resolve) => {
      socket.on("data", () => resolve("served"));
      socket.on("error", () => resolve("closed")).on("close", () => resolve("closed"));
      setTimeout(() => resolve("waits"), 500);
    });
  }

  it.each([
    ["max.connections", 1, 100, "waits"],
    ["max.connections.per.ip", 1, 100, "closed"],
    ["max.connections.per.ip.overrides", "localhost:1", "10.0.0.1:1", "closed"],
    ["max.connection.creation.rate", 0, 100, "waits"],
  ] as const)(
    "%s=%s, later %s: another connection is served, %s, and is served again",
    async (key, few, many, then) => {
      await start();
      await createTopic(); // the admin has a connection, and keeps it
      const open: Socket[] = [];
      try {
        expect(await newcomer(open)).toBe("served");
        await set(key, few);
        expect(await newcomer(open)).toBe(then);
        await set(key, many);
        expect(await newcomer(open)).toBe("served");
      } finally {
        for (const socket of open) socket.destroy();
      }
    },
  );

  it.each([
    ["leader.replication.throttled", 1],
    ["follower.replication.throttled", 2],
  ] as const)("%s.rate of broker %i: who catches up is held back, and is not any more", async (name, broker) => {
    await start({ "min.insync.replicas": 1, "replica.lag.time.max.ms": 1_000 }, 2);
    const configs = { [`${name}.replicas`]: "*" };
    await admin.createTopics([{ name: "orders", assignments: [[1, 2]], configs }]);
    const setRate = (value: string) =>
      admin.incrementalAlterConfigs([
        { type: "broker", name: String(broker), changes: [{ key: `${name}.rate`, value }] },
      ]);
    await setRate("1");
    await cluster.kill(2);
    await produce(30, () => "m".repeat(MEGABYTE / 10)); // more than one fetch brings
    const isr = () => cluster.broker(1).broker.services.image.topicsByName.get("orders")!.partitions[0]!.isr;
    await until("the follower has left the ISR: those in it are not held back", () => isr().join() === "1");
    await cluster.start(2);
    const caughtUpTo = () => cluster.broker(2).broker.services.partitions.get("orders", 0)?.log.logEndOffset ?? 0;
    await until("the first fetch has brought something", () => caughtUpTo() > 0);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(caughtUpTo()).toBeLessThan(30);
    await setRate("1000000000");
    await until("it has caught up", () => caughtUpTo() === 30);
  });
});

describe("min.insync.replicas in the files of brokers", () => {
  it("is one value for all of them from the start, the controller's; who has another one is told", async () => {
    const lines: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (message) => void lines.push(message), child: () => logger };
    cluster = await startCluster({ brokers: 2, logger, brokerConfig: (id) => ({ "min.insync.replicas": id }) });
    admin = await cluster.admin();
    const { controllerId } = cluster;
    for (const { broker } of cluster.brokers) {
      expect(broker.services.config.require("min.insync.replicas")).toBe(controllerId);
    }
    await admin.createTopics([{ name: "orders" }]);
    const entry = { key: "min.insync.replicas", value: String(controllerId), source: "dynamicDefaultBroker" };
    for (const [type, name] of [
      ["topic", "orders"],
      ["broker", "1"],
      ["broker", "2"],
    ] as const) {
      const [described] = await admin.describeConfigs([{ type, name, keys: ["min.insync.replicas"] }]);
      expect(described?.entries, name).toMatchObject([entry]);
    }
    const told = lines.filter((line) => line.startsWith("min.insync.replicas="));
    expect(told).toEqual([expect.stringContaining(`it is ${controllerId} for all brokers`)]);
  });
});

describe("unclean.leader.election.enable, turned on while a partition has no leader", () => {
  it.each(["topic", "broker"] as const)("for the %s: a replica that is not in sync leads at once", async (type) => {
    await start({ "min.insync.replicas": 1, "replica.lag.time.max.ms": 1_000 }, 3);
    const partition = () => {
      const running = cluster.brokers.find(({ isRunning }) => isRunning)!;
      return running.broker.services.image.topicsByName.get("orders")!.partitions[0]!;
    };
    // The third broker has no replica, and is there to ask.
    await admin.createTopics([{ name: "orders", assignments: [[1, 2]], configs: { "min.insync.replicas": "1" } }]);
    await cluster.kill(2);
    await until("the follower has left the ISR", () => partition().isr.join() === "1");
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
    await producer.send({ topic: "orders", partition: 0, value: "on the first alone" });
    await cluster.kill(1);
    await cluster.start(2);
    await until("the partition has no leader", () => partition().leader === -1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(partition().leader).toBe(-1);
    await using asking = new Admin({ bootstrapServers: cluster.broker(3).bootstrapServers });
    const name = type === "topic" ? "orders" : "";
    await asking.incrementalAlterConfigs([
      { type, name, changes: [{ key: "unclean.leader.election.enable", value: "true" }] },
    ]);
    await until("the replica that was not in sync leads", () => partition().leader === 2);
    await using after = new Producer({ bootstrapServers: cluster.bootstrapServers });
    expect(await after.send({ topic: "orders", partition: 0, value: "what was written is lost" })).toMatchObject({
      offset: 0,
    });
  });
});
