import { describe, expect, test } from "vitest";
import { produceRequests, setUp } from "./test-support/set-up.ts";

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
