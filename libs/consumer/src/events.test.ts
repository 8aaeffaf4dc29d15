import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createSimulatedRuntime } from "@ottla/runtime";
import { expect, test } from "vitest";
import { Consumer, type ConsumerEvents } from "./index.ts";
import { FakeKafka } from "./test-support/fake-kafka.ts";
import { readAll, settle } from "./test-support/reading.ts";

test("fetches and lag are told of, to listeners and on diagnostics channels", async () => {
  const runtime = createSimulatedRuntime(1);
  const kafka = new FakeKafka(runtime, { t: 1 });
  kafka.append("t", 0, ["a", "b", "c"]);
  const consumer = new Consumer({
    ...kafka.clientOptions,
    groupId: "g",
    clientId: "me",
    topics: "t",
    autoOffsetReset: "earliest",
  });
  const fetches: ConsumerEvents["fetch"][] = [];
  const lags: ConsumerEvents["lag"][] = [];
  consumer.on("fetch", (event) => fetches.push(event));
  const stop = consumer.on("lag", (event) => lags.push(event));
  const published: unknown[] = [];
  const onMessage = (message: unknown) => published.push(message);
  subscribe("ottla:consumer:assigned", onMessage);
  const reading = readAll(consumer);
  await runtime.advance(600);
  expect(reading.values).toEqual(["a", "b", "c"]);
  expect(fetches[0]).toMatchObject({ brokerId: 1, partitions: 1, sizeBytes: kafka.log("t", 0).batches[0]!.length });
  expect(fetches[1]).toMatchObject({ partitions: 0, sizeBytes: 0, durationMs: 500 });
  expect(lags.map(({ partitions }) => partitions[0]!.lag)).toEqual([3, 0]);
  expect(published).toEqual([
    { clientId: "me", groupId: "g", partitions: [{ topic: "t", partition: 0 }], generationId: 1 },
  ]);
  stop();
  unsubscribe("ottla:consumer:assigned", onMessage);
  await runtime.advance(600);
  expect(lags.length).toBe(2);
  await settle(runtime, consumer.close());
  await reading.done;
});
