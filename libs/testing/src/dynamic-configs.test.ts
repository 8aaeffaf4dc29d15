import { connect, type Socket } from "node:net";
import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { afterEach, describe, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";

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

async function until(what: string, condition: () => boolean): Promise<void> {
  const endMs = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error(`it never came to pass: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const logOf = (topic: string) => cluster.broker(1).broker.services.partitions.get(topic, 0)!.log;

async function createTopic(name = "orders", configs: Readonly<Record<string, string>> = {}): Promise<void> {
  await admin.createTopics([{ name, partitions: 1, replicationFactor: 1, configs }]);
}

/** Values that no codec makes much smaller, unless they are to be. */
async function produce(count: number, value: (index: number) => string = (index) => `v${index}`, key?: string) {
  await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, batchSize: 500_000 });
  return await producer.send(
    Array.from({ length: count }, (_, index) => ({
      ...{ topic: "orders", partition: 0, value: value(index) },
      ...(key !== undefined && { key }),
    })),
  );
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "none",
    (error: { readonly cause?: { readonly code?: string }; readonly code: string }) => error.cause?.code ?? error.code,
  );
}

const MEGABYTE = 1024 * 1024;
const megabytes = (count: number) => produce(10 * count, () => "m".repeat(MEGABYTE / 10));

describe("a config that is set for all brokers at run time", () => {
  it("message.max.bytes: what is larger is refused, and taken again", async () => {
    await start();
    await createTopic();
    await set("message.max.bytes", 1_000);
    const large = () => produce(1, () => "x".repeat(2_000));
    expect(await codeOf(large())).toBe("MESSAGE_TOO_LARGE");
    await set("message.max.bytes", 10_000);
    expect(await codeOf(large())).toBe("none");
  });

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

  it("compression.type: what comes in plain is kept compressed", async () => {
    await start();
    await createTopic();
    await produce(100, () => "a".repeat(1_000));
    const plainBytes = logOf("orders").sizeBytes;
    await set("compression.type", "gzip");
    await produce(100, () => "a".repeat(1_000));
    expect(plainBytes).toBeGreaterThan(100_000);
    expect(logOf("orders").sizeBytes - plainBytes).toBeLessThan(10_000);
  });

  it("log.message.timestamp.type: the broker's time counts", async () => {
    await start();
    await createTopic();
    const timestampMs = Date.UTC(2020, 0, 1);
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
    const send = () => producer.send({ topic: "orders", partition: 0, value: "v", timestampMs });
    expect((await send()).timestampMs).toBe(timestampMs);
    await set("log.message.timestamp.type", "LogAppendTime");
    expect((await send()).timestampMs).toBeGreaterThan(timestampMs);
  });

  it.each([
    ["log.message.timestamp.before.max.ms", -3_600_000],
    ["log.message.timestamp.after.max.ms", 1_800_000],
  ])("%s: times that are further off are refused", async (key, offByMs) => {
    await start();
    await createTopic();
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
    const send = () => codeOf(producer.send({ topic: "orders", value: "v", timestampMs: Date.now() + offByMs }));
    expect(await send()).toBe("none");
    await set(key, 60_000);
    expect(await send()).toBe("INVALID_TIMESTAMP");
  });

  it("log.segment.bytes and log.retention.bytes: old segments go", async () => {
    await start();
    await createTopic();
    await megabytes(3);
    await set("log.retention.bytes", 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(logOf("orders").logStartOffset).toBe(0); // all of it is in the segment that is written to
    await set("log.segment.bytes", MEGABYTE);
    await megabytes(2);
    await until("old segments are deleted", () => logOf("orders").logStartOffset >= 30);
  });

  it("log.roll.ms and log.retention.ms: what is old goes", async () => {
    await start();
    await createTopic();
    await produce(10);
    await set("log.roll.ms", 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await produce(1);
    expect(logOf("orders").logStartOffset).toBe(0);
    await set("log.retention.ms", 1);
    await until("old records are deleted", () => logOf("orders").logStartOffset >= 10);
  });

  it("log.cleanup.policy, log.cleaner.min.cleanable.ratio, log.cleaner.threads: keys are compacted", async () => {
    await start({ "log.cleaner.threads": 1 });
    await createTopic();
    await set("log.segment.bytes", MEGABYTE);
    await produce(40, () => "k".repeat(MEGABYTE / 10), "one key");
    const before = logOf("orders").sizeBytes;
    await set("log.cleaner.threads", 2);
    await set("log.cleaner.min.cleanable.ratio", 0.01);
    await set("log.cleanup.policy", "compact");
    await until("the log is compacted", () => logOf("orders").sizeBytes < before / 2);
    expect(logOf("orders").logEndOffset).toBe(40);
  });

  it.each([
    ["max.connections", "shares the limit"],
    ["max.connections.per.ip", "comes from one address"],
  ])("%s: whoever is one too many and %s is sent away", async (key) => {
    await start();
    const { port } = new URL(`http://${cluster.broker(1).bootstrapServers}`);
    const open: Socket[] = [];
    const isKept = async () => {
      const socket = connect(Number(port), "localhost");
      open.push(socket);
      return await new Promise<boolean>((resolve) => {
        socket.on("error", () => resolve(false)).on("close", () => resolve(false));
        setTimeout(() => resolve(true), 300);
      });
    };
    try {
      expect(await isKept()).toBe(true);
      await set(key, 1); // and the admin has connections too
      expect(await isKept()).toBe(false);
      await set(key, 100);
      expect(await isKept()).toBe(true);
    } finally {
      for (const socket of open) socket.destroy();
    }
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
