import { heartbeatApi } from "@ottla/protocol";
import { createSimulatedRuntime } from "@ottla/runtime";
import { afterEach, expect, test } from "vitest";
import { Consumer } from "../index.ts";
import { FakeKafka } from "../test-support/fake-kafka.ts";
import { settle } from "../test-support/reading.ts";

const runtime = createSimulatedRuntime(1);
const kafka = new FakeKafka(runtime, { t: 1 });
const consumer = new Consumer({ ...kafka.clientOptions, groupId: "g", topics: "t" });

afterEach(() => settle(runtime, consumer.close()));

test("go on after one that took longer than the interval, where nothing is fetched that would set them off", async () => {
  await settle(runtime, consumer.start());
  consumer.pause();
  let heartbeats = 0;
  kafka.cluster.handle(heartbeatApi, async () => {
    if (++heartbeats === 1) await new Promise<void>((resolve) => runtime.timers.schedule(4_000, resolve));
    return { errorCode: 0 };
  });
  await runtime.advance(60_000);
  expect(heartbeats).toBeGreaterThan(15);
});
