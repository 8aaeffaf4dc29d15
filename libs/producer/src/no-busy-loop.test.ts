import { ErrorCode } from "@ottla/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { Producer } from "./index.ts";
import { setUp } from "./test-support/set-up.ts";

const REFUSED_MS = 10_000;
/** Waits of 100 ms, twice as long each time up to a second, each a fifth shorter by chance: no more tries fit in. */
const TRIES_MAX = 16;
const RECORDS = 200;

const REFUSALS = [
  "NOT_LEADER_OR_FOLLOWER",
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_LEADER_EPOCH",
  "KAFKA_STORAGE_ERROR",
  "NOT_ENOUGH_REPLICAS",
  "UNKNOWN_TOPIC_OR_PARTITION",
] as const;

describe("a leader that refuses for ten seconds", () => {
  test.each(REFUSALS)(
    "with %s is asked as the backoff allows, however many wait; then all is written once, in order",
    async (code) => {
      const { runtime, cluster, producer, within, values } = setUp();
      await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
      const before = new Map(cluster.requestCounts);
      const asked = (apiName: string) => (cluster.requestCounts.get(apiName) ?? 0) - (before.get(apiName) ?? 0);
      cluster.faultOf = ({ apiName }) =>
        apiName === "Produce" ? { kind: "error", errorCode: ErrorCode[code] } : undefined;
      const numbers = Array.from({ length: RECORDS }, (_, number) => `${number}`);
      const sent = Promise.all(numbers.map((value) => producer.send({ topic: "orders", partition: 0, value })));
      for (let passedMs = 0; passedMs < REFUSED_MS; passedMs += 5) await runtime.advance(5);
      expect(asked("Produce")).toBeGreaterThan(5);
      expect(asked("Produce")).toBeLessThanOrEqual(TRIES_MAX);
      expect(asked("Metadata")).toBeLessThanOrEqual(TRIES_MAX);
      cluster.faultOf = () => undefined;
      await within(sent);
      expect(values(0)).toEqual(["first", ...numbers]);
    },
  );
});

test("many clients whose leader refuses come back at times of their own, not all at once", async () => {
  const { runtime, cluster, within } = setUp();
  const { bootstrapServers, connector } = cluster;
  const clients = Array.from({ length: 50 }, () => new Producer({ bootstrapServers, connector, runtime }));
  onTestFinished(async () => {
    cluster.faultOf = () => undefined;
    await within(Promise.all(clients.map((client) => client.close())));
  });
  const send = () => Promise.all(clients.map((client) => client.send({ topic: "orders", partition: 0, value: "v" })));
  await within(send());
  const triesAtMs: number[] = [];
  cluster.faultOf = ({ apiName }) => {
    if (apiName !== "Produce") return undefined;
    triesAtMs.push(runtime.clock.monotonicMs());
    return { kind: "error", errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER };
  };
  const beganMs = runtime.clock.monotonicMs();
  const sent = send();
  for (let passedMs = 0; passedMs < REFUSED_MS; passedMs += 5) await runtime.advance(5);
  // By then each has failed some times, and waits for about a second between two tries.
  const late = triesAtMs.filter((atMs) => atMs > beganMs + REFUSED_MS / 2);
  const inWindow = (startMs: number) => late.filter((atMs) => atMs >= startMs && atMs < startMs + 50).length;
  expect(late.length).toBeGreaterThan(clients.length * 4);
  expect(Math.max(...late.map(inWindow))).toBeLessThan(clients.length / 3);
  cluster.faultOf = () => undefined;
  await within(sent);
});
