import { heartbeatApi } from "@ottla/protocol";
import { createSimulatedRuntime } from "@ottla/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Consumer, type ConsumerOptions } from "../index.ts";
import { FakeKafka } from "../test-support/fake-kafka.ts";
import { settle } from "../test-support/reading.ts";

let runtime = createSimulatedRuntime(1);
let kafka: FakeKafka;
let consumer: Consumer;

beforeEach(() => {
  runtime = createSimulatedRuntime(1);
  kafka = new FakeKafka(runtime, { t: 1 });
});

afterEach(() => settle(runtime, consumer.close()));

/** A member of the group that fetches nothing. */
async function startIdle(options: Partial<ConsumerOptions> = {}): Promise<void> {
  consumer = new Consumer({ ...kafka.clientOptions, groupId: "g", topics: "t", ...options });
  await settle(runtime, consumer.start());
  consumer.pause();
}

test("go on after one that took longer than the interval, where nothing is fetched that would set them off", async () => {
  await startIdle();
  let heartbeats = 0;
  kafka.cluster.handle(heartbeatApi, async () => {
    if (++heartbeats === 1) await new Promise<void>((resolve) => runtime.timers.schedule(4_000, resolve));
    return { errorCode: 0 };
  });
  await runtime.advance(60_000);
  expect(heartbeats).toBeGreaterThan(15);
});

test("try another connection once one is not answered for a session", async () => {
  await startIdle({ sessionTimeoutMs: 6_000 });
  const connections = kafka.cluster.requestCounts.get("ApiVersions")!;
  let isSilent = true;
  kafka.cluster.faultOf = ({ apiName }) => {
    if (apiName === "Heartbeat" && isSilent) return { kind: "silence" };
    return undefined;
  };
  await runtime.advance(8_000);
  isSilent = false;
  await runtime.advance(5_000);
  expect(kafka.cluster.requestCounts.get("ApiVersions")).toBe(connections + 1);
  expect(consumer.membershipState).toBe("stable");
});

test("go on where timers come a little early, as Node's do by the monotonic clock", async () => {
  const { schedule } = runtime.timers;
  runtime.timers.schedule = (delayMs, callback, options) => schedule(Math.max(0, delayMs - 0.5), callback, options);
  await startIdle();
  await runtime.advance(60_000);
  expect(kafka.heartbeats.length).toBeGreaterThan(15);
  runtime.timers.schedule = schedule;
});
