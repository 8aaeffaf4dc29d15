import {
  deleteTopicsApi,
  ErrorCode,
  fetchApi,
  findCoordinatorApi,
  heartbeatApi,
  joinGroupApi,
  listOffsetsApi,
  offsetCommitApi,
  offsetFetchApi,
  syncGroupApi,
} from "@ottla/protocol";
import { createMemoryDisk } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { DiskGate, FaultyDisk } from "./test-support/faulty-disk.ts";
import { RecordingLogger } from "./test-support/recording-logger.ts";
import { startForTest } from "./test-support/start-for-test.ts";
import { batchOf, type TestBroker } from "./test-support/test-broker.ts";
import type { TestClient } from "./test-support/test-client.ts";

async function fetchFrom(client: TestClient, partition: number, fetchOffset: number) {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }];
  const { responses } = await client.send(fetchApi, 12, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic: "orders", partitions }],
  });
  const { errorCode, records } = responses[0]!.partitions[0]!;
  return { errorCode, sizeBytes: records?.length ?? 0 };
}

async function endOf(client: TestClient, partitionIndex: number) {
  const { topics } = await client.send(listOffsetsApi, 7, {
    replicaId: -1,
    topics: [{ name: "orders", partitions: [{ partitionIndex, timestamp: -1 }] }],
  });
  return topics[0]!.partitions[0]!.offset;
}

async function member(test: TestBroker, client: TestClient) {
  const join = { groupId: "g", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocolType: "consumer" };
  const protocols = [{ name: "range", metadata: new Uint8Array(0) }];
  await client.send(findCoordinatorApi, 0, { key: "g" });
  await test.runtime.settle();
  const asked = await client.send(joinGroupApi, 5, { ...join, memberId: "", protocols });
  const joining = client.send(joinGroupApi, 5, { ...join, memberId: asked.memberId, protocols });
  await test.runtime.advance(3_000);
  const { memberId, generationId } = await joining;
  const assignments = [{ memberId, assignment: new Uint8Array(0) }];
  const synced = await client.send(syncGroupApi, 3, { groupId: "g", generationId, memberId, assignments });
  expect(synced.errorCode).toBe(ErrorCode.NONE);
  return { groupId: "g", memberId, generationId };
}

describe("a full disk", () => {
  it("refuses appends, serves reads, takes appends again when there is room, and loses nothing", async () => {
    const [disk, logger] = [new FaultyDisk(), new RecordingLogger()];
    const test = await startForTest({ disk, logger });
    await test.createTopic("orders", 2);
    const { client } = test;
    for (const index of [0, 1]) expect((await test.produce("orders", index, batchOf("a", "b"))).errorCode).toBe(0);
    disk.fault = (action, path) => (action === "write" && path.endsWith(".log") ? "NO_SPACE" : null);
    for (let i = 0; i < 5; i++) {
      const refused = await test.produce("orders", i % 2, batchOf("refused"));
      expect([refused.errorCode, refused.baseOffset]).toEqual([ErrorCode.KAFKA_STORAGE_ERROR, -1]);
    }
    for (const index of [0, 1]) {
      expect(await endOf(client, index)).toBe(2);
      expect(await fetchFrom(client, index, 0)).toEqual({ errorCode: 0, sizeBytes: batchOf("a", "b").length });
    }
    disk.repair();
    for (const index of [0, 1]) {
      expect(await test.produce("orders", index, batchOf("c"))).toMatchObject({ errorCode: 0, baseOffset: 2 });
    }
    // Of each partition one line that it is refused, and one that it is not any more.
    const told = logger.lines.filter(({ message }) => /takes? (them|appends) again$/.test(message));
    expect(told.map(({ level }) => level).sort()).toEqual(["info", "info", "warn", "warn"]);
    await test[Symbol.asyncDispose]();
    const again = await startForTest({ disk });
    for (const index of [0, 1]) {
      expect(await endOf(again.client, index)).toBe(3);
      const { sizeBytes } = await fetchFrom(again.client, index, 0);
      expect(sizeBytes).toBe(batchOf("a", "b").length + batchOf("c").length);
    }
  });

  it("that takes no new log keeps a partition offline until there is room, and no longer", async () => {
    const [disk, logger] = [new FaultyDisk(), new RecordingLogger()];
    const test = await startForTest({ disk, logger });
    await test.createTopic("before", 1);
    disk.fault = (action, path) => (action === "open" && /orders-\d/.test(path) ? "NO_SPACE" : null);
    await test.createTopic("orders", 2);
    for (let i = 0; i < 3; i++) {
      await test.runtime.advance(5_000);
      for (const index of [0, 1]) {
        expect((await test.produce("orders", index, batchOf("a"))).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
      }
      expect((await test.produce("before", 0, batchOf("a"))).errorCode).toBe(ErrorCode.NONE);
    }
    disk.repair();
    await test.runtime.advance(5_000);
    for (const index of [0, 1]) {
      expect(await test.produce("orders", index, batchOf("a"))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    }
    // One line of each when it goes offline, and one when it is back.
    const told = logger.lines.filter(({ message }) => /cannot be opened|that was offline/.test(message));
    expect(told.map(({ level }) => level).sort()).toEqual(["error", "error", "info", "info"]);
  });

  it("that takes no new log is not asked again for a topic that was deleted meanwhile", async () => {
    const disk = new FaultyDisk();
    const test = await startForTest({ disk });
    disk.fault = (action, path) => (action === "open" && /orders-\d/.test(path) ? "NO_SPACE" : null);
    await test.createTopic("orders", 1);
    await test.client.send(deleteTopicsApi, 3, { topicNames: ["orders"], timeoutMs: 1_000 });
    await test.runtime.settle();
    const asked: string[] = [];
    disk.fault = (_action, path) => {
      if (path.includes("orders")) asked.push(path);
      return null;
    };
    await test.runtime.advance(20_000);
    expect(asked).toEqual([]);
  });

  it("that takes its time over a deleted topic's logs holds up nobody but a new topic of that name", async () => {
    const [disk, gate] = [new FaultyDisk(), new DiskGate()];
    const test = await startForTest({ disk });
    await test.createTopic("orders", 100);
    await test.produce("orders", 0, batchOf("a"));
    disk.fault = (action, path) => (action === "rename" && /orders-\d+$/.test(path) ? gate.wait() : null);
    await test.deleteTopic("orders");
    expect((await test.produce("orders", 0, batchOf("b"))).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    await test.createTopic("others");
    expect((await test.produce("others", 0, batchOf("c"))).errorCode).toBe(ErrorCode.NONE);
    expect(gate.waiting).toBeGreaterThan(1);
    expect(gate.waiting).toBeLessThan(100);
    let isCreated = false;
    const created = test.createTopic("orders", 100).then(() => (isCreated = true));
    await test.runtime.settle();
    expect(isCreated).toBe(false);
    gate.open();
    await created;
    expect(await test.produce("orders", 0, batchOf("d"))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    await test[Symbol.asyncDispose]();
  });

  it("that hangs while logs are removed holds up a stop, which leaves none of them to the next start", async () => {
    const [disk, gate] = [new FaultyDisk(), new DiskGate()];
    const test = await startForTest({ disk });
    await test.createTopic("orders", 100);
    disk.fault = (action, path) => (action === "rename" && /orders-\d+$/.test(path) ? gate.wait() : null);
    await test.deleteTopic("orders");
    await test.runtime.settle();
    const stopped = test[Symbol.asyncDispose]();
    gate.open();
    await stopped;
    const left = async () => (await disk.list("/data")).filter(({ name }) => /^orders-\d+$/.test(name)).length;
    expect(await left()).toBe(0);
    const again = await startForTest({ disk });
    expect(await again.topicNames()).not.toContain("orders");
    expect((await disk.list("/data")).filter(({ name }) => name.endsWith("-stray"))).toEqual([]);
  });

  it("is what a memory disk is at its capacity, whatever is written then", async () => {
    const disk = createMemoryDisk({ capacityBytes: 6_000_000 });
    const test = await startForTest({
      disk,
      config: { "log.segment.bytes": 1_048_576, "log.retention.bytes": 2_000_000 },
    });
    await test.createTopic("orders", 1);
    const value = "x".repeat(200_000);
    const acknowledged: number[] = [];
    for (let i = 0; i < 40; i++) {
      const { errorCode, baseOffset } = await test.produce("orders", 0, batchOf(value));
      if (errorCode === ErrorCode.NONE) acknowledged.push(baseOffset);
      else expect(errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    }
    expect(acknowledged.length).toBeLessThan(40);
    expect(acknowledged).toEqual(acknowledged.map((_, i) => i));
    expect(await endOf(test.client, 0)).toBe(acknowledged.length);
    expect((await fetchFrom(test.client, 0, 0)).sizeBytes).toBeGreaterThan(200_000);
    // Retention makes room.
    await test.runtime.advance(300_000);
    await test.runtime.advance(60_000);
    expect((await test.produce("orders", 0, batchOf(value))).errorCode).toBe(ErrorCode.NONE);
  });

  it("costs no group its members, and commits go on when there is room", async () => {
    const disk = new FaultyDisk();
    const test = await startForTest({ disk, config: { "offsets.topic.num.partitions": 1 } });
    await test.createTopic("orders");
    const client = test.connect();
    const joined = await member(test, client);
    const commit = async (committedOffset: number) => {
      const topics = [{ name: "orders", partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: "" }] }];
      const answer = await client.send(offsetCommitApi, 8, {
        ...joined,
        generationIdOrMemberEpoch: joined.generationId,
        topics,
      });
      return answer.topics[0]!.partitions[0]!.errorCode;
    };
    expect(await commit(1)).toBe(ErrorCode.NONE);
    disk.fault = (action, path) => (action === "write" && path.includes("__consumer_offsets") ? "NO_SPACE" : null);
    expect(await commit(2)).not.toBe(ErrorCode.NONE);
    disk.repair();
    await test.runtime.advance(2_000);
    const { topics } = await client.send(offsetFetchApi, 7, { groupId: "g", topics: null });
    expect(topics[0]!.partitions[0]!.committedOffset).toBe(1);
    expect(await commit(3)).toBe(ErrorCode.NONE);
    expect((await client.send(heartbeatApi, 4, joined)).errorCode).toBe(ErrorCode.NONE);
  });
});

describe("a disk that hangs at one file", () => {
  it.each([
    ["a write", "write", {}],
    ["a sync", "sync", { "log.flush.interval.messages": 1 }],
  ] as const)(
    "by %s stops neither heartbeats, nor other partitions, nor reads of other data",
    async (_, hanging, config) => {
      const [disk, gate] = [new FaultyDisk(), new DiskGate()];
      const test = await startForTest({ disk, config: { "offsets.topic.num.partitions": 1, ...config } });
      await test.createTopic("orders", 2);
      const client = test.connect();
      const joined = await member(test, client);
      await test.produce("orders", 0, batchOf("before"));
      disk.fault = (action, path) => (action === hanging && path.includes("orders-0/") ? gate.wait() : null);
      let isAnswered = false;
      const held = test.produceOn(test.connect(), "orders", 0, batchOf("held")).then((result) => {
        isAnswered = true;
        return result;
      });
      await test.runtime.settle();
      expect([gate.waiting, isAnswered]).toEqual([1, false]);
      for (let beat = 0; beat < 10; beat++) {
        await test.runtime.advance(50);
        expect((await client.send(heartbeatApi, 4, joined)).errorCode).toBe(ErrorCode.NONE);
      }
      const topics = [
        { name: "orders", partitions: [{ partitionIndex: 1, committedOffset: 5, committedMetadata: "" }] },
      ];
      const committed = await client.send(offsetCommitApi, 8, {
        ...joined,
        generationIdOrMemberEpoch: joined.generationId,
        topics,
      });
      expect(committed.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
      for (let i = 0; i < 3; i++) {
        expect(await test.produce("orders", 1, batchOf("other"))).toMatchObject({ errorCode: 0, baseOffset: i });
      }
      expect((await fetchFrom(client, 1, 0)).sizeBytes).toBeGreaterThan(0);
      expect(await fetchFrom(client, 0, 0)).toMatchObject({ errorCode: 0, sizeBytes: expect.any(Number) });
      expect(await endOf(client, 0)).toBeGreaterThanOrEqual(1);
      await test.createTopic("more");
      expect(isAnswered).toBe(false);
      disk.repair();
      gate.open();
      expect(await held).toMatchObject({ errorCode: 0, baseOffset: 1 });
      expect(await endOf(client, 0)).toBe(2);
    },
  );

  it("by a sync in the background (log.flush.interval.ms) keeps no producer waiting", async () => {
    const [disk, gate] = [new FaultyDisk(), new DiskGate()];
    const test = await startForTest({ disk, config: { "log.flush.interval.ms": 10 } });
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("before"));
    disk.fault = (action, path) => (action === "sync" && path.includes("orders-0/") ? gate.wait() : null);
    await test.runtime.advance(5_000);
    expect(gate.waiting).toBe(1);
    for (let i = 1; i <= 3; i++) {
      expect(await test.produce("orders", 0, batchOf("meanwhile"))).toMatchObject({ errorCode: 0, baseOffset: i });
      await test.runtime.advance(1_000);
    }
    expect(gate.waiting).toBe(1);
    expect(await endOf(test.client, 0)).toBe(4);
    disk.repair();
    gate.open();
    await test.runtime.settle();
    expect(await test.produce("orders", 0, batchOf("after"))).toMatchObject({ errorCode: 0, baseOffset: 4 });
  });

  it("answers acks=all in the client's own time", async () => {
    const [disk, gate] = [new FaultyDisk(), new DiskGate()];
    const test = await startForTest({ disk });
    await test.createTopic("orders");
    disk.fault = (action, path) => (action === "write" && path.includes("orders-0/") ? gate.wait() : null);
    const held = test.produceOn(test.connect(), "orders", 0, batchOf("held"));
    await test.runtime.advance(1_050);
    expect((await held).errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
    disk.repair();
    gate.open();
    await test.runtime.settle();
    expect(await endOf(test.client, 0)).toBe(1);
  });
});
