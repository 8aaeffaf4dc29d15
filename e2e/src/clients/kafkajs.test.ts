import "../harness/codecs.ts";
import { CompressionTypes, Kafka, type KafkaMessage, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { clientTargets, type RunningTarget } from "../harness/client-targets.ts";
import { itIsDissected } from "../harness/tshark.ts";
import { twice } from "../harness/twice.ts";

/** kafkajs sleeps five seconds in each change of a group's offsets, whatever the broker. */
const IS_DEEP = process.env.OTTLA_TEST_DEEP === "1";
const BIG_RECORD_BYTES = 1_000_000;
const CODECS = [
  CompressionTypes.None,
  CompressionTypes.GZIP,
  CompressionTypes.Snappy,
  CompressionTypes.LZ4,
  CompressionTypes.ZSTD,
];

describe.each(clientTargets)("kafkajs on $name", ({ start, isCluster }) => {
  let broker: RunningTarget;
  let kafka: Kafka;

  beforeAll(async () => {
    broker = await start();
    kafka = new Kafka({
      clientId: "kafkajs-e2e",
      brokers: broker.bootstrapServers.split(","),
      logLevel: logLevel.NOTHING,
    });
  });
  afterAll(() => broker?.stop());

  twice("creates, lists, describes, alters and deletes topics", async () => {
    const admin = kafka.admin();
    await admin.connect();
    const topics = [
      { topic: "kafkajs-a", numPartitions: 3, configEntries: [{ name: "retention.ms", value: "60000" }] },
      { topic: "kafkajs-b", numPartitions: 1 },
    ];
    expect(await admin.createTopics({ topics })).toBe(true);
    expect(await admin.createTopics({ topics })).toBe(false);
    // Any broker of a cluster may be asked, also one that is about to hear of it.
    await expect.poll(() => admin.listTopics()).toEqual(expect.arrayContaining(["kafkajs-a", "kafkajs-b"]));

    const partitionsOf = async (topic: string) => {
      const { topics: described } = await admin.fetchTopicMetadata({ topics: [topic] });
      return described[0]?.partitions.map(({ partitionId }) => partitionId).sort();
    };
    await expect.poll(() => partitionsOf("kafkajs-a")).toEqual([0, 1, 2]);
    await admin.createPartitions({ topicPartitions: [{ topic: "kafkajs-b", count: 4 }] });
    await expect.poll(() => partitionsOf("kafkajs-b")).toHaveLength(4);

    const retention = async () => {
      const resources = [{ type: 2, name: "kafkajs-a", configNames: ["retention.ms"] }];
      return (await admin.describeConfigs({ includeSynonyms: false, resources })).resources[0]?.configEntries;
    };
    expect(await retention()).toMatchObject([{ configName: "retention.ms", configValue: "60000" }]);
    const configEntries = [{ name: "retention.ms", value: "70000" }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: "kafkajs-a", configEntries }] });
    expect(await retention()).toMatchObject([{ configValue: "70000" }]);

    await admin.deleteTopics({ topics: ["kafkajs-a", "kafkajs-b"] });
    await expect.poll(() => admin.listTopics()).not.toContain("kafkajs-b");
    const cluster = await admin.describeCluster();
    const addresses = cluster.brokers.map(({ host, port }) => `${host}:${port}`);
    expect(addresses.sort()).toEqual(broker.bootstrapServers.split(",").sort());
    await admin.disconnect();
  });

  twice("produces with each acks and codec, and reads all of it back in a group, as it was", async (round) => {
    const topic = "kafkajs-records";
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] });
    const producer = kafka.producer();
    await producer.connect();
    const sentAtMs = String(Date.now() - 3_600_000);
    const sent = new Set<string>();
    for (const acks of [-1, 1, 0]) {
      for (const compression of CODECS) {
        const messages = Array.from({ length: 20 }, (_, i) => ({
          key: `key-${i % 5}`,
          value: `value-${round}-${acks}-${compression}-${i}`,
          headers: { trace: `t-${i}`, many: ["a", "b"] },
          timestamp: sentAtMs,
        }));
        for (const message of messages) sent.add(message.value);
        await producer.send({ topic, acks, compression, messages });
      }
    }
    for (const compression of CODECS) {
      const special = [{ key: null, value: null }, { key: "", value: "" }, { value: "b".repeat(BIG_RECORD_BYTES) }];
      await producer.send({ topic, compression, messages: special.map((one) => ({ ...one, timestamp: sentAtMs })) });
    }
    await producer.disconnect();

    const received: KafkaMessage[] = [];
    const offsetsByPartition = new Map<number, number[]>();
    const consumer = kafka.consumer({ groupId: "kafkajs-group", maxBytesPerPartition: 2 * BIG_RECORD_BYTES });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const expected = sent.size + 3 * CODECS.length;
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      void consumer.run({
        eachMessage: async ({ partition, message }) => {
          offsetsByPartition.set(partition, [...(offsetsByPartition.get(partition) ?? []), Number(message.offset)]);
          received.push(message);
          if (received.length === expected) resolve();
        },
      });
    });
    // Commits what has been handled: the second time starts from there.
    const next = [...offsetsByPartition].map(([partition, offsets]) => ({
      ...{ topic, partition },
      offset: String(offsets.at(-1)! + 1),
    }));
    await consumer.commitOffsets(next);
    await consumer.disconnect();
    for (const offsets of offsetsByPartition.values()) expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(new Set(received.map(({ timestamp }) => timestamp))).toEqual(new Set([sentAtMs]));
    const count = (isOne: (value: Buffer | null) => boolean) => received.filter(({ value }) => isOne(value)).length;
    expect(count((value) => value === null)).toBe(CODECS.length);
    expect(count((value) => value?.length === 0)).toBe(CODECS.length);
    expect(count((value) => value?.length === BIG_RECORD_BYTES)).toBe(CODECS.length);
    const plain = received.filter(({ value }) => value?.toString().startsWith("value-"));
    expect(new Set(plain.map(({ value }) => String(value)))).toEqual(sent);
    for (const { value, headers } of plain) {
      const [trace, many] = [headers?.trace, headers?.many as Buffer[]];
      expect([String(trace), many.map(String)]).toEqual([`t-${String(value).split("-").at(-1)}`, ["a", "b"]]);
    }

    const groups = await admin.listGroups();
    expect(groups.groups).toMatchObject([{ groupId: "kafkajs-group", protocolType: "consumer" }]);
    const committed = await admin.fetchOffsets({ groupId: "kafkajs-group", topics: [topic] });
    const total = committed[0]?.partitions.reduce((sum, partition) => sum + Math.max(Number(partition.offset), 0), 0);
    expect(total).toBe(expected * round);
    await admin.disconnect();
  });

  twice("finds, trims and resets offsets, and describes and deletes groups", async () => {
    const topic = "kafkajs-offsets";
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    const producer = kafka.producer();
    await producer.connect();
    const sentAtMs = Date.now();
    const messages = Array.from({ length: 10 }, (_, i) => ({ value: `v${i}` }));
    const [sent] = await producer.send({ topic, messages });
    await producer.disconnect();
    const first = Number(sent?.baseOffset);
    const [bounds] = await admin.fetchTopicOffsets(topic);
    expect(bounds).toMatchObject({ high: String(first + 10) });
    expect(await admin.fetchTopicOffsetsByTimestamp(topic, sentAtMs)).toMatchObject([{ offset: String(first) }]);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(first + 4) }] });
    expect((await admin.fetchTopicOffsets(topic))[0]).toMatchObject({ low: String(first + 4) });

    const groupId = "kafkajs-offsets-group";
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: String(first + 7) }] });
    const { groups } = await admin.describeGroups([groupId]);
    expect(groups).toMatchObject([{ groupId, state: "Empty", members: [] }]);
    const [set] = await admin.fetchOffsets({ groupId, topics: [topic] });
    expect(set?.partitions[0]?.offset).toBe(String(first + 7));
    if (IS_DEEP) {
      await admin.resetOffsets({ groupId, topic, earliest: true });
      const [reset] = await admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets: true });
      expect(reset?.partitions[0]?.offset).toBe(String(first + 4));
    }
    expect(await admin.deleteGroups([groupId])).toMatchObject([{ groupId, errorCode: 0 }]);
    await expect(admin.deleteGroups([groupId])).rejects.toThrow();
    await admin.disconnect();
  });

  twice("produces idempotently", async (round) => {
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const [topic, offset] = ["kafkajs-idempotent", 2 * (round - 1)];
    const first = await producer.send({ topic, messages: [{ value: "one" }] });
    const second = await producer.send({ topic, messages: [{ value: "two" }] });
    expect([first[0]?.baseOffset, second[0]?.baseOffset]).toEqual([`${offset}`, `${offset + 1}`]);
    await producer.disconnect();
  });

  twice("shares a group among members, and hands a member's partitions on when it leaves", async (round) => {
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
    const messages = Array.from({ length: 40 }, (_, i) => ({ value: `after-${round}-${i}`, partition: i % 4 }));
    await producer.send({ topic, messages });
    const isSeen = () => messages.every(({ value }) => seen.has(value));
    await expect.poll(isSeen, { timeout: 20_000 }).toBe(true);
    await Promise.all([producer.disconnect(), second.consumer.disconnect(), admin.disconnect()]);
  });

  if (!isCluster) itIsDissected(() => broker.frames);
});
