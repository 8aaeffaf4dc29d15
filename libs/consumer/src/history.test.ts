import { ErrorCode, offsetForLeaderEpochApi } from "@ottla/protocol";
import { createSimulatedRuntime, type SimulatedRuntime } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Consumer, type ConsumerEvents, type ConsumerOptions } from "./index.ts";
import { FakeKafka } from "./test-support/fake-kafka.ts";
import { readAll, settle } from "./test-support/reading.ts";

const T0 = { topic: "t", partition: 0 };

let runtime: SimulatedRuntime;
let kafka: FakeKafka;
let open: Consumer[];
let lost: ConsumerEvents["historyLost"][];
let resets: ConsumerEvents["reset"][];

beforeEach(() => {
  runtime = createSimulatedRuntime(1);
  kafka = new FakeKafka(runtime, { t: 1 }, 2);
  open = [];
  lost = [];
  resets = [];
});

afterEach(async () => {
  for (const consumer of open) await settle(runtime, consumer.close());
  await runtime.advance(1_000);
  expect(runtime.pendingTimers).toBe(0);
});

function reader(options: Partial<ConsumerOptions> = {}): Consumer {
  const consumer = new Consumer({ ...kafka.clientOptions, autoOffsetReset: "earliest", ...options });
  open.push(consumer);
  consumer.on("historyLost", (event) => lost.push(event));
  consumer.on("reset", (event) => resets.push(event));
  consumer.assign([T0]);
  return consumer;
}

describe("autoOffsetReset by duration", () => {
  test.each([
    { byDurationMs: 5_400_000 },
    "by_duration:PT1H30M",
    "by_duration:pt90m",
    "by_duration:PT5400.000S",
  ] as const)("%j begins at the first record that is young enough", async (autoOffsetReset) => {
    kafka.append("t", 0, ["old", "young"]);
    const asked: number[] = [];
    kafka.log("t", 0).offsetForTime = (timestampMs) => {
      asked.push(timestampMs);
      return 1;
    };
    const { values } = readAll(reader({ autoOffsetReset }));
    await runtime.advance(500);
    expect(values).toEqual(["young"]);
    expect(asked.length).toBe(1);
    expect(runtime.clock.nowMs() - asked[0]!).toBeGreaterThanOrEqual(5_400_000);
    expect(runtime.clock.nowMs() - asked[0]!).toBeLessThanOrEqual(5_400_501);
  });

  test("begins at the end where all records are older", async () => {
    kafka.append("t", 0, ["old"]);
    const { values } = readAll(reader({ autoOffsetReset: { byDurationMs: 1_000 } }));
    await runtime.advance(500);
    kafka.append("t", 0, ["new"]);
    await runtime.advance(500);
    expect(values).toEqual(["new"]);
  });

  test.each([
    "by_duration:",
    "by_duration:P",
    "by_duration:PT",
    "by_duration:1h",
    "by_duration:P1M",
    "by_duration:-PT1H",
  ])("%s is refused", (text) => {
    expect(() => reader({ autoOffsetReset: text as "by_duration:" })).toThrow(/autoOffsetReset is .*by_duration:PT1H/);
  });

  test.each([{ byDurationMs: -1 }, { byDurationMs: Number.NaN }, {}, "sometime", null])("%j is refused", (given) => {
    expect(() => reader({ autoOffsetReset: given as never })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG" }),
    );
  });
});

describe("records that were deleted before they were read", () => {
  test("are told of with both offsets, and reading goes on", async () => {
    kafka.append("t", 0, ["a", "b", "c", "d"]);
    const consumer = reader();
    consumer.seek(T0, 1);
    kafka.log("t", 0).logStartOffset = 3;
    const { values } = readAll(consumer);
    await runtime.advance(500);
    expect(lost).toEqual([{ ...T0, reason: "outOfRange", fromOffset: 1, toOffset: 3 }]);
    expect(resets).toMatchObject([{ reason: "outOfRange", fromOffset: 1, toOffset: 3 }]);
    expect(values).toEqual(["d"]);
  });

  test("are told of with the policy none as well, and reading throws", async () => {
    kafka.append("t", 0, ["a", "b", "c", "d"]);
    const consumer = reader({ autoOffsetReset: "none" });
    consumer.seek(T0, 1);
    kafka.log("t", 0).logStartOffset = 3;
    await expect(settle(runtime, readAll(consumer).done)).rejects.toMatchObject({
      code: "OFFSET_OUT_OF_RANGE",
      message: expect.stringContaining("begins at 3"),
    });
    expect(lost[0]).toEqual({ ...T0, reason: "outOfRange", fromOffset: 1, toOffset: 3 });
  });
});

describe("a log that was cut back (KIP-320)", () => {
  /** The new leader's log is the old one up to `offset`, and goes on differently. */
  function cutBackTo(offset: number, ...values: string[]): void {
    kafka.cluster.moveLeader("t", 0, kafka.cluster.partition("t", 0).leader === 1 ? 2 : 1);
    const log = kafka.log("t", 0);
    log.batches.length = offset;
    log.nextOffset = offset;
    log.endOfEpoch = (leaderEpoch) => ({ leaderEpoch, endOffset: leaderEpoch === 0 ? offset : log.nextOffset });
    for (const value of values) kafka.append("t", 0, [value]);
  }

  function appendOneByOne(...values: string[]): void {
    for (const value of values) kafka.append("t", 0, [value]);
  }

  test("is noticed though the new log reaches further, and reading goes on where the logs part", async () => {
    appendOneByOne("a", "b", "c", "d");
    const { values } = readAll(reader());
    await runtime.advance(500);
    cutBackTo(2, "x", "y", "z");
    await runtime.advance(3_000);
    expect(values).toEqual(["a", "b", "c", "d", "x", "y", "z"]);
    expect(lost).toEqual([{ ...T0, reason: "truncated", fromOffset: 4, toOffset: 2 }]);
    expect(resets.at(-1)).toEqual({ ...T0, reason: "truncated", fromOffset: 4, toOffset: 2 });
  });

  test("behind what was handed out only takes back what was not", async () => {
    appendOneByOne("a", "b", "c", "d");
    const consumer = reader();
    const loop = consumer.records();
    expect((await settle(runtime, loop.next())).value.value).toBe("a");
    cutBackTo(2, "x");
    await runtime.advance(3_000);
    const rest = [await settle(runtime, loop.next()), await settle(runtime, loop.next())];
    expect(rest.map(({ value }) => value.value)).toEqual(["b", "x"]);
    expect(lost).toEqual([]);
  });

  test("throws with the policy none, until the user seeks", async () => {
    appendOneByOne("a", "b", "c");
    const consumer = reader({ autoOffsetReset: "none" });
    consumer.seek(T0, 0);
    const first = readAll(consumer);
    await runtime.advance(500);
    cutBackTo(1, "x", "y", "z");
    await expect(settle(runtime, first.done)).rejects.toMatchObject({
      code: "LOG_TRUNCATION",
      message: expect.stringContaining("cut back at 1"),
    });
    await runtime.advance(5_000);
    expect(lost).toEqual([{ ...T0, reason: "truncated", fromOffset: 3, toOffset: 1 }]);
    await expect(settle(runtime, readAll(consumer).done)).rejects.toMatchObject({ code: "LOG_TRUNCATION" });
    consumer.seek(T0, 1);
    const { values } = readAll(consumer);
    await runtime.advance(500);
    expect(values).toEqual(["x", "y", "z"]);
  });

  test("of which the leader does not know where is left to the policy", async () => {
    appendOneByOne("a", "b", "c");
    const { values } = readAll(reader());
    await runtime.advance(500);
    cutBackTo(1, "x", "y");
    kafka.log("t", 0).endOfEpoch = () => ({ leaderEpoch: -1, endOffset: -1 });
    await runtime.advance(3_000);
    expect(lost).toMatchObject([{ fromOffset: 3, toOffset: 0 }]);
    expect(values).toEqual(["a", "b", "c", "a", "x", "y"]);
  });

  test("is not looked for where the leader stays, and only once where it moves and has everything", async () => {
    appendOneByOne("a", "b");
    const { values } = readAll(reader());
    await runtime.advance(500);
    expect(kafka.cluster.requestCounts.get("OffsetForLeaderEpoch")).toBeUndefined();
    kafka.cluster.moveLeader("t", 0, 2);
    kafka.append("t", 0, ["c"]);
    await runtime.advance(3_000);
    expect([values, lost]).toEqual([["a", "b", "c"], []]);
    expect(kafka.cluster.requestCounts.get("OffsetForLeaderEpoch")).toBe(1);
  });

  test("is asked about again where the answer fails for now", async () => {
    appendOneByOne("a");
    const { values } = readAll(reader());
    await runtime.advance(500);
    let failures = 2;
    kafka.cluster.handle(offsetForLeaderEpochApi, () => {
      const errorCode = failures-- > 0 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.NONE;
      const partitions = [{ errorCode, partition: 0, leaderEpoch: 0, endOffset: 1 }];
      return { throttleTimeMs: 0, topics: [{ topic: "t", partitions }] };
    });
    kafka.cluster.moveLeader("t", 0, 2);
    kafka.append("t", 0, ["b"]);
    await runtime.advance(5_000);
    expect([values, failures]).toEqual([["a", "b"], -1]);
  });
});
