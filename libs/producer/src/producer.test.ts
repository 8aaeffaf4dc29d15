import { getEventListeners } from "node:events";
import { inspect } from "node:util";
import { FakeCluster, type FakeClusterOptions } from "@ottla/client/test-support";
import { ErrorCode, initProducerIdApi } from "@ottla/protocol";
import { createSimulatedRuntime } from "@ottla/runtime";
import { afterEach, describe, expect, test } from "vitest";
import { type ArraySendError, jsonSerde, KafkaError, longSerde, Producer, type ProducerOptions } from "./index.ts";

type SetUpOptions = Partial<ProducerOptions<never, never>> & { readonly cluster?: Partial<FakeClusterOptions> };

let cleanUp: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleanUp) await clean();
  cleanUp = [];
});

function setUp({ cluster: clusterOptions, ...options }: SetUpOptions = {}) {
  const runtime = createSimulatedRuntime(11);
  const cluster = new FakeCluster({ runtime, topics: { orders: 2 }, ...clusterOptions });
  const { connector, bootstrapServers } = cluster;
  const producer = new Producer({ bootstrapServers, connector, runtime, ...(options as Partial<ProducerOptions>) });
  /** Lets time pass until the promise has settled. */
  const within = async <T>(promise: Promise<T>, limitMs = 300_000): Promise<T> => {
    let isSettled = false;
    const note = () => {
      isSettled = true;
    };
    promise.then(note, note);
    await runtime.settle();
    for (let passedMs = 0; !isSettled && passedMs < limitMs; passedMs += 5) await runtime.advance(5);
    if (!isSettled) throw new Error(`not settled within ${limitMs} ms`);
    return await promise;
  };
  const rejection = async (promise: Promise<unknown>): Promise<KafkaError> => {
    const outcome = await within(promise.catch((error: unknown) => error));
    expect(outcome).toBeInstanceOf(KafkaError);
    return outcome as KafkaError;
  };
  const values = (partition: number) => cluster.partition("orders", partition).records.map(({ value }) => value);
  cleanUp.push(() => within(producer.close({ timeoutMs: 0 })));
  return { runtime, cluster, producer, within, rejection, values };
}

function produceRequests(cluster: FakeCluster): number {
  return cluster.requestCounts.get("Produce") ?? 0;
}

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

describe("batching", () => {
  test("an idle producer sends a record at once", async () => {
    const { runtime, producer, within, values } = setUp();
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    const startedAtMs = runtime.clock.monotonicMs();
    const sent = producer.send({ topic: "orders", partition: 0, value: "second" });
    await runtime.settle();
    await sent;
    expect(runtime.clock.monotonicMs()).toBe(startedAtMs);
    expect(values(0)).toEqual(["first", "second"]);
  });

  test("a thousand concurrent sends share one request and settle together", async () => {
    const { runtime, cluster, producer, within } = setUp();
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    cluster.requestCounts.clear();
    const sends = Array.from({ length: 1_000 }, (_, index) =>
      producer.send({ topic: "orders", partition: 0, value: `${index}` }),
    );
    await runtime.settle();
    const offsets = (await Promise.all(sends)).map(({ offset }) => offset);
    expect(offsets).toEqual(sends.map((_, index) => index + 1));
    expect(produceRequests(cluster)).toBe(1);
  });

  test("records gather while a request is in flight", async () => {
    const { runtime, cluster, producer, within } = setUp({ cluster: { latencyMs: () => 2 } });
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    cluster.requestCounts.clear();
    const sends: Promise<unknown>[] = [];
    for (let index = 0; index < 20; index++) {
      sends.push(producer.send({ topic: "orders", partition: 0, value: `${index}` }));
      await runtime.advance(0.1);
    }
    await within(Promise.all(sends));
    expect(produceRequests(cluster)).toBe(2);
  });

  test("large batches do not wait for the one request before them: the broker has one to work on meanwhile", async () => {
    const { runtime, producer, within } = setUp({ cluster: { latencyMs: () => 2 } });
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    const { requestTotal } = producer.metrics();
    const value = "v".repeat(70_000);
    const sends: Promise<unknown>[] = [];
    const requests: number[] = [];
    for (let index = 0; index < 4; index++) {
      sends.push(producer.send({ topic: "orders", partition: 0, value }));
      await runtime.advance(0.1);
      requests.push(producer.metrics().requestTotal - requestTotal);
    }
    await within(Promise.all(sends));
    requests.push(producer.metrics().requestTotal - requestTotal);
    // The third and the fourth wait for the first answer.
    expect(requests).toEqual([1, 2, 2, 2, 3]);
  });

  test("an array that is large leaves at once, up to two of them: the broker has work while the next is encoded", async () => {
    const { producer, within, values } = setUp({ cluster: { latencyMs: () => 2 } });
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    const { requestTotal } = producer.metrics();
    const array = (name: string) =>
      Array.from({ length: 10 }, (_, i) => ({ topic: "orders", partition: 0, value: `${name}${i}`.padEnd(7_000) }));
    const sends: Promise<unknown>[] = [];
    const requests = ["a", "b", "c", "d"].map((name) => {
      sends.push(producer.send(array(name)));
      return producer.metrics().requestTotal - requestTotal;
    });
    expect(requests).toEqual([1, 2, 2, 2]);
    await within(Promise.all(sends));
    // The third and the fourth have waited for the first answer, together.
    expect(producer.metrics().requestTotal - requestTotal).toBe(3);
    const sent = ["a", "b", "c", "d"].flatMap((name) => array(name).map(({ value }) => value));
    expect(values(0)).toEqual(["first", ...sent]);
  });

  test("a broker that tells it to wait is not sent to until then, and the metrics tell of it", async () => {
    const { runtime, cluster, producer, within } = setUp();
    cluster.produceThrottleTimeMs = 800;
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    expect(producer.metrics()).toMatchObject({ produceThrottleTimeAvgMs: 800, produceThrottleTimeMaxMs: 800 });
    cluster.produceThrottleTimeMs = 0;
    const second = producer.send({ topic: "orders", partition: 0, value: "second" });
    await runtime.advance(700);
    expect(produceRequests(cluster)).toBe(1);
    await within(second);
    expect(producer.metrics()).toMatchObject({ produceThrottleTimeAvgMs: 400, produceThrottleTimeMaxMs: 800 });
  });

  test("but not for longer than a few milliseconds where answers take long", async () => {
    const { runtime, cluster, producer, within } = setUp({ cluster: { latencyMs: () => 50 } });
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    const sentAtMs = runtime.clock.monotonicMs();
    producer.send({ topic: "orders", partition: 0, value: "second" }).catch(() => {});
    await runtime.advance(1);
    const third = producer.send({ topic: "orders", partition: 0, value: "third" });
    await within(third);
    expect(runtime.clock.monotonicMs() - sentAtMs).toBeLessThan(115);
    expect(produceRequests(cluster)).toBe(3);
  });

  test("lingers for as long as it is told, unless the batch is full or flushed", async () => {
    const { runtime, cluster, producer, within } = setUp({ lingerMs: 100, batchSize: 300 });
    const first = producer.send({ topic: "orders", partition: 0, value: "lingers" });
    await runtime.advance(90);
    expect(produceRequests(cluster)).toBe(0);
    await within(first);
    const startedAtMs = runtime.clock.monotonicMs();
    const full = producer.send(
      Array.from({ length: 9 }, () => ({ topic: "orders", partition: 0, value: "x".repeat(50) })),
    );
    await runtime.advance(1);
    expect(produceRequests(cluster)).toBeGreaterThan(1);
    await within(producer.flush());
    expect(runtime.clock.monotonicMs() - startedAtMs).toBeLessThan(50);
    await full;
  });

  test("one request takes a batch of each partition of its broker", async () => {
    const { runtime, cluster, producer, within } = setUp({ cluster: { topics: { orders: 50 } } });
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    await within(
      producer.send(Array.from({ length: 50 }, (_, partition) => ({ topic: "orders", partition, value: "warm" }))),
    );
    cluster.requestCounts.clear();
    const sends = Array.from({ length: 100 }, (_, index) => ({
      topic: "orders",
      partition: index % 50,
      value: `${index}`,
    }));
    producer.send(sends).catch(() => {});
    await runtime.settle();
    expect(produceRequests(cluster)).toBe(1);
  });

  test("a request is not larger than maxRequestSize, and no partition starves", async () => {
    const { cluster, producer, within } = setUp({
      maxRequestSize: 400,
      batchSize: 300,
      cluster: { topics: { orders: 9 } },
    });
    const sends = Array.from({ length: 90 }, (_, index) => ({
      topic: "orders",
      partition: index % 9,
      value: "x".repeat(60),
    }));
    await within(producer.send(sends));
    for (let partition = 0; partition < 9; partition++)
      expect(cluster.partition("orders", partition).records).toHaveLength(10);
    expect(produceRequests(cluster)).toBeGreaterThan(9);
  });
});

describe("waiting", () => {
  test("sends wait for memory in their order, and go on when it is free", async () => {
    const { producer, within, values } = setUp({ bufferMemory: 200, batchSize: 100, cluster: { latencyMs: () => 3 } });
    const sent = Array.from({ length: 60 }, (_, index) => `${index}`.padEnd(30, "."));
    const sends = sent.map((value) => producer.send({ topic: "orders", partition: 0, value }));
    expect(producer.metrics().waitingSends).toBe(60);
    await within(Promise.all(sends));
    expect(values(0)).toEqual(sent);
    expect(producer.metrics()).toMatchObject({ waitingSends: 0, bufferUsedBytes: 0 });
  });

  test("nothing lingers while sends wait for the memory that it holds", async () => {
    const { runtime, producer, within, values } = setUp({ lingerMs: 20_000, bufferMemory: 300, batchSize: 10_000 });
    const sent = Array.from({ length: 30 }, (_, index) => `${index}`.padEnd(30, "."));
    const sends = Promise.all(
      sent.map((value, index) => producer.send({ topic: "orders", partition: index % 2, value })),
    );
    sends.catch(() => {});
    await runtime.advance(500);
    expect(values(0).length + values(1).length).toBeGreaterThan(20);
    await within(sends);
  });

  test("the buffer does not outgrow its memory by more than a record", async () => {
    const { runtime, producer, within } = setUp({
      bufferMemory: 1_000,
      batchSize: 200,
      cluster: { latencyMs: () => 3 },
    });
    const sends = producer.send(
      Array.from({ length: 300 }, () => ({ topic: "orders", partition: 0, value: "x".repeat(50) })),
    );
    let usedMax = 0;
    for (let passedMs = 0; passedMs < 300; passedMs++) {
      await runtime.advance(1);
      usedMax = Math.max(usedMax, producer.metrics().bufferUsedBytes);
    }
    await within(sends);
    expect(usedMax).toBeGreaterThan(900);
    expect(usedMax).toBeLessThan(1_100);
  });

  test("a long array may take longer than maxBlockMs as a whole, as long as it gets on", async () => {
    const options = { bufferMemory: 200, batchSize: 100, maxBlockMs: 1_000, cluster: { latencyMs: () => 50 } };
    const { producer, within, values } = setUp(options);
    const records = Array.from({ length: 60 }, () => ({ topic: "orders", partition: 0, value: "x".repeat(100) }));
    await within(producer.send(records));
    expect(values(0).length).toBe(60);
  });

  test("a send that waits too long for memory says so", async () => {
    const { cluster, producer, rejection, within } = setUp({ bufferMemory: 50, batchSize: 100, maxBlockMs: 1_000 });
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    cluster.stop(1);
    producer.send({ topic: "orders", partition: 0, value: "x".repeat(60) }).catch(() => {});
    const error = await rejection(producer.send({ topic: "orders", partition: 0, value: "second" }));
    expect(error).toMatchObject({ code: "REQUEST_TIMED_OUT", retriable: true });
    expect(error.message).toContain("bufferMemory");
  });

  test("a topic that does not come is named in the error, and others go on meanwhile", async () => {
    const { producer, rejection, within } = setUp({ maxBlockMs: 2_000 });
    const lost = rejection(producer.send({ topic: "no-such", value: "v" }));
    await within(producer.send({ topic: "orders", value: "v" }));
    const error = await lost;
    expect(error.message).toContain('"no-such"');
    expect(error.cause).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
  });

  test("a partition that does not exist is refused; one that has been added is found", async () => {
    const { cluster, producer, rejection, within } = setUp();
    await within(producer.send({ topic: "orders", partition: 1, value: "v" }));
    const error = await rejection(producer.send({ topic: "orders", partition: 2, value: "v" }));
    expect(error).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: 'Topic "orders" has partitions 0 to 1; there is no partition 2.',
    });
    cluster.createTopic("orders", 4);
    expect((await within(producer.send({ topic: "orders", partition: 3, value: "v" }))).partition).toBe(3);
  });

  test.each([-1, 2, 0.5, Number.NaN, "length", "1", undefined])("a partitioner that chooses %j", async (choice) => {
    const { producer, rejection } = setUp({ partitioner: () => choice as number });
    expect(await rejection(producer.send({ topic: "orders", value: "v" }))).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: `The partitioner chose partition ${choice} of "orders", which has partitions 0 to 1.`,
    });
  });

  test("a partition that was not there is looked for again, a second later", async () => {
    const { cluster, runtime, producer, within, rejection } = setUp();
    const send = () => producer.send({ topic: "orders", partition: 2, value: "v" });
    expect((await rejection(send())).code).toBe("INVALID_ARGUMENT");
    const askedBefore = cluster.requestCounts.get("Metadata");
    cluster.createTopic("orders", 3);
    expect((await rejection(send())).code).toBe("INVALID_ARGUMENT");
    expect(cluster.requestCounts.get("Metadata")).toBe(askedBefore);
    await runtime.advance(1_000);
    expect((await within(send())).partition).toBe(2);
  });

  test("a topic that is created again with fewer partitions goes on with those; the others' records fail", async () => {
    const { cluster, runtime, producer, within, rejection } = setUp({
      ...{ deliveryTimeoutMs: 600_000, requestTimeoutMs: 1_000 },
      cluster: { topics: { orders: 3 } },
    });
    for (const partition of [0, 2]) await within(producer.send({ topic: "orders", partition, value: "before" }));
    cluster.stop(1);
    const kept = producer.send({ topic: "orders", partition: 0, value: "kept" });
    const lost = rejection(producer.send({ topic: "orders", partition: 2, value: "lost" }));
    await runtime.advance(100);
    cluster.recreateTopic("orders", 1);
    cluster.start(1);
    expect((await within(kept)).offset).toBe(0);
    const error = await lost;
    expect(error.code).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    expect(error.message).toContain("orders-2: the topic was created again, with 1 partitions");
    const keyless = await within(producer.send(Array.from({ length: 20 }, () => ({ topic: "orders", value: "v" }))));
    expect(new Set(keyless.map(({ partition }) => partition))).toEqual(new Set([0]));
    expect((await rejection(producer.send({ topic: "orders", partition: 2, value: "v" }))).code).toBe(
      "INVALID_ARGUMENT",
    );
    await within(producer.flush());
  });

  test("while a broker takes nothing, keyless records go to the partitions of others", async () => {
    const { cluster, runtime, producer, within } = setUp({
      ...{ partitionerAvailabilityTimeoutMs: 500, batchSize: 200, metadataMaxAgeMs: 600_000 },
      cluster: { brokers: 2, topics: { orders: 2 } },
    });
    for (const partition of [0, 1]) await within(producer.send({ topic: "orders", partition, value: "first" }));
    cluster.faultOf = ({ brokerId, apiName }) =>
      brokerId === 2 && apiName === "Produce" ? { kind: "silence" } : undefined;
    const sends: Promise<unknown>[] = [];
    const sendFor = async (ms: number) => {
      for (let passedMs = 0; passedMs < ms; passedMs += 10) {
        sends.push(producer.send({ topic: "orders", value: "x".repeat(100) }).catch(() => {}));
        await runtime.advance(10);
      }
    };
    await sendFor(3_000);
    const countBefore = cluster.partition("orders", 0).records.length;
    const sentBefore = sends.length;
    await sendFor(2_000);
    expect(cluster.partition("orders", 0).records.length - countBefore).toBeGreaterThan(
      (sends.length - sentBefore) * 0.9,
    );
  });

  test("an aborted signal ends a send that waits; it is then not written", async () => {
    const { runtime, cluster, producer, rejection, values } = setUp();
    cluster.stop(1);
    const controller = new AbortController();
    const sent = rejection(producer.send({ topic: "orders", partition: 0, value: "v" }, { signal: controller.signal }));
    runtime.timers.schedule(100, () => controller.abort());
    expect((await sent).code).toBe("ABORTED");
    cluster.start(1);
    await runtime.advance(10_000);
    expect(values(0)).toEqual([]);
    expect((await rejection(producer.send({ topic: "orders", value: "v" }, { signal: controller.signal }))).code).toBe(
      "ABORTED",
    );
  });

  test("one signal serves any number of sends: it gets one listener while they last, and none is left", async () => {
    const { cluster, producer, within, values } = setUp();
    const { signal } = new AbortController();
    const listeners = () => getEventListeners(signal, "abort").length;
    cluster.stop(1);
    const send = () => producer.send({ topic: "orders", partition: 0, value: "v" }, { signal });
    const waiting = Array.from({ length: 50 }, send);
    expect(listeners()).toBe(1);
    cluster.start(1);
    await within(Promise.all(waiting));
    expect(listeners()).toBe(0);
    const sent = Array.from({ length: 50 }, send);
    expect(listeners()).toBe(1);
    await within(Promise.all(sent));
    expect([listeners(), values(0).length]).toEqual([0, 100]);
  });
});

describe("failing", () => {
  test("what the broker refuses for good rejects with its error", async () => {
    const { cluster, producer, rejection, within } = setUp();
    cluster.faultOf = ({ apiName }) =>
      apiName === "Produce" ? { kind: "error", errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED } : undefined;
    const error = await rejection(producer.send({ topic: "orders", partition: 0, value: "v" }));
    expect(error).toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED", retriable: false });
    expect(error.message).toContain("orders-0");
    cluster.faultOf = () => undefined;
    expect((await within(producer.send({ topic: "orders", partition: 0, value: "v" }))).offset).toBe(0);
  });

  test("an array that fails in part tells of each record", async () => {
    const { cluster, producer, rejection } = setUp();
    cluster.partition("orders", 1).maxMessageBytes = 100;
    const large = "x".repeat(200);
    const error = (await rejection(
      producer.send([
        { topic: "orders", partition: 0, value: "small" },
        { topic: "orders", partition: 1, value: "small" },
        { topic: "orders", partition: 1, value: large },
        { topic: "orders", partition: 1, value: "small again" },
      ]),
    )) as ArraySendError;
    expect(error).toMatchObject({ name: "ArraySendError", code: "MESSAGE_TOO_LARGE" });
    expect(error.message).toContain("1 of 4 records were not written");
    expect(error.outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    expect(inspect(error), "a program that prints the error").not.toContain("fulfilled");
    expect(producer.metrics().batchSplitTotal).toBeGreaterThan(0);
  });

  test("a record larger than maxRequestSize is refused before it is sent, with advice", async () => {
    const { producer, rejection, within } = setUp({ maxRequestSize: 1_000 });
    const error = await rejection(producer.send({ topic: "orders", value: "x".repeat(1_000) }));
    expect(error.code).toBe("MESSAGE_TOO_LARGE");
    expect(error.message).toContain("maxRequestSize");
    await within(producer.send({ topic: "orders", value: "x".repeat(900) }));
  });

  test("after the delivery timeout the error says what went wrong", async () => {
    const { cluster, producer, rejection, within } = setUp({ deliveryTimeoutMs: 5_000, requestTimeoutMs: 1_000 });
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    cluster.faultOf = ({ apiName }) =>
      apiName === "Produce" ? { kind: "error", errorCode: ErrorCode.NOT_ENOUGH_REPLICAS } : undefined;
    const error = await rejection(producer.send({ topic: "orders", partition: 0, value: "v" }));
    expect(error.code).toBe("REQUEST_TIMED_OUT");
    expect(error.cause).toMatchObject({ code: "NOT_ENOUGH_REPLICAS" });
    expect(error.message).toContain("5000 ms (deliveryTimeoutMs)");
  });

  test("with no broker at all, records expire and say which cannot be reached", async () => {
    const { cluster, producer, rejection } = setUp({ maxBlockMs: 3_000 });
    cluster.stop(1);
    const error = await rejection(producer.send({ topic: "orders", value: "v" }));
    expect(error.message).toContain("fake:9093");
  });

  test("where no producer id is to be had, sends say so", async () => {
    const { cluster, producer, rejection } = setUp();
    cluster.handle(initProducerIdApi, () => ({
      throttleTimeMs: 0,
      errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
      producerEpoch: -1,
    }));
    expect((await rejection(producer.send({ topic: "orders", value: "v" }))).code).toBe("CLUSTER_AUTHORIZATION_FAILED");
  });

  test("a leader that moved is followed by what the response says, without asking for metadata", async () => {
    const { cluster, producer, within } = setUp({ cluster: { brokers: 2 } });
    cluster.givesLeaderHints = true;
    await within(producer.send({ topic: "orders", partition: 0, value: "v" }));
    cluster.requestCounts.clear();
    cluster.moveLeader("orders", 0, 2);
    expect((await within(producer.send({ topic: "orders", partition: 0, value: "v" }))).offset).toBe(1);
    expect(cluster.requestCounts.get("Metadata")).toBeUndefined();
  });

  test("what waits for an answer of the former leader goes on at the new one once it has come", async () => {
    let latencyMs = 1;
    const options = { brokers: 2, latencyMs: () => latencyMs };
    const { runtime, cluster, producer, within } = setUp({ maxInFlightRequestsPerConnection: 1, cluster: options });
    await within(producer.send([0, 1].map((partition) => ({ topic: "orders", partition, value: "v" }))));
    const first = producer.send({ topic: "orders", partition: 0, value: "taken by broker 1" });
    await runtime.settle();
    latencyMs = 3_000; // of the answer
    await runtime.advance(2);
    latencyMs = 1;
    cluster.moveLeader("orders", 0, 2);
    cluster.createTopic("new", 1);
    const other = producer.send({ topic: "new", value: "has the metadata refreshed" });
    await runtime.advance(1_000);
    const second = producer.send({ topic: "orders", partition: 0, value: "for broker 2" });
    const startedAtMs = runtime.clock.monotonicMs();
    await within(Promise.all([first, other, second]));
    expect(runtime.clock.monotonicMs() - startedAtMs).toBeLessThan(5_000);
  });

  test.each([
    [undefined as never, "send takes a record"],
    [null as never, "send takes a record"],
    ["orders" as never, "send takes a record"],
    [{ topic: "" }, "record.topic"],
    [{ topic: "orders", timestampMs: -5 }, "record.timestampMs is -5"],
    [{ topic: "orders", timestampMs: 1.5 }, "record.timestampMs is 1.5"],
    [{ topic: "orders", partition: "0" as never }, 'record.partition is "0"'],
    [{ topic: "orders", partition: 0.5 }, "there is no partition 0.5"],
    [{ topic: "orders", value: 5 as never }, "valueSerializer"],
    [{ topic: "orders", key: {} as never }, "keySerializer"],
    [{ topic: "orders", headers: [["a"]] as never }, "headers must be"],
    [{ topic: "orders", headers: "a=b" as never }, "headers must be"],
  ])("a record that cannot be sent is refused: %o", async (record, message) => {
    const { producer, rejection } = setUp();
    const error = await rejection(producer.send(record));
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toContain(message);
  });

  test.each([
    [{ acks: 2 as never }, 'acks is 2; it must be "all", 1 or 0.'],
    [{ acks: 1, idempotence: true }, "idempotence is true"],
    [{ maxInFlightRequestsPerConnection: 6 }, "maxInFlightRequestsPerConnection is 6; it must be at most 5"],
    [{ deliveryTimeoutMs: 10 }, "deliveryTimeoutMs is 10; it must be at least lingerMs + requestTimeoutMs"],
    [{ lingerMs: -1 }, "lingerMs is -1"],
    [{ batchSize: "16k" as never }, 'batchSize is "16k"'],
    [{ compression: "brotli" as never }, 'compression is "brotli"'],
    [{ compression: "gzip", compressionLevel: 10 }, "compressionLevel is 10; it must be a whole number from 1 to 9"],
    [{ compression: "zstd", compressionLevel: 23 }, "compressionLevel is 23; it must be a whole number from 1 to 22"],
    [{ compression: "lz4", compressionLevel: 3 }, 'compressionLevel is 3; it must be absent with compression: "lz4"'],
    [{ compressionLevel: 3 }, 'compressionLevel is 3; it must be absent with compression: "none"'],
    [{ idempotence: "yes" as never }, 'idempotence is "yes"; it must be true or false'],
    [{ acks: 1, idempotence: "yes" as never }, 'idempotence is "yes"; it must be true or false'],
    [{ partitionerAdaptivePartitioning: 1 as never }, "partitionerAdaptivePartitioning is 1; it must be true or false"],
    [{ deliveryTimeoutMs: "200000" as never }, 'deliveryTimeoutMs is "200000"'],
    [{ bootstrapServers: "http://x" }, "ws://x"],
  ])("an option that cannot be used is refused: %o", (options, message) => {
    expect(() => setUp(options as never)).toThrow(message);
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
