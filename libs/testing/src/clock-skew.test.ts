import { Admin } from "@ottla/admin";
import { type Broker, BrokerConfig, bootstrapServersOf, settingsFromObject, startBroker } from "@ottla/broker";
import { Consumer } from "@ottla/consumer";
import { MemoryMetadataStore } from "@ottla/metadata";
import { Producer } from "@ottla/producer";
import { createMemoryDisk, createSystemRuntime, systemClock } from "@ottla/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ProcessLife } from "./process-life.ts";
import { readTopic } from "./read-topic.ts";

const HOUR_MS = 3_600_000;
const SKEWS_MS = [-5 * HOUR_MS, 0, 7 * HOUR_MS];
const PARTITIONS = 6;
const RECORDS = 60;

/** Nothing that keeps a cluster together may hang on what the brokers' clocks say. */
describe("brokers whose clocks are hours apart", () => {
  const brokers: Broker[] = [];
  let bootstrapServers: string;

  beforeAll(async () => {
    const store = new MemoryMetadataStore();
    for (const [index, skewMs] of SKEWS_MS.entries()) {
      const base = createSystemRuntime();
      const clock = {
        ...base.clock,
        nowMs: () => systemClock.nowMs() + skewMs,
        monotonicMs: () => systemClock.monotonicMs(),
      };
      const life = new ProcessLife([createMemoryDisk()], undefined, { ...base, clock });
      const broker = await startBroker({
        config: BrokerConfig.fromSettings(
          settingsFromObject({
            "node.id": index + 1,
            listeners: "PLAINTEXT://localhost:0",
            "broker.heartbeat.interval.ms": 100,
            "default.replication.factor": 3,
            "min.insync.replicas": 2,
            "offsets.topic.num.partitions": 3,
          }),
        ),
        directories: [{ disk: life.disk, path: "/", name: `the disk of broker ${index + 1}` }],
        runtime: life.runtime,
        connector: life.connector,
        startServer: life.startServer,
        openMetadataLog: async () => store.connect(),
      });
      brokers.push(broker);
    }
    bootstrapServers = brokers.map((broker) => bootstrapServersOf(broker.listeners[0]!)).join(",");
  });
  afterAll(async () => {
    for (const broker of brokers.reverse()) await broker.shutdown();
  });

  it("replicate, keep what they have, and keep groups together", async () => {
    await using admin = new Admin({ bootstrapServers });
    await admin.createTopics([
      { name: "orders", partitions: PARTITIONS, configs: { "message.timestamp.type": "LogAppendTime" } },
    ]);
    await using producer = new Producer({ bootstrapServers, acks: "all", idempotence: true });
    await producer.send(
      Array.from({ length: RECORDS }, (_, n) => ({ topic: "orders", partition: n % PARTITIONS, value: `v${n}` })),
    );
    await using consumer = new Consumer({ bootstrapServers });
    const records = await readTopic(consumer, "orders", { count: RECORDS }, systemClock);
    expect(new Set(records.map(({ value }) => value)).size).toBe(RECORDS);
    const [topic] = await admin.describeTopics(["orders"]);
    for (const { inSyncReplicas } of topic!.partitions) expect(inSyncReplicas).toHaveLength(3);
    expect(new Set(topic!.partitions.map(({ leader }) => leader)).size, "each broker leads").toBe(3);

    await using member = new Consumer({
      bootstrapServers,
      groupId: "g",
      topics: "orders",
      autoOffsetReset: "earliest",
    });
    let read = 0;
    for await (const _ of member) if (++read === RECORDS) break;
    await member.commit();
    expect((await admin.listGroupOffsets("g")).reduce((sum, { offset }) => sum + offset, 0)).toBe(RECORDS);
    const { brokers: seen } = await admin.describeCluster({ includeFencedBrokers: true });
    expect(seen.map(({ isFenced }) => isFenced)).toEqual([false, false, false]);
  });

  it("a leader takes no record from its future by a client's clock, as message.timestamp.after.max.ms says", async () => {
    await using admin = new Admin({ bootstrapServers });
    await admin.createTopics([{ name: "stamped", partitions: PARTITIONS }]);
    const [topic] = await admin.describeTopics(["stamped"]);
    await using producer = new Producer({ bootstrapServers, acks: "all" });
    for (const { partition, leader } of topic!.partitions) {
      const sent = producer.send({ topic: "stamped", partition, value: "now" });
      if (leader === 1) await expect(sent).rejects.toMatchObject({ code: "INVALID_TIMESTAMP" });
      else await sent;
    }
  });
});
