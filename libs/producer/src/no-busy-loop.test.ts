import { ErrorCode } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
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
