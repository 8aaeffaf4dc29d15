import { createSimulatedRuntime } from "@ottla/runtime";
import { describe, expect, test } from "vitest";
import { jsonSerde, longSerde, Producer } from "./index.ts";
import { setUp } from "./test-support/set-up.ts";

describe("sending", () => {
  test("a record arrives whole, and its place is told", async () => {
    const { runtime, cluster, producer, within } = setUp();
    const headers = [
      ["trace", "1"],
      ["trace", null],
      ["bytes", Uint8Array.of(65)],
    ] as const;
    const metadata = await within(producer.send({ topic: "orders", partition: 1, key: "k1", value: "v1", headers }));
    expect(metadata).toEqual({ topic: "orders", partition: 1, offset: 0, timestampMs: runtime.clock.nowMs() });
    expect(cluster.partition("orders", 1).records).toEqual([
      {
        key: "k1",
        value: "v1",
        headers: [
          ["trace", "1"],
          ["trace", null],
          ["bytes", "A"],
        ],
        timestampMs: runtime.clock.nowMs(),
      },
    ]);
  });

  test("headers may be an object, the timestamp given, key and value absent", async () => {
    const { cluster, producer, within } = setUp();
    const record = { topic: "orders", partition: 0, headers: { a: "1", b: null }, timestampMs: 1234 };
    expect((await within(producer.send(record))).timestampMs).toBe(1234);
    expect(cluster.partition("orders", 0).records).toEqual([
      {
        key: null,
        value: null,
        headers: [
          ["a", "1"],
          ["b", null],
        ],
        timestampMs: 1234,
      },
    ]);
  });

  test("bytes are taken as they are when the call is made", async () => {
    const { producer, within, values } = setUp();
    const value = Uint8Array.of(65, 66);
    const sent = producer.send({ topic: "orders", partition: 0, value });
    await within(sent);
    const again = producer.send({ topic: "orders", partition: 0, value });
    value[0] = 90;
    await within(again);
    expect(values(0)).toEqual(["AB", "AB"]);
  });

  test.each(["topic", "memory"] as const)("what waits for %s goes out as it was when it was sent", async (reason) => {
    const { cluster, producer, within, values } = setUp({ bufferMemory: 150, batchSize: 100 });
    if (reason === "memory") {
      await within(producer.send({ topic: "orders", partition: 0, value: "known" }));
      for (let n = 0; n < 3; n++) void producer.send({ topic: "orders", partition: 0, value: "x".repeat(60) });
    }
    const bytes = () => Uint8Array.of(65, 66);
    const record = { topic: "orders", partition: 1, key: bytes(), value: bytes(), headers: [["h", bytes()]] as never };
    const [first, second] = [record, { ...record, key: bytes(), value: bytes(), headers: { h: bytes() } }];
    const sent = Promise.all([producer.send(first), producer.send([second])]);
    expect(producer.metrics().waitingSends).toBeGreaterThanOrEqual(2);
    const changed = { topic: "other", partition: 0, key: "changed", value: "changed", headers: [], timestampMs: 1 };
    for (const each of [first, second]) {
      for (const data of [each.key, each.value, ...Object.values(each.headers).flat(2)]) {
        if (data instanceof Uint8Array) data.fill(90);
      }
      Object.assign(each, changed);
    }
    await within(sent);
    expect(values(1)).toEqual(["AB", "AB"]);
    for (const { key, headers } of cluster.partition("orders", 1).records) {
      expect([key, headers]).toEqual(["AB", [["h", "AB"]]]);
    }
  });

  test("what a serializer gave, and may use again, is taken at the call as well", async () => {
    const shared = new Uint8Array(1);
    const serialize = (value: number) => {
      shared[0] = value;
      return shared;
    };
    const { producer, within, values } = setUp({ valueSerializer: { serialize } as never });
    const send = (value: number) => producer.send({ topic: "orders", partition: 0, value: value as never });
    await within(Promise.all([send(65), send(66)]));
    const sendAll = (...list: number[]) =>
      producer.send(list.map((value) => ({ topic: "orders", partition: 0, value: value as never })));
    await within(sendAll(67, 68));
    expect(values(0)).toEqual(["A", "B", "C", "D"]);
  });

  test("so is what it gave for an array whose topic is not known yet", async () => {
    const shared = new Uint8Array(1);
    const serialize = (value: number) => shared.fill(value);
    const { producer, within, values } = setUp({ valueSerializer: { serialize } as never });
    await within(producer.send([65, 66].map((value) => ({ topic: "orders", partition: 0, value: value as never }))));
    expect(values(0)).toEqual(["A", "B"]);
  });

  test("a partitioner that fails within an array leaves no doubt about the records before", async () => {
    const choose = ({ value }: { value: unknown }) => {
      if (value === "bad") throw new Error("no place for that");
      return 0;
    };
    const { producer, rejection, values } = setUp({ partitioner: choose as never });
    const send = (...list: string[]) => producer.send(list.map((value) => ({ topic: "orders", value })));
    expect(await rejection(send("good", "bad", "later"))).toMatchObject({
      name: "ArraySendError",
      message: expect.stringContaining("no place for that"),
      outcomes: [{ status: "fulfilled" }, { status: "rejected" }, { status: "rejected" }],
    });
    expect(values(0)).toEqual(["good"]);
  });

  test("an array resolves to the place of each record, in its order", async () => {
    const { producer, within } = setUp();
    const records = Array.from({ length: 10 }, (_, index) => ({
      topic: "orders",
      partition: index % 2,
      value: `${index}`,
    }));
    const metadata = await within(producer.send(records));
    expect(metadata.map(({ partition, offset }) => [partition, offset])).toEqual(
      records.map((_, index) => [index % 2, Math.floor(index / 2)]),
    );
    expect(await within(producer.send([]))).toEqual([]);
  });

  test("serializers turn keys and values into bytes", async () => {
    const { cluster } = setUp();
    const runtime = createSimulatedRuntime(1);
    const producer = new Producer({
      bootstrapServers: cluster.bootstrapServers,
      connector: cluster.connector,
      runtime,
      keySerializer: longSerde,
      valueSerializer: jsonSerde<{ amount: number }>(),
    });
    const sent = producer.send({ topic: "orders", partition: 0, key: 7n, value: { amount: 3 } });
    for (let passed = 0; passed < 10; passed++) await runtime.advance(10);
    await sent;
    expect(cluster.partition("orders", 0).records[0]).toMatchObject({
      key: "\0\0\0\0\0\0\0\x07",
      value: '{"amount":3}',
    });
    await producer.close();
  });

  test.each(["gzip", "snappy", "lz4", "zstd"] as const)(
    "compressed with %s, batches arrive whole and in order",
    async (compression) => {
      const { cluster } = setUp();
      const { connector, bootstrapServers } = cluster;
      const producer = new Producer({ bootstrapServers, connector, compression, batchSize: 500 });
      const sent = Array.from({ length: 50 }, (_, index) => `value ${index} ${"x".repeat(50)}`);
      await producer.send(sent.map((value) => ({ topic: "orders", partition: 0, value })));
      expect(cluster.partition("orders", 0).records.map(({ value }) => value)).toEqual(sent);
      expect(producer.metrics().batchTotal).toBeGreaterThan(3);
      await producer.close();
    },
  );

  test("with acks 0 it is done when it has left", async () => {
    const { cluster, producer, within, values } = setUp({ acks: 0 });
    const { offset } = await within(producer.send({ topic: "orders", partition: 0, value: "v" }));
    expect(offset).toBe(-1);
    await within(producer.flush());
    expect(values(0)).toEqual(["v"]);
    expect(cluster.requestCounts.has("InitProducerId")).toBe(false);
  });

  test("a topic's own larger timestamp type is told", async () => {
    const { producer, within } = setUp();
    expect((await within(producer.send({ topic: "orders", value: "v", timestampMs: 0 }))).timestampMs).toBe(0);
  });
});

describe("closing", () => {
  test("sends what was accepted, and nothing after", async () => {
    const { producer, rejection, within, values } = setUp({ lingerMs: 10_000 });
    const sent = producer.send({ topic: "orders", partition: 0, value: "v" });
    await within(producer.close());
    await sent;
    expect(values(0)).toEqual(["v"]);
    expect((await rejection(producer.send({ topic: "orders", value: "v" }))).code).toBe("CLOSED");
    await within(producer.close());
  });

  test("with a timeout, what is left fails with CLOSED", async () => {
    const { cluster, producer, rejection, within } = setUp();
    await within(producer.send({ topic: "orders", partition: 0, value: "v" }));
    cluster.stop(1);
    const lost = rejection(producer.send({ topic: "orders", partition: 0, value: "v" }));
    await within(producer.close({ timeoutMs: 500 }));
    expect((await lost).code).toBe("CLOSED");
  });

  test("leaves no timer behind", async () => {
    const { runtime, producer, within } = setUp();
    await within(producer.send({ topic: "orders", value: "v" }));
    await within(producer.close());
    await runtime.settle();
    expect(runtime.pendingTimers).toBe(0);
  });

  test("an idle producer asks for nothing and wakes nobody", async () => {
    const { runtime, cluster, producer, within } = setUp({ metadataMaxAgeMs: 1_000_000 });
    await within(producer.send({ topic: "orders", value: "v" }));
    cluster.requestCounts.clear();
    await runtime.advance(60_000);
    expect(cluster.requestCounts.size).toBe(0);
  });

  test("topics that are not used any more are forgotten", async () => {
    const { runtime, cluster, producer, within } = setUp({ metadataMaxAgeMs: 1_000, metadataMaxIdleMs: 5_000 });
    await within(producer.send({ topic: "orders", value: "v" }));
    await runtime.advance(20_000);
    cluster.requestCounts.clear();
    await runtime.advance(20_000);
    expect(cluster.requestCounts.get("Metadata") ?? 0).toBe(0);
    await within(producer.send({ topic: "orders", value: "v" }));
  });
});

test("metrics count what happened", async () => {
  const { producer, within } = setUp();
  await within(producer.send([1, 2, 3].map((value) => ({ topic: "orders", partition: 0, value: `${value}` }))));
  expect(producer.metrics()).toMatchObject({
    recordSendTotal: 3,
    recordErrorTotal: 0,
    batchTotal: 1,
    requestTotal: 1,
    requestsInFlight: 0,
    recordsPerBatchAvg: 3,
    bufferUsedBytes: 0,
    bufferTotalBytes: 33_554_432,
  });
});
