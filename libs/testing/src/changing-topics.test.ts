import { Consumer, type ConsumerOptions } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTestBroker, type TestBroker } from "./test-broker.ts";

let broker: TestBroker;
beforeEach(async () => {
  broker = await startTestBroker({
    config: {
      "log.retention.check.interval.ms": 1_000,
      "group.consumer.min.heartbeat.interval.ms": 100,
      "group.consumer.heartbeat.interval.ms": 100,
      "auto.create.topics.enable": false,
    },
  });
});
afterEach(() => broker.close());

/** What a client sees within minutes it sees within moments. */
const QUICK = { autoOffsetReset: "earliest", metadataMaxAgeMs: 100, retryBackoffMs: 20 } as const;

/** Reads in the background, and keeps what came. */
function reading(options: Partial<ConsumerOptions>) {
  const consumer = new Consumer({
    bootstrapServers: broker.bootstrapServers,
    ...QUICK,
    ...options,
  });
  const values: (string | null)[] = [];
  const ended = (async () => {
    for await (const { value } of consumer) values.push(value);
  })();
  ended.catch(() => {});
  return { consumer, values, ended };
}

const PROTOCOLS = ["classic", "consumer"] as const;

describe("a topic that gets more partitions", () => {
  it.each(PROTOCOLS)(
    "is read whole by a group of the %s protocol that runs, and written to by a producer",
    async (groupProtocol) => {
      await broker.createTopic("orders", { partitions: 1 });
      const { consumer, values } = reading({ groupId: "billing", topics: ["orders"], groupProtocol });
      await using producer = new Producer({ bootstrapServers: broker.bootstrapServers, metadataMaxAgeMs: 100 });
      await producer.send({ topic: "orders", value: "before" });
      await expect.poll(() => values, { timeout: 10_000 }).toEqual(["before"]);
      const admin = await broker.admin();
      await admin.createPartitions([{ topic: "orders", count: 4 }]);
      await producer.send({ topic: "orders", partition: 3, value: "by number" });
      const partitions = new Set<number>();
      for (let key = 0; partitions.size < 4; key++) {
        partitions.add((await producer.send({ topic: "orders", key: `k${key}`, value: `k${key}` })).partition);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await expect.poll(() => consumer.assignment().length, { timeout: 10_000 }).toBe(4);
      const all = (await broker.records("orders")).map(({ value }) => value);
      await expect.poll(() => [...values].sort(), { timeout: 10_000 }).toEqual(all.sort());
      await consumer.close();
    },
  );
});

describe("a topic that is deleted and created again", () => {
  it.each(PROTOCOLS)("is read from its beginning by a group of the %s protocol that runs", async (groupProtocol) => {
    const admin = await broker.admin();
    await broker.createTopic("orders", { partitions: 1 });
    const { consumer, values } = reading({ groupId: "billing", topics: ["orders"], groupProtocol });
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers, metadataMaxAgeMs: 100 });
    await producer.send(["a", "b", "c"].map((value) => ({ topic: "orders", value })));
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(["a", "b", "c"]);
    await consumer.commit();
    await admin.deleteTopics(["orders"]);
    await broker.createTopic("orders", { partitions: 2 });
    await producer.send([0, 1].map((partition) => ({ topic: "orders", partition, value: `anew ${partition}` })));
    await expect.poll(() => values.slice(3).sort(), { timeout: 15_000 }).toEqual(["anew 0", "anew 1"]);
    await consumer.commit();
    const committed = await admin.listGroupOffsets("billing");
    expect(committed.map(({ partition, offset }) => [partition, offset])).toEqual([
      [0, 1],
      [1, 1],
    ]);
    await consumer.close();
  });

  it("is read from its beginning where its partition was assigned by hand", async () => {
    const admin = await broker.admin();
    await broker.createTopic("orders");
    const values: (string | null)[] = [];
    const byHand = new Consumer({ bootstrapServers: broker.bootstrapServers, ...QUICK });
    byHand.assign([{ topic: "orders", partition: 0 }]);
    void (async () => {
      for await (const { value } of byHand) values.push(value);
    })();
    await broker.produce("orders", ["a", "b", "c"]);
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(["a", "b", "c"]);
    await admin.deleteTopics(["orders"]);
    await broker.createTopic("orders");
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers });
    await producer.send({ topic: "orders", value: "anew" });
    await expect.poll(() => values.slice(3), { timeout: 15_000 }).toEqual(["anew"]);
    await byHand.close();
  });
});

describe("records that retention takes away before they are read", () => {
  const retained = { configs: { "retention.ms": 60_000, "segment.ms": 1_000 } };

  /** Ten records, of which time has taken all away that were there before the last one. */
  async function expire(topic: string): Promise<number> {
    const admin = await broker.admin();
    await broker.clock.advance(120_000);
    await broker.produce(topic, "fresh");
    const begin = async () => (await admin.listOffsets([{ topic, partition: 0, spec: "earliest" }]))[0]!.offset;
    await expect
      .poll(
        async () => {
          await broker.clock.advance(1_000);
          return await begin();
        },
        { timeout: 10_000 },
      )
      .toBe(10);
    return await begin();
  }

  it("are passed over by a reader that was stopped there: the policy says to where", async () => {
    await broker.createTopic("orders", retained);
    await broker.produce(
      "orders",
      Array.from({ length: 10 }, (_, index) => `old ${index}`),
    );
    const consumer = new Consumer({
      bootstrapServers: broker.bootstrapServers,
      autoOffsetReset: "earliest",
      fetchMaxBytes: 1,
    });
    const partition = { topic: "orders", partition: 0 };
    consumer.assign([partition]);
    consumer.seek(partition, 4);
    consumer.pause();
    const loop = consumer[Symbol.asyncIterator]();
    const next = loop.next();
    const begin = await expire("orders");
    consumer.seek(partition, 4);
    consumer.resume();
    expect((await next).value).toMatchObject({ offset: begin, value: "fresh" });
    await consumer.close();
  });

  it("stop a reader with autoOffsetReset none, and are skipped to the end with latest", async () => {
    await broker.createTopic("orders", retained);
    await broker.produce(
      "orders",
      Array.from({ length: 10 }, (_, index) => `old ${index}`),
    );
    await expire("orders");
    const partition = { topic: "orders", partition: 0 };
    const { bootstrapServers } = broker;
    await using strict = new Consumer({ bootstrapServers, autoOffsetReset: "none" });
    strict.assign([partition]);
    strict.seek(partition, 4);
    await expect(strict[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
    await using late = new Consumer({ bootstrapServers, autoOffsetReset: "latest" });
    late.assign([partition]);
    late.seek(partition, 4);
    const next = late[Symbol.asyncIterator]().next();
    await expect.poll(() => late.position(partition)).toBe(11);
    await broker.produce("orders", "after");
    expect((await next).value).toMatchObject({ offset: 11, value: "after" });
  });
});
