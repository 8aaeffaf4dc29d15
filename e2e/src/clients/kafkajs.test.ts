import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";

describe("kafkajs", () => {
  let broker: BrokerProcess;
  let kafka: Kafka;

  beforeAll(async () => {
    broker = await BrokerProcess.start();
    kafka = new Kafka({ clientId: "kafkajs-e2e", brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING });
  });
  afterAll(() => broker?.stop());

  it("creates, lists, describes and deletes topics", async () => {
    const admin = kafka.admin();
    await admin.connect();
    const topics = [
      { topic: "kafkajs-a", numPartitions: 3, configEntries: [{ name: "retention.ms", value: "60000" }] },
      { topic: "kafkajs-b", numPartitions: 1 },
    ];
    expect(await admin.createTopics({ topics })).toBe(true);
    expect(await admin.createTopics({ topics })).toBe(false);
    expect((await admin.listTopics()).sort()).toEqual(expect.arrayContaining(["kafkajs-a", "kafkajs-b"]));

    const { topics: described } = await admin.fetchTopicMetadata({ topics: ["kafkajs-a"] });
    expect(described[0]?.partitions.map((partition) => partition.partitionId).sort()).toEqual([0, 1, 2]);
    await admin.createPartitions({ topicPartitions: [{ topic: "kafkajs-b", count: 4 }] });
    const { topics: grown } = await admin.fetchTopicMetadata({ topics: ["kafkajs-b"] });
    expect(grown[0]?.partitions).toHaveLength(4);

    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: "kafkajs-a", configNames: ["retention.ms"] }],
    });
    expect(resources[0]?.configEntries).toMatchObject([{ configName: "retention.ms", configValue: "60000" }]);

    await admin.deleteTopics({ topics: ["kafkajs-b"] });
    expect(await admin.listTopics()).not.toContain("kafkajs-b");
    const cluster = await admin.describeCluster();
    expect(cluster.brokers).toMatchObject([{ port: broker.port }]);
    await admin.disconnect();
  });

  it("produces with each acks and compression that it has, and reads all of it back in a group", async () => {
    const topic = "kafkajs-records";
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] });
    const producer = kafka.producer();
    await producer.connect();
    const sent = new Set<string>();
    for (const acks of [-1, 1, 0]) {
      for (const compression of [0, 1]) {
        const messages = Array.from({ length: 20 }, (_, i) => ({
          key: `key-${i % 5}`,
          value: `value-${acks}-${compression}-${i}`,
          headers: { trace: `t-${i}` },
        }));
        for (const message of messages) sent.add(message.value);
        await producer.send({ topic, acks, compression, messages });
      }
    }
    await producer.send({
      topic,
      messages: [
        { key: null, value: null },
        { key: "", value: "" },
      ],
    });
    await producer.disconnect();

    const received = new Set<string>();
    const offsetsByPartition = new Map<number, number[]>();
    let nulls = 0;
    const consumer = kafka.consumer({ groupId: "kafkajs-group" });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      void consumer.run({
        eachMessage: async ({ partition, message }) => {
          offsetsByPartition.set(partition, [...(offsetsByPartition.get(partition) ?? []), Number(message.offset)]);
          if (message.value === null) nulls++;
          else if (message.value.length > 0) {
            received.add(message.value.toString());
            expect(message.headers?.trace?.toString()).toMatch(/^t-\d+$/);
          }
          if (received.size === sent.size && nulls === 1) resolve();
        },
      });
    });
    await consumer.disconnect();
    expect(received).toEqual(sent);
    for (const offsets of offsetsByPartition.values()) expect(offsets).toEqual([...offsets].sort((a, b) => a - b));

    const groups = await admin.listGroups();
    expect(groups.groups).toMatchObject([{ groupId: "kafkajs-group", protocolType: "consumer" }]);
    const committed = await admin.fetchOffsets({ groupId: "kafkajs-group", topics: [topic] });
    const total = committed[0]?.partitions.reduce((sum, partition) => sum + Math.max(Number(partition.offset), 0), 0);
    // The last message may still be in its handler when the consumer disconnects.
    expect(total).toBeGreaterThan(sent.size);
    await admin.disconnect();
  });

  it("produces idempotently", async () => {
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const first = await producer.send({ topic: "kafkajs-idempotent", messages: [{ value: "one" }] });
    const second = await producer.send({ topic: "kafkajs-idempotent", messages: [{ value: "two" }] });
    expect([first[0]?.baseOffset, second[0]?.baseOffset]).toEqual(["0", "1"]);
    await producer.disconnect();
  });

  it("shares a group among members, and hands a member's partitions on when it leaves", async () => {
    const topic = "kafkajs-shared";
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 4 }] });
    const seen = new Set<string>();
    const start = async () => {
      const consumer = kafka.consumer({
        groupId: "kafkajs-shared-group",
        heartbeatInterval: 200,
        maxWaitTimeInMs: 200,
      });
      const member = { consumer, partitions: 0 };
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        member.partitions = payload.memberAssignment[topic]?.length ?? 0;
      });
      await consumer.run({ eachMessage: async ({ message }) => void seen.add(String(message.value)) });
      return member;
    };
    const first = await start();
    await expect.poll(() => first.partitions, { timeout: 20_000 }).toBe(4);
    const second = await start();
    await expect.poll(() => [first.partitions, second.partitions], { timeout: 20_000 }).toEqual([2, 2]);
    await first.consumer.disconnect();

    const producer = kafka.producer();
    await producer.connect();
    const messages = Array.from({ length: 40 }, (_, i) => ({ value: `after-${i}`, partition: i % 4 }));
    await producer.send({ topic, messages });
    await expect.poll(() => seen.size, { timeout: 20_000 }).toBe(40);
    await Promise.all([producer.disconnect(), second.consumer.disconnect(), admin.disconnect()]);
  });
});
