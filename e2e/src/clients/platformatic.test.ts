import "../harness/with-resolvers.ts";
import "../harness/codecs.ts";
import {
  Admin,
  ConfigResourceTypes,
  Consumer,
  type Message,
  MessagesStreamModes,
  ProduceAcks,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { clientTargets, type RunningTarget } from "../harness/client-targets.ts";
import { itIsDissected } from "../harness/tshark.ts";
import { twice } from "../harness/twice.ts";

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
const BIG_RECORD_BYTES = 1_000_000;

describe.each(clientTargets)("@platformatic/kafka on $name", ({ start, isCluster }) => {
  let broker: RunningTarget;
  let base: { clientId: string; bootstrapBrokers: string[] };

  beforeAll(async () => {
    broker = await start();
    base = { clientId: "platformatic-e2e", bootstrapBrokers: broker.bootstrapServers.split(",") };
  });
  afterAll(() => broker?.stop());

  twice("creates, lists, describes and deletes topics", async () => {
    const admin = new Admin(base);
    const configs = [{ name: "retention.ms", value: "60000" }];
    const created = await admin.createTopics({ topics: ["platformatic-a"], partitions: 3, replicas: 1, configs });
    expect(created).toMatchObject([{ name: "platformatic-a", partitions: 3 }]);
    expect(await admin.listTopics()).toContain("platformatic-a");
    const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: "platformatic-a" }];
    const [described] = await admin.describeConfigs({ resources, includeSynonyms: true });
    expect(described?.configs).toContainEqual(expect.objectContaining({ name: "retention.ms", value: "60000" }));
    await admin.createPartitions({ topics: [{ name: "platformatic-a", count: 5, assignments: null }] });
    const metadata = await admin.metadata({ topics: ["platformatic-a"] });
    expect(metadata.topics.get("platformatic-a")?.partitions).toHaveLength(5);
    await admin.deleteTopics({ topics: ["platformatic-a"] });
    await expect.poll(() => admin.listTopics()).not.toContain("platformatic-a");
    await admin.close();
  });

  for (const compression of CODECS) {
    twice(`produces with ${compression} and reads it back in a group, as it was`, async (round) => {
      const topic = `platformatic-${compression}`;
      const admin = new Admin(base);
      if (round === 1) await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 });
      const producer = new Producer({ ...base, serializers: stringSerializers, idempotent: compression !== "none" });
      const timestamp = BigInt(Date.now() - 3_600_000);
      const sent = Array.from({ length: 200 }, (_, i) => ({
        ...{ topic, key: `k${i % 7}`, value: `${"v".repeat(50)}-${round}-${i}`, timestamp, headers: { i: `${i}` } },
      }));
      const acks = ProduceAcks.ALL;
      await producer.send({ messages: sent.slice(0, 100), compression, acks });
      await producer.send({ messages: sent.slice(100), compression, acks });
      const special = [
        { key: "null" },
        { key: "empty", value: "" },
        { key: "big", value: "b".repeat(BIG_RECORD_BYTES) },
      ];
      await producer.send({ messages: special.map((one) => ({ topic, timestamp, ...one })), compression, acks });
      await producer.close();

      const consumer = new Consumer({ ...base, groupId: `group-${topic}`, deserializers: stringDeserializers });
      const mode = MessagesStreamModes.COMMITTED;
      const fallbackMode = "earliest" as const;
      const options = { topics: [topic], mode, fallbackMode, maxWaitTime: 100, autocommit: false };
      const stream = await consumer.consume(options);
      const received: Message<string, string, string, string>[] = [];
      for await (const message of stream) {
        received.push(message);
        if (received.length === sent.length + special.length) break;
      }
      // The second time starts where this one has committed.
      const next = new Map(received.map(({ partition, offset }) => [partition, offset]));
      const offsets = [...next].map(([partition, offset]) => ({
        topic,
        partition,
        offset: offset + 1n,
        leaderEpoch: 0,
      }));
      await consumer.commit({ offsets });
      await consumer.close(true);

      expect(new Set(received.map((message) => message.timestamp))).toEqual(new Set([timestamp]));
      const valueWithKey = (key: string) => received.find((message) => message.key === key)?.value;
      expect(valueWithKey("empty")).toBe("");
      expect(valueWithKey("big")).toHaveLength(BIG_RECORD_BYTES);
      expect(received.filter((message) => message.key === "null")).toHaveLength(1);
      const plain = received.filter((message) => message.headers.size > 0);
      expect(plain.map(({ value }) => value).sort()).toEqual(sent.map(({ value }) => value).sort());
      for (const { value, headers } of plain) expect(headers.get("i")).toBe(value.split("-").at(-1));
      const groups = await admin.listGroups();
      expect([...groups.keys()]).toContain(`group-${topic}`);
      await admin.close();
    });
  }

  twice("deletes records, and says where the log begins then", async (round) => {
    const topic = "platformatic-delete";
    const admin = new Admin(base);
    if (round === 1) await admin.createTopics({ topics: [topic], partitions: 2, replicas: 1 });
    const producer = new Producer({ ...base, serializers: stringSerializers });
    const messages = Array.from({ length: 10 }, (_, i) => ({ topic, partition: 0, value: `${round}-${i}` }));
    await producer.send({ messages, acks: ProduceAcks.ALL });
    await producer.close();
    const offsetOf = async (timestamp: bigint) => {
      const [listed] = await admin.listOffsets({
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
      });
      return listed!.partitions[0]!.offset;
    };
    const [earliest, latest] = [-2n, -1n];
    const end = await offsetOf(latest);
    expect(end).toBe(BigInt(10 * round));
    const partitions = [
      { partition: 0, offset: end - 3n },
      { partition: 1, offset: 0n },
    ];
    const [deleted] = await admin.deleteRecords({ topics: [{ name: topic, partitions }] });
    expect(deleted).toMatchObject({ name: topic });
    const lows = new Map(deleted!.partitions.map(({ partition, lowWatermark }) => [partition, lowWatermark]));
    expect([lows.get(0), lows.get(1)]).toEqual([end - 3n, 0n]);
    expect([await offsetOf(earliest), await offsetOf(latest)]).toEqual([end - 3n, end]);
    const beyond = admin.deleteRecords({
      topics: [{ name: topic, partitions: [{ partition: 0, offset: end + 1n }] }],
    });
    await expect(beyond).rejects.toThrow();
    expect(await offsetOf(earliest)).toBe(end - 3n);
    await admin.close();
  });

  twice("resets a group's offsets, and the group reads on from there", async (round) => {
    const topic = "platformatic-reset";
    const groupId = "platformatic-reset";
    const admin = new Admin(base);
    if (round === 1) {
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
      const producer = new Producer({ ...base, serializers: stringSerializers });
      const messages = Array.from({ length: 10 }, (_, i) => ({ topic, value: `${i}` }));
      await producer.send({ messages, acks: ProduceAcks.ALL });
      await producer.close();
    }
    const committed = async () => {
      const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] });
      return group!.topics[0]?.partitions[0]?.committedOffset;
    };
    const firstOf = async () => {
      const consumer = new Consumer({ ...base, groupId, deserializers: stringDeserializers });
      const options = { topics: [topic], mode: MessagesStreamModes.COMMITTED, maxWaitTime: 100, autocommit: false };
      const stream = await consumer.consume(options);
      let first: string | undefined;
      for await (const { value, partition, offset } of stream) {
        first = value;
        await consumer.commit({ offsets: [{ topic, partition, offset: offset + 1n, leaderEpoch: 0 }] });
        break;
      }
      await consumer.close(true);
      return first;
    };
    for (const offset of [4n, 0n, BigInt(5 + round)]) {
      await admin.alterConsumerGroupOffsets({
        groupId,
        topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset }] }],
      });
      expect(await committed()).toBe(offset);
      expect(await firstOf()).toBe(`${offset}`);
      expect(await committed()).toBe(offset + 1n);
    }
    await admin.close();
  });

  if (!isCluster) itIsDissected(() => broker.frames);
});
