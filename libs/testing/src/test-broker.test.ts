import { Consumer, jsonSerde } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { freePort } from "@ottla/transport/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestBroker, type TestBroker } from "./index.ts";

describe("a test broker", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startTestBroker({ topics: ["orders", { name: "wide", partitions: 3 }] });
  });
  afterAll(() => broker.close());

  it("gives back what was produced, as plain objects", async () => {
    const written = await broker.produce("orders", [
      "plain",
      { key: "k1", value: "v1", headers: [["trace", "7f"]], timestampMs: 1_700_000_000_000 },
      { key: "k2", value: null },
    ]);
    expect(written.map(({ partition, offset }) => ({ partition, offset }))).toEqual([
      { partition: 0, offset: 0 },
      { partition: 0, offset: 1 },
      { partition: 0, offset: 2 },
    ]);
    expect(await broker.records("orders")).toEqual([
      {
        topic: "orders",
        partition: 0,
        offset: 0,
        timestampMs: expect.any(Number),
        key: null,
        value: "plain",
        headers: [],
      },
      {
        topic: "orders",
        partition: 0,
        offset: 1,
        timestampMs: 1_700_000_000_000,
        key: "k1",
        value: "v1",
        headers: [["trace", "7f"]],
      },
      {
        topic: "orders",
        partition: 0,
        offset: 2,
        timestampMs: expect.any(Number),
        key: "k2",
        value: null,
        headers: [],
      },
    ]);
  });

  it("orders records by partition and offset", async () => {
    const inputs = [2, 0, 1, 0, 2].map((partition, i) => ({ partition, value: String(i) }));
    await broker.produce("wide", inputs);
    const records = await broker.records("wide");
    expect(records.map(({ partition, offset, value }) => [partition, offset, value])).toEqual([
      [0, 0, "1"],
      [0, 1, "3"],
      [1, 0, "2"],
      [2, 0, "0"],
      [2, 1, "4"],
    ]);
  });

  it("reads values with a deserializer", async () => {
    await broker.produce("json", { value: '{"id":1}' });
    const [record] = await broker.records("json", { valueDeserializer: jsonSerde<{ id: number }>() });
    expect(record?.value?.id).toBe(1);
  });

  it("waits for records that are still to come, also of a topic that does not exist yet", async () => {
    const awaited = broker.records("late", { count: 2 });
    await broker.produce("late", "first");
    await broker.produce("late", "second");
    expect(await awaited).toMatchObject([{ value: "first" }, { value: "second" }]);
  });

  it("shows what there was when the expected records did not come", async () => {
    await broker.produce("few", { key: "k", value: "only one" });
    await expect(broker.records("few", { count: 2, timeoutMs: 200 })).rejects.toThrow(
      /After 200 ms topic "few" holds 1 record, 2 were expected:\n.*"value":"only one"/,
    );
    await expect(broker.records("none", { count: 1, timeoutMs: 200 })).rejects.toThrow(
      'After 200 ms topic "none" holds 0 records, 1 were expected',
    );
  });

  it("has no records of a topic that does not exist, and does not create it", async () => {
    expect(await broker.records("nowhere")).toEqual([]);
    const topics = await (await broker.admin()).listTopics();
    expect(topics.map(({ name }) => name)).not.toContain("nowhere");
  });

  it("creates topics with what they need", async () => {
    await broker.createTopic("compacted", { partitions: 4, configs: { "cleanup.policy": "compact" } });
    const admin = await broker.admin();
    expect((await admin.describeTopics(["compacted"]))[0]?.partitions).toHaveLength(4);
    const [configs] = await admin.describeConfigs([{ type: "topic", name: "compacted", keys: ["cleanup.policy"] }]);
    expect(configs?.entries).toMatchObject([{ key: "cleanup.policy", value: "compact" }]);
    await expect(broker.createTopic("compacted")).rejects.toMatchObject({ code: "TOPIC_ALREADY_EXISTS" });
  });

  it("serves the SDKs over TCP and WebSocket", async () => {
    await using producer = new Producer({ bootstrapServers: broker.webSocketUrl });
    await producer.send({ topic: "sdk", key: "k", value: "over WebSocket" });
    await using consumer = new Consumer({
      bootstrapServers: broker.bootstrapServers,
      groupId: "billing",
      topics: "sdk",
      autoOffsetReset: "earliest",
    });
    for await (const record of consumer) {
      expect(record).toMatchObject({ key: "k", value: "over WebSocket" });
      break;
    }
  });
});

describe("starting and closing", () => {
  it("takes Kafka's configs", async () => {
    await using broker = await startTestBroker({ config: { "num.partitions": 5, "auto.create.topics.enable": false } });
    await broker.createTopic("five");
    expect((await (await broker.admin()).describeTopics(["five"]))[0]?.partitions).toHaveLength(5);
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers, maxBlockMs: 300 });
    await expect(producer.send({ topic: "unknown", value: "v" })).rejects.toMatchObject({ code: "REQUEST_TIMED_OUT" });
  });

  it("says which config is wrong", async () => {
    await expect(startTestBroker({ config: { "num.partition": 5 } })).rejects.toThrow("num.partitions");
  });

  it.each([
    [{ topic: "orders" }, "startTestBroker: there is no option topic; they are topics, config, port, logger"],
    [null, "startTestBroker: the options are null; they must be an object"],
    [{ topics: "orders" }, 'topics is "orders"; it must be a list'],
    [{ port: "0" }, 'port is "0"; it must be a whole number from 0 to 65535'],
    [{ config: "num.partitions=3" }, 'config is "num.partitions=3"; it must be an object'],
    [{ logger: "console" }, 'logger is "console"'],
  ])("does not start with %j", async (options, message) => {
    await expect(startTestBroker(options as never)).rejects.toThrow(message);
  });

  it("writes and reads nothing that it was not asked for", async () => {
    await using broker = await startTestBroker({ topics: ["orders"] });
    for (const wrong of [5, null, ["a", null]]) {
      await expect(broker.produce("orders", wrong as never)).rejects.toThrow("produce takes texts and records");
    }
    await expect(broker.records("orders", { count: "1" as never })).rejects.toThrow('records: count is "1"');
    expect(await broker.records("orders")).toEqual([]);
  });

  it("closes what it opened when a topic cannot be created", async () => {
    const port = await freePort();
    const started = startTestBroker({ port, topics: ["ok", { name: "bad", configs: { "no.such.config": "1" } }] });
    await expect(started).rejects.toThrow("no.such.config");
    await using broker = await startTestBroker({ port });
    expect(broker.port).toBe(port);
  });

  it("runs several side by side, each with its own records", async () => {
    const brokers = await Promise.all([startTestBroker(), startTestBroker(), startTestBroker()]);
    await Promise.all(brokers.map((broker, i) => broker.produce("same", `of ${i}`)));
    const values = await Promise.all(brokers.map(async (broker) => (await broker.records("same"))[0]?.value));
    expect(values).toEqual(["of 0", "of 1", "of 2"]);
    await Promise.all(brokers.map((broker) => broker.close()));
  });

  it("says of a closed broker that it is closed", async () => {
    const broker = await startTestBroker({ topics: ["orders"] });
    await broker.close();
    const uses = [
      () => broker.records("orders"),
      () => broker.produce("orders", "a"),
      () => broker.createTopic("more"),
      () => broker.admin(),
      () => broker.restart(),
    ];
    for (const use of uses) await expect(use()).rejects.toThrow("the test broker is closed");
  });

  it("is not waited for longer than was said while it is down", async () => {
    await using broker = await startTestBroker({ topics: ["orders"] });
    await broker.kill();
    for (const options of [{ timeoutMs: 200 }, { timeoutMs: 200, count: 1 }]) {
      await expect(broker.records("orders", options)).rejects.toThrow("200 ms");
    }
  });

  it("closes with clients that still wait for records, twice without harm", async () => {
    const broker = await startTestBroker({ topics: ["quiet"] });
    await using consumer = new Consumer({ bootstrapServers: broker.bootstrapServers });
    consumer.assign([{ topic: "quiet", partition: 0 }]);
    await consumer.start();
    const waiting = consumer[Symbol.asyncIterator]().next();
    await broker.close();
    await broker.close();
    await consumer.close();
    expect(await waiting).toMatchObject({ done: true });
  });
});
