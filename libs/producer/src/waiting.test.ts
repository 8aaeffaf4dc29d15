import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { setUp } from "./test-support/set-up.ts";

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
    const { cluster, producer, rejection, within } = setUp({ bufferMemory: 100, batchSize: 100, maxBlockMs: 1_000 });
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    cluster.stop(1);
    for (const value of ["x".repeat(60), "y".repeat(60)]) {
      producer.send({ topic: "orders", partition: 0, value }).catch(() => {});
    }
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

  test("an array asks for all its topics at once", async () => {
    const topics = Array.from({ length: 50 }, (_, index) => `topic-${index}`);
    const latencyMs = () => 20;
    const cluster = { latencyMs, topics: Object.fromEntries(topics.map((topic) => [topic, 1])) };
    const { runtime, producer, within } = setUp({ cluster });
    const sent = producer.send(topics.map((topic) => ({ topic, value: "v" })));
    expect(await within(sent)).toHaveLength(50);
    expect(runtime.clock.monotonicMs()).toBeLessThan(500);
  });

  test("a topic that did not come is not asked for any more", async () => {
    const { cluster, runtime, producer, rejection } = setUp({ maxBlockMs: 500, metadataMaxAgeMs: 1_000 });
    await rejection(producer.send([{ topic: "no-such", value: "v" }]));
    await runtime.advance(2_000);
    cluster.requestCounts.clear();
    await runtime.advance(10_000);
    expect(cluster.requestCounts.get("Metadata") ?? 0).toBe(0);
  });

  test("why a topic does not come is said also where the look for it has just begun anew", async () => {
    const { runtime, producer } = setUp({ maxBlockMs: 2_000, cluster: { latencyMs: () => 400 } });
    const failed = () => producer.send({ topic: "no-such", value: "v" }).catch((error: Error) => error);
    const first = failed();
    await runtime.advance(1);
    const second = failed();
    await runtime.advance(3_000);
    for (const error of [await first, await second]) expect(String(error)).toContain("does not have this topic");
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
