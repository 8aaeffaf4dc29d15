import {
  codecByName,
  consumerGroupDescribeApi,
  consumerGroupHeartbeatApi,
  ErrorCode,
  encodeRecordBatch,
  fetchApi,
  findCoordinatorApi,
  incrementalAlterConfigsApi,
  listOffsetsApi,
  type RecordInput,
  readRecordBatch,
} from "@ottla/protocol";
import { batchSizeAt, compressionAt } from "@ottla/protocol/internal";
import { seededRandom } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { FaultyDisk } from "../test-support/faulty-disk.ts";
import { startForTest } from "../test-support/start-for-test.ts";
import { batchOf, type TestBroker, type TestBrokerOptions } from "../test-support/test-broker.ts";

const BROKER = 4;
const SET = 0;
const DELETE = 1;

/** What a change of the cluster's configs does to a topic that was there before, seen from outside. */
async function ready(options: TestBrokerOptions = {}) {
  const test = await startForTest(options);
  await test.createTopic("t");
  return test;
}

async function alter(test: TestBroker, configs: Readonly<Record<string, string | number | null>>): Promise<void> {
  const operations = Object.entries(configs).map(([name, value]) => ({
    name,
    configOperation: value === null ? DELETE : SET,
    value: value === null ? null : String(value),
  }));
  const resources = [{ resourceType: BROKER, resourceName: "", configs: operations }];
  const { responses } = await test.client.send(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
  expect(responses[0]!.errorMessage).toBeNull();
}

/** Produces a batch at the broker's time, moved by `agoMs`. */
function produce(test: TestBroker, records: readonly RecordInput[], agoMs = 0) {
  return test.produce("t", 0, encodeRecordBatch({ records, timestampMs: test.runtime.clock.nowMs() - agoMs }));
}

const filesOf = async (test: TestBroker, ending: string): Promise<string[]> =>
  (await test.disk.list("/data/t-0")).map(({ name }) => name).filter((name) => name.endsWith(ending));

/** How often files of the topic have been synced since. */
function countSyncs(disk: FaultyDisk): () => number {
  let syncs = 0;
  disk.fault = (action, path) => {
    if (action === "sync" && path.includes("t-0/")) syncs++;
    return null;
  };
  return () => syncs;
}

async function earliest(test: TestBroker): Promise<number> {
  const partitions = [{ partitionIndex: 0, timestamp: -2 }];
  const { topics } = await test.client.send(listOffsetsApi, 7, { replicaId: -1, topics: [{ name: "t", partitions }] });
  return topics[0]!.partitions[0]!.offset;
}

/** The bytes of the first batches from `fetchOffset` on. */
async function fetched(test: TestBroker, fetchOffset: number): Promise<Uint8Array> {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }];
  const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: "t", partitions }] };
  const { responses } = await test.client.send(fetchApi, 12, request);
  return responses[0]!.partitions[0]!.records!;
}

/** Key and value of every record that is left. */
async function records(test: TestBroker): Promise<(string | null)[][]> {
  const found: (string | null)[][] = [];
  const text = (part: Uint8Array | null) => (part === null ? null : new TextDecoder().decode(part));
  let offset = await earliest(test);
  for (let bytes = await fetched(test, offset); bytes.length > 0; bytes = await fetched(test, offset)) {
    for (let position = 0; position < bytes.length; position += batchSizeAt(bytes, position)) {
      const batch = await readRecordBatch(bytes, position);
      for (const { key, value } of batch) found.push([text(key), text(value)]);
      offset = batch.lastOffset + 1;
    }
  }
  return found;
}

const MINUTE_MS = 60_000;
const large = { value: "x".repeat(600_000) };

describe("a config of the cluster that changes at run time takes effect on topics that are there", () => {
  it("message.max.bytes", async () => {
    const test = await ready();
    await alter(test, { "message.max.bytes": 200 });
    expect((await produce(test, [{ value: "x".repeat(300) }])).errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    await alter(test, { "message.max.bytes": null });
    expect((await produce(test, [{ value: "x".repeat(300) }])).errorCode).toBe(ErrorCode.NONE);
  });

  it("compression.type", async () => {
    const test = await ready();
    await alter(test, { "compression.type": "gzip" });
    await test.produce("t", 0, batchOf("a"));
    expect(compressionAt(await fetched(test, 0), 0)).toBe(codecByName("gzip").id);
  });

  it("log.message.timestamp.type", async () => {
    const test = await ready();
    expect((await produce(test, [{ value: "a" }], MINUTE_MS)).logAppendTimeMs).toBe(-1);
    await alter(test, { "log.message.timestamp.type": "LogAppendTime" });
    expect((await produce(test, [{ value: "a" }], MINUTE_MS)).logAppendTimeMs).toBe(test.runtime.clock.nowMs());
  });

  it("log.message.timestamp.before.max.ms and .after.max.ms", async () => {
    const test = await ready();
    await alter(test, { "log.message.timestamp.before.max.ms": 1000, "log.message.timestamp.after.max.ms": 1000 });
    expect((await produce(test, [{ value: "a" }])).errorCode).toBe(ErrorCode.NONE);
    for (const agoMs of [5000, -5000]) {
      expect((await produce(test, [{ value: "a" }], agoMs)).errorCode).toBe(ErrorCode.INVALID_TIMESTAMP);
    }
  });

  it("log.segment.bytes", async () => {
    const test = await ready();
    for (let i = 0; i < 3; i++) await produce(test, [large]);
    expect(await filesOf(test, ".log")).toHaveLength(1);
    await alter(test, { "log.segment.bytes": 1 << 20 });
    for (let i = 0; i < 3; i++) await produce(test, [large]);
    expect((await filesOf(test, ".log")).length).toBeGreaterThanOrEqual(3);
  });

  it("log.roll.ms", async () => {
    const test = await ready();
    await produce(test, [{ value: "a" }]);
    await test.runtime.advance(5000);
    await produce(test, [{ value: "b" }]);
    expect(await filesOf(test, ".log")).toHaveLength(1);
    await alter(test, { "log.roll.ms": 1000 });
    await produce(test, [{ value: "c" }]);
    expect(await filesOf(test, ".log")).toHaveLength(2);
  });

  it("log.roll.jitter.ms: segments are rolled earlier, each by another time", async () => {
    const test = await ready();
    await alter(test, { "log.roll.ms": 10 * MINUTE_MS });
    /** How many of the next segments end within nine of the ten minutes. */
    const early = async () => {
      const before = (await filesOf(test, ".log")).length;
      for (let i = 0; i < 12; i++) {
        await produce(test, [{ value: "a" }]);
        await test.runtime.advance(9 * MINUTE_MS);
        await produce(test, [{ value: "b" }]);
        await test.runtime.advance(12 * MINUTE_MS);
      }
      return (await filesOf(test, ".log")).length - before;
    };
    const withoutJitter = await early();
    await alter(test, { "log.roll.jitter.ms": 9 * MINUTE_MS });
    await early(); // the segment that was there has none yet
    expect(await early()).toBeGreaterThan(withoutJitter + 3);
  });

  it.each([
    ["gzip", "1", "9"],
    ["zstd", "1", "19"],
  ])("compression.%s.level", async (codec, low, high) => {
    const test = await ready();
    await alter(test, { "compression.type": codec });
    const random = seededRandom(7);
    const words = Array.from({ length: 300 }, () => random.nextInt(2 ** 30).toString(36));
    const value = Array.from({ length: 4000 }, () => words[random.nextInt(words.length)]).join(" ");
    const sizes: number[] = [];
    for (const [index, level] of [low, high].entries()) {
      await alter(test, { [`compression.${codec}.level`]: level });
      await produce(test, [{ value }]);
      sizes.push(batchSizeAt(await fetched(test, index), 0));
    }
    expect(sizes[1]).not.toBe(sizes[0]);
  });

  it("group.consumer.assignment.interval.ms", async () => {
    const test = await ready();
    await test.client.send(findCoordinatorApi, 0, { key: "g" });
    let members = 0;
    const join = async () => {
      const member = { memberId: `m${members++}`, memberEpoch: 0, rebalanceTimeoutMs: MINUTE_MS, topicPartitions: [] };
      await test.client.send(consumerGroupHeartbeatApi, 1, { groupId: "g", ...member, subscribedTopicNames: ["t"] });
      const asked = { groupIds: ["g"], includeAuthorizedOperations: false };
      return (await test.client.send(consumerGroupDescribeApi, 1, asked)).groups[0]!;
    };
    await join();
    expect(await join()).toMatchObject({ groupEpoch: 2, assignmentEpoch: 2 });
    await alter(test, { "group.consumer.assignment.interval.ms": 15_000 });
    expect(await join()).toMatchObject({ groupEpoch: 3, assignmentEpoch: 2 });
  });

  it("log.index.interval.bytes, and log.index.size.max.bytes, which fills up", async () => {
    const test = await ready();
    await alter(test, { "log.index.interval.bytes": 1, "log.index.size.max.bytes": 16 });
    for (let i = 0; i < 8; i++) await produce(test, [{ value: "a" }]);
    expect((await filesOf(test, ".log")).length).toBeGreaterThan(1);
  });

  it("log.flush.interval.messages", async () => {
    const disk = new FaultyDisk();
    const test = await ready({ disk });
    const syncs = countSyncs(disk);
    await produce(test, [{ value: "a" }]);
    expect(syncs()).toBe(0);
    await alter(test, { "log.flush.interval.messages": 1 });
    await produce(test, [{ value: "a" }]);
    expect(syncs()).toBeGreaterThan(0);
  });

  it("log.flush.interval.ms", async () => {
    const disk = new FaultyDisk();
    const test = await ready({ disk });
    const syncs = countSyncs(disk);
    await alter(test, { "log.flush.interval.ms": 1000 });
    await produce(test, [{ value: "a" }]);
    expect(syncs()).toBe(0);
    await test.runtime.advance(5000);
    expect(syncs()).toBeGreaterThan(0);
  });

  it("log.retention.ms, and log.segment.delete.delay.ms", async () => {
    const test = await ready();
    await produce(test, [{ value: "a" }]);
    await test.runtime.advance(10 * MINUTE_MS);
    expect(await earliest(test)).toBe(0);
    await alter(test, { "log.retention.ms": 1000, "log.segment.delete.delay.ms": 60 * MINUTE_MS });
    await test.runtime.advance(10 * MINUTE_MS);
    expect(await earliest(test)).toBe(1);
    expect(await filesOf(test, ".log.deleted")).toHaveLength(1);
    await test.runtime.advance(70 * MINUTE_MS);
    expect(await filesOf(test, ".log.deleted")).toHaveLength(0);
  });

  it("log.retention.bytes", async () => {
    const test = await ready();
    await alter(test, { "log.segment.bytes": 1 << 20 });
    for (let i = 0; i < 6; i++) await produce(test, [large]);
    await test.runtime.advance(10 * MINUTE_MS);
    expect(await earliest(test)).toBe(0);
    await alter(test, { "log.retention.bytes": 1 << 20 });
    await test.runtime.advance(10 * MINUTE_MS);
    expect(await earliest(test)).toBeGreaterThan(0);
  });
});

describe("compaction obeys what the cluster's configs say at run time:", () => {
  /** A topic whose first segment has a key twice and a tombstone, and is not the active one. */
  async function dirty(configs: Readonly<Record<string, string | number>>) {
    const test = await ready();
    await alter(test, { "log.roll.ms": 1000, "log.cleaner.backoff.ms": 1000, ...configs });
    const values = [
      { key: "a", value: "1" },
      { key: "a", value: "2" },
      { key: "b", value: null },
    ];
    for (const record of values) await produce(test, [record]);
    await test.runtime.advance(5000);
    await produce(test, [{ key: "c", value: "active" }]);
    await alter(test, { "log.cleanup.policy": "compact" });
    return test;
  }

  const ALL = [
    ["a", "1"],
    ["a", "2"],
    ["b", null],
    ["c", "active"],
  ];

  it("log.cleanup.policy and log.cleaner.min.cleanable.ratio", async () => {
    const test = await dirty({});
    await test.runtime.advance(MINUTE_MS);
    expect(await records(test)).toEqual(ALL.slice(1));
  });

  it("log.cleaner.min.compaction.lag.ms", async () => {
    const test = await dirty({ "log.cleaner.min.compaction.lag.ms": 60 * MINUTE_MS });
    await test.runtime.advance(10 * MINUTE_MS);
    expect(await records(test)).toEqual(ALL);
    await alter(test, { "log.cleaner.min.compaction.lag.ms": null });
    await test.runtime.advance(MINUTE_MS);
    expect(await records(test)).toEqual(ALL.slice(1));
  });

  it("log.cleaner.max.compaction.lag.ms", async () => {
    const test = await dirty({ "log.cleaner.min.cleanable.ratio": 1 });
    await test.runtime.advance(10 * MINUTE_MS);
    expect(await records(test)).toEqual(ALL);
    await alter(test, { "log.cleaner.max.compaction.lag.ms": 1000 });
    await test.runtime.advance(MINUTE_MS);
    expect(await records(test)).toEqual(ALL.slice(1));
  });

  it("log.cleaner.delete.retention.ms", async () => {
    const test = await dirty({ "log.cleaner.delete.retention.ms": 1000 });
    await test.runtime.advance(MINUTE_MS);
    expect(await records(test)).toEqual(ALL.slice(1));
    await produce(test, [{ key: "c", value: "again" }]);
    await test.runtime.advance(5000);
    await produce(test, [{ key: "d", value: "active" }]);
    await test.runtime.advance(MINUTE_MS);
    expect((await records(test)).map(([key]) => key)).toEqual(["a", "c", "d"]);
  });
});
