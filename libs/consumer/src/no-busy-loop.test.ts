import { ErrorCode } from "@ottla/protocol";
import { createSimulatedRuntime, type SimulatedRuntime } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Consumer, type ConsumerOptions } from "./index.ts";
import { FakeKafka } from "./test-support/fake-kafka.ts";
import { closeAll, readAll } from "./test-support/reading.ts";

const REFUSED_MS = 10_000;
/** Waits of 100 ms, twice as long each time up to a second, each a fifth shorter by chance: no more tries fit in. */
const TRIES_MAX = 16;

let runtime: SimulatedRuntime;
let kafka: FakeKafka;
let open: Consumer[];

beforeEach(() => {
  runtime = createSimulatedRuntime(1);
  kafka = new FakeKafka(runtime, { t: 2 });
  open = [];
});

afterEach(() => closeAll(runtime, open));

function create(options: Partial<ConsumerOptions> = {}): Consumer {
  const consumer = new Consumer({ ...kafka.clientOptions, autoOffsetReset: "earliest", ...options });
  open.push(consumer);
  return consumer;
}

async function pass(durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 5) await runtime.advance(5);
}

/** How many requests of each kind come while ten seconds pass. */
async function askedWhile(refusing: () => void): Promise<(apiName: string) => number> {
  const before = new Map(kafka.cluster.requestCounts);
  refusing();
  await pass(REFUSED_MS);
  const after = new Map(kafka.cluster.requestCounts);
  return (apiName) => (after.get(apiName) ?? 0) - (before.get(apiName) ?? 0);
}

describe("a leader that refuses for ten seconds", () => {
  test.each([
    "NOT_LEADER_OR_FOLLOWER",
    "FENCED_LEADER_EPOCH",
    "UNKNOWN_LEADER_EPOCH",
    "OFFSET_NOT_AVAILABLE",
    "KAFKA_STORAGE_ERROR",
    "UNKNOWN_TOPIC_OR_PARTITION",
  ] as const)("with %s is asked as the backoff allows; then reading goes on", async (code) => {
    const consumer = create();
    consumer.assign([{ topic: "t", partition: 0 }]);
    const { values } = readAll(consumer);
    kafka.append("t", 0, ["before"]);
    await pass(1_000);
    const asked = await askedWhile(() => {
      kafka.fetchFault = (answer) => ({ ...answer, errorCode: ErrorCode[code], records: null });
      kafka.append("t", 0, ["after"]);
    });
    expect(asked("Fetch")).toBeGreaterThan(5);
    expect(asked("Fetch")).toBeLessThanOrEqual(TRIES_MAX);
    expect(asked("Metadata")).toBeLessThanOrEqual(TRIES_MAX);
    expect(asked("ListOffsets")).toBeLessThanOrEqual(TRIES_MAX);
    kafka.fetchFault = (answer) => answer;
    await pass(2_000);
    expect(values).toEqual(["before", "after"]);
  });
});

describe("a coordinator that refuses for ten seconds", () => {
  test.each(["NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS"] as const)(
    "with %s is asked, and looked up, as the backoff allows; then its member joins",
    async (code) => {
      const consumer = create({ groupId: "g", groupProtocol: "classic" });
      consumer.subscribe(["t"]);
      const { values } = readAll(consumer);
      kafka.append("t", 0, ["record"]);
      const asked = await askedWhile(() => {
        kafka.joinErrors = Array(1_000).fill(ErrorCode[code]);
      });
      expect(asked("JoinGroup")).toBeGreaterThan(5);
      expect(asked("JoinGroup")).toBeLessThanOrEqual(TRIES_MAX);
      expect(asked("FindCoordinator")).toBeLessThanOrEqual(TRIES_MAX);
      kafka.joinErrors = [];
      await pass(2_000);
      expect(values).toEqual(["record"]);
    },
  );
});
