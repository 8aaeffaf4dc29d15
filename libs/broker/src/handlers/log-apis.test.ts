import {
  createPartitionsApi,
  deleteRecordsApi,
  describeAclsApi,
  describeLogDirsApi,
  describeProducersApi,
  describeTopicPartitionsApi,
  ErrorCode,
  encodeRecordBatch,
  incrementalAlterConfigsApi,
  listConfigResourcesApi,
  listOffsetsApi,
  offsetForLeaderEpochApi,
  type RequestInput,
} from "@ottla/protocol";
import { createMemoryDisk } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { batchOf, TestBroker } from "../test-support/test-broker.ts";

let test: TestBroker;
beforeEach(async () => {
  test = await TestBroker.start();
});
afterEach(() => test[Symbol.asyncDispose]());

describe("DeleteRecords", () => {
  async function deleteRecords(topic: string, offset: number, partitionIndex = 0) {
    const request = { topics: [{ name: topic, partitions: [{ partitionIndex, offset }] }], timeoutMs: 1000 };
    const { topics } = await test.client.send(deleteRecordsApi, 2, request);
    const { lowWatermark, errorCode } = topics[0]!.partitions[0]!;
    return { lowWatermark, errorCode };
  }

  async function earliest(topic: string) {
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -2 }] }];
    return (await test.client.send(listOffsetsApi, 7, { replicaId: -1, topics })).topics[0]!.partitions[0]!.offset;
  }

  it("moves the log start offset, and -1 stands for all that is committed", async () => {
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("a", "b", "c"));
    expect(await deleteRecords("orders", 2)).toEqual({ lowWatermark: 2, errorCode: ErrorCode.NONE });
    expect(await earliest("orders")).toBe(2);
    // What is gone already stays gone.
    expect(await deleteRecords("orders", 1)).toEqual({ lowWatermark: 2, errorCode: ErrorCode.NONE });
    expect(await deleteRecords("orders", -1)).toEqual({ lowWatermark: 3, errorCode: ErrorCode.NONE });
    expect(await earliest("orders")).toBe(3);
  });

  it.each([
    ["past the high watermark", "orders", 4, 0, ErrorCode.OFFSET_OUT_OF_RANGE],
    ["a negative offset", "orders", -2, 0, ErrorCode.OFFSET_OUT_OF_RANGE],
    ["no such partition", "orders", 0, 7, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ["no such topic", "missing", 0, 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ["a topic that is only compacted", "tables", 0, 0, ErrorCode.POLICY_VIOLATION],
    ["an internal topic", "__consumer_offsets", 0, 0, ErrorCode.INVALID_TOPIC_EXCEPTION],
  ])("refuses %s", async (_, topic, offset, partition, errorCode) => {
    await test.createTopic("orders");
    await test.createTopic("tables", 1, { "cleanup.policy": "compact" });
    await test.broker.services.topics.ensure("__consumer_offsets");
    await test.produce("orders", 0, batchOf("a", "b", "c"));
    expect(await deleteRecords(topic, offset, partition)).toEqual({ lowWatermark: -1, errorCode });
  });
});

describe("OffsetForLeaderEpoch", () => {
  async function endOf(leaderEpoch: number, currentLeaderEpoch = -1, partition = 0) {
    const topics = [{ topic: "orders", partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }];
    const response = await test.client.send(offsetForLeaderEpochApi, 4, { replicaId: -1, topics });
    const { errorCode, leaderEpoch: found, endOffset } = response.topics[0]!.partitions[0]!;
    return [errorCode, found, endOffset];
  }

  it("tells where an epoch ends, and the largest epoch before one that left no records", async () => {
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("a", "b"));
    const partition = test.broker.services.partitions.get("orders", 0)!;
    await partition.log.assignLeaderEpoch(5);
    partition.update({ ...partition.image, leaderEpoch: 5 });
    await test.produce("orders", 0, batchOf("c"));
    expect(await endOf(0)).toEqual([ErrorCode.NONE, 0, 2]);
    expect(await endOf(3)).toEqual([ErrorCode.NONE, 0, 2]);
    expect(await endOf(5)).toEqual([ErrorCode.NONE, 5, 3]);
    expect(await endOf(6)).toEqual([ErrorCode.NONE, -1, -1]);
  });

  it("refuses a client with another idea of who leads, and partitions that are not there", async () => {
    await test.createTopic("orders");
    const partition = test.broker.services.partitions.get("orders", 0)!;
    partition.update({ ...partition.image, leaderEpoch: 2 });
    expect(await endOf(0, 1)).toEqual([ErrorCode.FENCED_LEADER_EPOCH, -1, -1]);
    expect(await endOf(0, 3)).toEqual([ErrorCode.UNKNOWN_LEADER_EPOCH, -1, -1]);
    expect(await endOf(0, -1, 4)).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1]);
    partition.update({ ...partition.image, leader: 2, leaderEpoch: 3 });
    expect(await endOf(0)).toEqual([ErrorCode.NOT_LEADER_OR_FOLLOWER, -1, -1]);
  });
});

describe("DescribeLogDirs", () => {
  const describeDirs = async (topics: { topic: string; partitions: number[] }[] | null) =>
    (await test.client.send(describeLogDirsApi, 4, { topics })).results[0]!;

  it("tells the sizes of all replicas, or of those asked for", async () => {
    await test.createTopic("orders", 2);
    const batch = batchOf("a", "b");
    await test.produce("orders", 1, batch.slice());
    const all = await describeDirs(null);
    expect(all).toMatchObject({ errorCode: ErrorCode.NONE, logDir: "/data" });
    expect(all.topics).toEqual([
      {
        name: "orders",
        partitions: [
          { partitionIndex: 0, partitionSize: 0, offsetLag: 0, isFutureKey: false },
          { partitionIndex: 1, partitionSize: batch.length, offsetLag: 0, isFutureKey: false },
        ],
      },
    ]);
    const some = await describeDirs([
      { topic: "orders", partitions: [1, 1, 9] },
      { topic: "missing", partitions: [0] },
    ]);
    expect(some.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([["orders", 1]]);
  });

  it("tells how much room there is where the disk knows, else -1", async () => {
    expect(await describeDirs([])).toMatchObject({ totalBytes: -1, usableBytes: -1 });
    await test[Symbol.asyncDispose]();
    const disk = Object.assign(createMemoryDisk(), { space: async () => ({ totalBytes: 100, usableBytes: 40 }) });
    test = await TestBroker.start({ disk });
    expect(await describeDirs([])).toMatchObject({ totalBytes: 100, usableBytes: 40 });
  });
});

describe("DescribeProducers", () => {
  const describeProducers = async (name: string, partitionIndex = 0) =>
    (await test.client.send(describeProducersApi, 0, { topics: [{ name, partitionIndexes: [partitionIndex] }] }))
      .topics[0]!.partitions[0]!;

  it("tells what the leader remembers of each producer", async () => {
    await test.createTopic("orders");
    const timestampMs = Date.UTC(2024, 0, 1);
    const producer = { producerId: 7, producerEpoch: 2, baseSequence: 0 };
    const records = [{ value: "a" }, { value: "b" }];
    await test.produce("orders", 0, encodeRecordBatch({ records, timestampMs, ...producer }));
    await test.produce("orders", 0, batchOf("from nobody in particular"));
    expect((await describeProducers("orders")).activeProducers).toEqual([
      {
        producerId: 7,
        producerEpoch: 2,
        lastSequence: 1,
        lastTimestamp: timestampMs,
        coordinatorEpoch: -1,
        currentTxnStartOffset: -1,
      },
    ]);
  });

  it("refuses names that cannot be, and partitions that are not there", async () => {
    await test.createTopic("orders");
    expect((await describeProducers("bad name")).errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    expect((await describeProducers("orders", 3)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });

  it("tells what a follower remembers: kafka-transactions has a --broker-id to ask it", async () => {
    await test.createTopic("orders");
    const records = [{ value: "a" }];
    await test.produce("orders", 0, encodeRecordBatch({ records, producerId: 7, producerEpoch: 2, baseSequence: 0 }));
    const partition = test.broker.services.partitions.get("orders", 0)!;
    partition.update({ ...partition.image, leader: 2, leaderEpoch: 1 });
    const { errorCode, activeProducers } = await describeProducers("orders");
    expect(errorCode).toBe(ErrorCode.NONE);
    expect(activeProducers).toMatchObject([{ producerId: 7, producerEpoch: 2, lastSequence: 0 }]);
  });
});

describe("DescribeTopicPartitions", () => {
  const page = (input: Partial<RequestInput<typeof describeTopicPartitionsApi>> = {}) =>
    test.client.send(describeTopicPartitionsApi, 0, { topics: [], ...input });

  beforeEach(async () => {
    await test.createTopic("b", 3);
    await test.createTopic("a", 2);
  });

  /** What was answered, as names and partition numbers. */
  const shown = ({ topics }: Awaited<ReturnType<typeof page>>) =>
    topics.map(({ name, partitions }) => [name, partitions.map(({ partitionIndex }) => partitionIndex)]);

  it("goes through all topics by name, a page at a time", async () => {
    const first = await page({ responsePartitionLimit: 3 });
    expect(shown(first)).toEqual([
      ["a", [0, 1]],
      ["b", [0]],
    ]);
    expect(first.nextCursor).toEqual({ topicName: "b", partitionIndex: 1 });
    const second = await page({ responsePartitionLimit: 2, cursor: first.nextCursor });
    expect([shown(second), second.nextCursor]).toEqual([[["b", [1, 2]]], null]);
    const full = await page({ responsePartitionLimit: 2 });
    expect([shown(full), full.nextCursor]).toEqual([[["a", [0, 1]]], { topicName: "b", partitionIndex: 0 }]);
    expect(shown(await page({ responsePartitionLimit: 0 }))).toEqual([["a", [0]]]);
  });

  it("answers for the topics asked for, once each, and says which are not there", async () => {
    const names = ["b", "missing", "b", "bad name"].map((name) => ({ name }));
    const { topics } = await page({ topics: names });
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ["b", ErrorCode.NONE],
      ["bad name", ErrorCode.INVALID_TOPIC_EXCEPTION],
      ["missing", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect(topics[0]!.partitions[0]).toMatchObject({ leaderId: 1, replicaNodes: [1], isrNodes: [1] });
    expect(topics[0]!.topicAuthorizedOperations).toBeGreaterThan(0);
  });

  it("goes on after a topic that was deleted between two pages", async () => {
    await test.deleteTopic("a");
    expect(shown(await page({ cursor: { topicName: "a", partitionIndex: 1 } }))).toEqual([["b", [0, 1, 2]]]);
  });

  it("refuses a cursor that cannot be", async () => {
    const outside = await page({ topics: [{ name: "a" }], cursor: { topicName: "b", partitionIndex: 0 } });
    expect(outside.topics).toMatchObject([{ name: "a", errorCode: ErrorCode.INVALID_REQUEST }]);
    const negative = await page({ topics: [{ name: "a" }], cursor: { topicName: "a", partitionIndex: -1 } });
    expect(negative.topics).toMatchObject([{ name: "a", errorCode: ErrorCode.INVALID_REQUEST }]);
  });

  it("holds no more partitions than max.request.partition.size.limit", async () => {
    await test[Symbol.asyncDispose]();
    test = await TestBroker.start({ config: { "max.request.partition.size.limit": 2 } });
    await test.createTopic("c", 5);
    const { nextCursor } = await page({ responsePartitionLimit: 100 });
    expect(nextCursor).toEqual({ topicName: "c", partitionIndex: 2 });
  });

  it("tells of partitions that were added meanwhile", async () => {
    const more = { topics: [{ name: "a", count: 4, assignments: null }], timeoutMs: 1000, validateOnly: false };
    await test.client.send(createPartitionsApi, 3, more);
    expect(shown(await page({ cursor: { topicName: "a", partitionIndex: 2 } }))[0]).toEqual(["a", [2, 3]]);
  });
});

describe("ListConfigResources", () => {
  const list = async (resourceTypes: number[], version = 1) => {
    const { errorCode, configResources } = await test.client.send(listConfigResourcesApi, version, { resourceTypes });
    return [errorCode, configResources.map(({ resourceType, resourceName }) => `${resourceType}:${resourceName}`)];
  };

  it("names topics and brokers, and groups that have configs of their own", async () => {
    await test.createTopic("orders");
    const resource = {
      resourceType: 32,
      resourceName: "billing",
      configs: [{ name: "consumer.session.timeout.ms", configOperation: 0, value: "50000" }],
    };
    const request = { resources: [resource], validateOnly: false };
    expect((await test.client.send(incrementalAlterConfigsApi, 1, request)).responses[0]!.errorCode).toBe(0);
    expect(await list([])).toEqual([ErrorCode.NONE, ["2:orders", "4:1", "8:1", "32:billing"]]);
    expect(await list([32, 2])).toEqual([ErrorCode.NONE, ["2:orders", "32:billing"]]);
    expect(await list([], 0)).toEqual([ErrorCode.NONE, []]);
  });

  it("refuses types that it does not know", async () => {
    expect(await list([2, 7])).toEqual([ErrorCode.UNSUPPORTED_VERSION, []]);
  });
});

describe("DescribeAcls", () => {
  it.each([1, 2, 3])("v%i says that there is no authorizer", async (version) => {
    const filter = { resourceTypeFilter: 1, operation: 1, permissionType: 1 };
    const anyone = { resourceNameFilter: null, principalFilter: null, hostFilter: null };
    expect(await test.client.send(describeAclsApi, version, { ...filter, ...anyone })).toMatchObject({
      errorCode: ErrorCode.SECURITY_DISABLED,
      errorMessage: "No Authorizer is configured on the broker",
      resources: [],
    });
  });
});
