import { createSimulatedRuntime } from "@ottla/runtime";
import { expect, test } from "vitest";
import { Consumer } from "./index.ts";
import { FakeKafka } from "./test-support/fake-kafka.ts";
import { readAll, settle } from "./test-support/reading.ts";

test("metrics add up what was read, committed and taken over, and say how things are", async () => {
  const runtime = createSimulatedRuntime(1);
  const kafka = new FakeKafka(runtime, { t: 2 });
  kafka.append("t", 0, ["a", "b", "c"]);
  kafka.append("t", 1, ["d"]);
  const options = { groupId: "g", topics: "t", autoOffsetReset: "earliest", autoCommitIntervalMs: 100 } as const;
  const consumer = new Consumer({ ...kafka.clientOptions, ...options });
  expect(consumer.metrics()).toMatchObject({ recordsConsumedTotal: 0, fetchTotal: 0, fetchLatencyAvgMs: 0 });

  await settle(runtime, consumer.start());
  await runtime.advance(50);
  const stored = kafka.log("t", 0).batches[0]!.length + kafka.log("t", 1).batches[0]!.length;
  expect(consumer.metrics()).toMatchObject({
    ...{ recordsConsumedTotal: 0, bytesFetchedTotal: stored, assignedPartitions: 2, rebalanceTotal: 1 },
    ...{ recordsLag: 4, recordsLagMax: 3 },
  });
  expect(consumer.metrics().prefetchedBytes).toBeGreaterThan(0);

  const reading = readAll(consumer);
  await runtime.advance(1_000);
  const after = consumer.metrics();
  expect(after).toMatchObject({ recordsConsumedTotal: 4, recordsLag: 0, recordsLagMax: 0, prefetchedBytes: 0 });
  expect(after).toMatchObject({ retryTotal: 0, commitFailedTotal: 0 });
  expect(after.commitTotal).toBeGreaterThan(0);
  expect(after.fetchTotal).toBeGreaterThan(1);
  expect(after.fetchLatencyMaxMs).toBe(500); // the long poll at the end
  await settle(runtime, consumer.close());
  await reading.done;
  await runtime.advance(1_000);
});

test("a broker that tells it to wait is not asked until then, and the metrics tell of it", async () => {
  const runtime = createSimulatedRuntime(1);
  const kafka = new FakeKafka(runtime, { t: 1 });
  kafka.append("t", 0, ["a"]);
  kafka.throttleTimeMs = 700;
  const consumer = new Consumer({ ...kafka.clientOptions, autoOffsetReset: "earliest" });
  consumer.assign([{ topic: "t", partition: 0 }]);
  const reading = readAll(consumer);
  await runtime.advance(600);
  expect(kafka.fetches).toHaveLength(1);
  expect(consumer.metrics()).toMatchObject({ fetchThrottleTimeAvgMs: 700, fetchThrottleTimeMaxMs: 700 });
  kafka.throttleTimeMs = 0;
  await runtime.advance(2_000);
  expect(kafka.fetches.length).toBeGreaterThan(1);
  const { fetchThrottleTimeAvgMs, fetchThrottleTimeMaxMs } = consumer.metrics();
  expect(fetchThrottleTimeMaxMs).toBe(700);
  expect(fetchThrottleTimeAvgMs).toBeLessThan(700);
  await settle(runtime, consumer.close());
  await reading.done;
  await runtime.advance(1_000);
});

test("a batch counts its records, from where it begins", async () => {
  const runtime = createSimulatedRuntime(1);
  const kafka = new FakeKafka(runtime, { t: 1 });
  kafka.append("t", 0, ["a", "b", "c"]);
  const consumer = new Consumer({ ...kafka.clientOptions });
  consumer.assign([{ topic: "t", partition: 0 }]);
  consumer.seek({ topic: "t", partition: 0 }, 1);
  const first = consumer.batches()[Symbol.asyncIterator]().next();
  await settle(runtime, first);
  expect(consumer.metrics().recordsConsumedTotal).toBe(2);
  await settle(runtime, consumer.close());
  await runtime.advance(1_000);
});
