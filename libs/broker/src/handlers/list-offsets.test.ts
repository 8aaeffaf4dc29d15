import { ErrorCode, encodeRecordBatch, listOffsetsApi } from "@ottla/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TestBroker } from "../test-support/test-broker.ts";

let test: TestBroker;

beforeEach(async () => {
  test = await TestBroker.start();
  await test.createTopic("orders");
});
afterEach(() => test[Symbol.asyncDispose]());

const START_MS = Date.UTC(2024, 0, 1);

/** One batch for each time, in this order. */
async function produceAt(...timestamps: number[]): Promise<void> {
  for (const timestampMs of timestamps) {
    await test.produce(
      "orders",
      0,
      encodeRecordBatch({ records: [{ value: "x" }], timestampMs: START_MS + timestampMs }),
    );
  }
}

async function offsetAt(timestamp: number, version = 11, more: { currentLeaderEpoch?: number; index?: number } = {}) {
  const partition = { partitionIndex: more.index ?? 0, timestamp, currentLeaderEpoch: more.currentLeaderEpoch };
  const response = await test.client.send(listOffsetsApi, version, {
    replicaId: -1,
    topics: [{ name: "orders", partitions: [partition] }],
  });
  const found = response.topics[0]!.partitions[0]!;
  return {
    errorCode: found.errorCode,
    offset: found.offset,
    timestamp: found.timestamp,
    leaderEpoch: found.leaderEpoch,
  };
}

/** The replica id of those who look into replicas. */
const COMPARES_REPLICAS = -2;
const NOT_FOUND = { errorCode: ErrorCode.NONE, offset: -1, timestamp: -1, leaderEpoch: -1 };

describe("ListOffsets", () => {
  it("finds the ends of a log", async () => {
    expect(await offsetAt(-2)).toMatchObject({ offset: 0, timestamp: -1 });
    expect(await offsetAt(-1)).toMatchObject({ offset: 0, timestamp: -1, leaderEpoch: 0 });
    await produceAt(1, 2, 3);
    await test.broker.services.partitions.get("orders", 0)!.log.advanceLogStartOffset(2);
    expect(await offsetAt(-2)).toMatchObject({ offset: 2, leaderEpoch: 0 });
    expect(await offsetAt(-1)).toMatchObject({ offset: 3, leaderEpoch: 0 });
    expect(await offsetAt(-4)).toMatchObject({ offset: 2, leaderEpoch: 0 });
  });

  it("finds the first record at or after a time", async () => {
    await produceAt(1000, 3000, 2000, 5000);
    expect(await offsetAt(START_MS)).toMatchObject({ offset: 0, timestamp: START_MS + 1000 });
    expect(await offsetAt(START_MS + 2000)).toMatchObject({ offset: 1, timestamp: START_MS + 3000, leaderEpoch: 0 });
    expect(await offsetAt(START_MS + 3000)).toMatchObject({ offset: 1 });
    expect(await offsetAt(START_MS + 3001)).toMatchObject({ offset: 3, timestamp: START_MS + 5000 });
    expect(await offsetAt(START_MS + 5001)).toEqual(NOT_FOUND);
  });

  it("finds the record with the highest timestamp", async () => {
    expect(await offsetAt(-3)).toEqual(NOT_FOUND);
    await produceAt(1000, 9000, 2000);
    expect(await offsetAt(-3)).toMatchObject({ offset: 1, timestamp: START_MS + 9000 });
  });

  it("answers as Kafka without tiered storage", async () => {
    await produceAt(1000);
    expect(await offsetAt(-5)).toEqual(NOT_FOUND);
    expect(await offsetAt(-6)).toEqual(NOT_FOUND);
  });

  it.each([
    [-3, 6, 7],
    [-4, 7, 8],
    [-5, 8, 9],
    [-6, 10, 11],
  ])("knows the timestamp %i not in v%i but in v%i", async (timestamp, before, since) => {
    expect((await offsetAt(timestamp, before)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect((await offsetAt(timestamp, since)).errorCode).toBe(ErrorCode.NONE);
  });

  it("ends at the high watermark for consumers and at the log's end for replicas", async () => {
    const partition = test.broker.services.partitions.get("orders", 0)!;
    await produceAt(1000);
    partition.update({ ...partition.image, replicas: [1, 2], isr: [1, 2], partitionEpoch: 1 });
    const later = encodeRecordBatch({ records: [{ value: "a" }], timestampMs: START_MS + 5000 });
    void test.produceOn(test.connect(), "orders", 0, later).catch(() => {});
    await test.runtime.settle();
    expect(await offsetAt(-1)).toMatchObject({ offset: 1 });
    expect(await offsetAt(-3), "the newest record is not committed").toEqual(NOT_FOUND);
    for (const replicaId of [2, COMPARES_REPLICAS]) {
      const { topics } = await test.client.send(listOffsetsApi, 11, {
        replicaId,
        topics: [{ name: "orders", partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
      });
      expect(topics[0]!.partitions[0]).toMatchObject({ offset: 2 });
    }
  });

  it("refuses what it does not have, stale epochs, and a partition asked for twice", async () => {
    expect((await offsetAt(-1, 11, { index: 7 })).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await offsetAt(-1, 11, { currentLeaderEpoch: 5 })).errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    const { topics } = await test.client.send(listOffsetsApi, 11, {
      replicaId: -1,
      topics: [{ name: "orders", partitions: [0, 0].map((partitionIndex) => ({ partitionIndex, timestamp: -1 })) }],
    });
    expect(topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.INVALID_REQUEST]);
  });
});
