import {
  createTopicsApi,
  deleteRecordsApi,
  describeClusterApi,
  describeLogDirsApi,
  describeProducersApi,
  ErrorCode,
  fetchApi,
  findCoordinatorApi,
  heartbeatApi,
  listOffsetsApi,
  metadataApi,
  offsetForLeaderEpochApi,
  produceApi,
} from "@ottla/protocol";
import { createMemoryDisk, type Disk, DiskError } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { prometheusText } from "./metrics/metric-family.ts";
import { copyOf } from "./test-support/disk-copy.ts";
import { FaultyDisk } from "./test-support/faulty-disk.ts";
import { RecordingLogger } from "./test-support/recording-logger.ts";
import { startForTest } from "./test-support/start-for-test.ts";
import { batchOf, TestBroker, type TestBrokerOptions } from "./test-support/test-broker.ts";

/** The partitions in each log directory, by DescribeLogDirs, with the directories' errors. */
async function directories(test: TestBroker) {
  const { results } = await test.client.send(describeLogDirsApi, 4, { topics: null });
  return results.map(({ logDir, errorCode, topics }) => ({
    logDir,
    errorCode,
    logs: topics.flatMap(({ name, partitions }) => partitions.map((one) => `${name}-${one.partitionIndex}`)).sort(),
  }));
}

const partitionImages = (test: TestBroker, topic: string) =>
  test.broker.services.image.topicsByName.get(topic)!.partitions;

const logDirs = (test: TestBroker) => test.broker.services.image.brokers.get("1")!.logDirs;

/** A partition of `topic` in the directory with this name. */
async function partitionIn(test: TestBroker, logDir: string, topic = "orders"): Promise<number> {
  const logs = (await directories(test)).find((one) => one.logDir === logDir)!.logs;
  return Number(logs.find((log) => log.startsWith(`${topic}-`))!.slice(topic.length + 1));
}

async function metaOf(disk: Disk): Promise<Map<string, string>> {
  const text = new TextDecoder().decode(await disk.readFile("/data/meta.properties"));
  return new Map(text.split("\n").map((line) => line.split("=") as [string, string]));
}

describe("several log directories", () => {
  it("take new partitions where there are the fewest, and the metadata says which has each", async () => {
    const disks = [createMemoryDisk(), createMemoryDisk(), createMemoryDisk()] as const;
    const test = await startForTest({ disk: disks[0], moreDisks: disks.slice(1) });
    await test.createTopic("orders", 7);
    await test.runtime.settle();
    const found = await directories(test);
    expect(found.map(({ logDir, errorCode }) => [logDir, errorCode])).toEqual([
      ["/data", 0],
      ["/data1", 0],
      ["/data2", 0],
    ]);
    // The first directory has the log of the metadata too.
    expect(found.map(({ logs }) => logs.length).sort()).toEqual([2, 2, 3]);
    const metas = await Promise.all(disks.map(metaOf));
    const ids = metas.map((meta) => meta.get("directory.id")!);
    expect(new Set(ids).size).toBe(3);
    expect(new Set(metas.map((meta) => meta.get("cluster.id"))).size).toBe(1);
    expect(logDirs(test)).toEqual(ids);
    for (const { partition, directories: assigned, leaderEpoch } of partitionImages(test, "orders")) {
      const holder = found.findIndex(({ logs }) => logs.includes(`orders-${partition}`));
      expect([assigned, leaderEpoch]).toEqual([[ids[holder]], 0]);
      expect((await test.produce("orders", partition, batchOf("a"))).errorCode).toBe(ErrorCode.NONE);
    }
  });

  it("have everything where it was after a restart, also in another order", async () => {
    const [one, two] = [createMemoryDisk(), createMemoryDisk()];
    const first = await startForTest({ disk: one, moreDisks: [two] });
    await first.createTopic("orders", 4);
    for (let i = 0; i < 4; i++) await first.produce("orders", i, batchOf(`v${i}`));
    const before = await directories(first);
    await first[Symbol.asyncDispose]();
    const second = await startForTest({ disk: one, moreDisks: [two] });
    expect(await directories(second)).toEqual(before);
    expect(partitionImages(second, "orders").map(({ leaderEpoch }) => leaderEpoch)).toEqual([0, 0, 0, 0]);
    await second[Symbol.asyncDispose]();
    const third = await startForTest({ disk: two, moreDisks: [one] });
    expect((await directories(third)).map(({ logs }) => logs)).toEqual(before.map(({ logs }) => logs).reverse());
    for (let i = 0; i < 4; i++) expect((await third.produce("orders", i, batchOf("next"))).baseOffset).toBe(1);
  });

  it("may become more: what is there stays, what is new goes to the new one", async () => {
    const [one, two] = [createMemoryDisk(), createMemoryDisk()];
    const first = await startForTest({ disk: one });
    await first.createTopic("old", 3);
    await first[Symbol.asyncDispose]();
    const second = await startForTest({ disk: one, moreDisks: [two] });
    await second.createTopic("new", 3);
    expect((await directories(second)).map(({ logs }) => logs)).toEqual([
      ["old-0", "old-1", "old-2"],
      ["new-0", "new-1", "new-2"],
    ]);
  });

  it("are refused where they belong to different brokers or hold a partition twice", async () => {
    const [one, two] = [createMemoryDisk(), createMemoryDisk()];
    for (const disk of [one, two]) {
      const test = await startForTest({ disk });
      await test.createTopic("orders");
      await test[Symbol.asyncDispose]();
    }
    await expect(startForTest({ disk: one, moreDisks: [two] })).rejects.toThrow(
      /\/data1 both hold __cluster_metadata-0/,
    );
    await two.remove("/data/__cluster_metadata-0");
    await two.remove("/data/meta.properties");
    const foreign = await two.open("/data/meta.properties", { create: true });
    await foreign.write([new TextEncoder().encode("version=1\ncluster.id=elsewhere\nnode.id=1\n")], 0);
    await expect(startForTest({ disk: one, moreDisks: [two] })).rejects.toThrow(/\/data1 belongs to cluster elsewhere/);
    const copy = await copyOf(one);
    await copy.remove("/data/__cluster_metadata-0");
    await expect(startForTest({ disk: one, moreDisks: [copy] })).rejects.toThrow(/have the same directory\.id/);
    await copy.remove("/data/meta.properties");
    await expect(startForTest({ disk: one, moreDisks: [copy] })).rejects.toThrow(/\/data1 is not a data directory/);
  });
});

/** A broker with a topic on two disks, `/data1` of which has failed when a write did. */
async function withFailedDirectory(options: TestBrokerOptions = {}) {
  const logger = new RecordingLogger();
  const [one, two] = [createMemoryDisk(), new FaultyDisk()];
  const fatal: Error[] = [];
  const test = await startForTest({
    disk: one,
    moreDisks: [two],
    logger,
    config: { "offsets.topic.num.partitions": 4 },
    onFatal: (error) => fatal.push(error),
    ...options,
  });
  await test.createTopic("orders", 4);
  for (let i = 0; i < 4; i++) await test.produce("orders", i, batchOf("before"));
  const [good, bad] = [await partitionIn(test, "/data"), await partitionIn(test, "/data1")];
  const fail = async () => {
    two.break();
    const { errorCode } = await test.produce("orders", bad, batchOf("lost"));
    two.repair();
    await test.runtime.settle();
    return errorCode;
  };
  return { test, one, two, logger, fatal, good, bad, fail };
}

describe("a log directory that fails", () => {
  it("is counted in the metrics, with the replicas in it", async () => {
    const { test, fail } = await withFailedDirectory();
    const counts = async () => {
      const text = [...prometheusText(await test.broker.metrics())].join("");
      return ["kafka_log_logmanager_offlinelogdirectorycount", "kafka_server_replicamanager_offlinereplicacount"].map(
        (name) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]),
      );
    };
    expect(await counts()).toEqual([0, 0]);
    await fail();
    expect(await counts()).toEqual([1, 2]);
  });

  it("answers for each of its partitions that the storage failed, and the others are served", async () => {
    const { test, logger, fatal, good, bad, fail } = await withFailedDirectory();
    expect(await fail()).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const { client } = test;
    const topicId = test.broker.services.image.topicsByName.get("orders")!.topicId;
    const wanted = [ErrorCode.NONE, ErrorCode.KAFKA_STORAGE_ERROR];
    const both = [good, bad];

    const produced = await client.send(produceApi, 13, {
      acks: 1,
      timeoutMs: 1000,
      topicData: [{ topicId, partitionData: both.map((index) => ({ index, records: batchOf("after") })) }],
    });
    expect(produced.responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)).toEqual(wanted);
    expect(produced.responses[0]!.partitionResponses[1]!.errorMessage).toMatch(/offline/);

    const partitions = both.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 }));
    const fetched = await client.send(fetchApi, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: "orders", partitions }],
    });
    expect(fetched.responses[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual(wanted);
    expect(fetched.responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(0);

    for (const timestamp of [-1, -2, -3, 0]) {
      const queries = both.map((partitionIndex) => ({ partitionIndex, timestamp }));
      const listed = await client.send(listOffsetsApi, 7, {
        replicaId: -1,
        topics: [{ name: "orders", partitions: queries }],
      });
      expect(listed.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual(wanted);
    }
    const epochs = both.map((partition) => ({ partition, leaderEpoch: 0 }));
    const ends = await client.send(offsetForLeaderEpochApi, 4, { topics: [{ topic: "orders", partitions: epochs }] });
    expect(ends.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual(wanted);
    const producers = await client.send(describeProducersApi, 0, {
      topics: [{ name: "orders", partitionIndexes: both }],
    });
    expect(producers.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual(wanted);
    const deletions = both.map((partitionIndex) => ({ partitionIndex, offset: 1 }));
    const deleted = await client.send(deleteRecordsApi, 2, {
      timeoutMs: 1000,
      topics: [{ name: "orders", partitions: deletions }],
    });
    expect(deleted.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual(wanted);

    expect(await directories(test)).toMatchObject([
      { logDir: "/data", errorCode: ErrorCode.NONE },
      { logDir: "/data1", errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logs: [] },
    ]);
    const { topics } = await client.send(metadataApi, 12, { topics: [{ name: "orders" }] });
    const offline = topics[0]!.partitions.map((one) => [one.partitionIndex, one.leaderId, one.offlineReplicas]);
    expect(offline).toContainEqual([good, 1, []]);
    expect(offline).toContainEqual([bad, 1, [1]]);
    expect(fatal).toEqual([]);
    const errors = logger.lines.filter(({ level }) => level === "error");
    expect(errors.map(({ message }) => message)).toEqual([
      "the log directory failed; its partitions are offline until the next start",
    ]);
    expect(errors[0]!.fields).toMatchObject({ error: expect.stringMatching(/on purpose/) });
  });

  it("wakes fetches that wait there, and refuses producers that wait for replicas", async () => {
    const { test, bad, fail } = await withFailedDirectory();
    const waiting = test.connect().send(fetchApi, 12, {
      maxWaitMs: 60_000,
      minBytes: 1,
      topics: [{ topic: "orders", partitions: [{ partition: bad, fetchOffset: 1, partitionMaxBytes: 1000 }] }],
    });
    await test.runtime.settle();
    const committed = test.broker.services.partitions.get("orders", bad)!.committedAt(5);
    await fail();
    expect((await waiting).responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    await expect(committed).rejects.toMatchObject({ errno: ErrorCode.KAFKA_STORAGE_ERROR });
  });

  it("takes new topics no more; deleting and creating one of its own again puts it elsewhere", async () => {
    const { test, two, one, bad, fail } = await withFailedDirectory();
    await fail();
    expect(logDirs(test)).toHaveLength(1);
    await test.createTopic("later", 3);
    expect((await directories(test))[0]!.logs.filter((log) => log.startsWith("later"))).toHaveLength(3);
    await test.deleteTopic("orders");
    await test.createTopic("orders", 4);
    for (let i = 0; i < 4; i++) expect((await test.produce("orders", i, batchOf("new"))).baseOffset).toBe(0);
    await test[Symbol.asyncDispose]();
    // The next start finds the disk mended, and on it the logs of the topic that was deleted.
    const again = await startForTest({ disk: one, moreDisks: [two] });
    expect((await again.produce("orders", bad, batchOf("newer"))).baseOffset).toBe(1);
    expect((await directories(again)).map(({ errorCode }) => errorCode)).toEqual([0, 0]);
    expect((await directories(again))[1]!.logs.filter((log) => log.startsWith("orders"))).toEqual([]);
  });

  it("costs the groups in it their coordinator, and no others", async () => {
    const { test, fail } = await withFailedDirectory();
    const { client } = test;
    await client.send(findCoordinatorApi, 0, { key: "any" });
    await test.runtime.settle();
    await fail();
    const heartbeats = new Map<number, number>();
    for (let i = 0; i < 20; i++) {
      const groupId = `group-${i}`;
      const { errorCode } = await client.send(findCoordinatorApi, 0, { key: groupId });
      const beat = await client.send(heartbeatApi, 4, { groupId, generationId: 1, memberId: "m" });
      heartbeats.set(errorCode, (heartbeats.get(errorCode) ?? 0) + 1);
      const isHere = errorCode === ErrorCode.NONE;
      expect(beat.errorCode).toBe(isHere ? ErrorCode.UNKNOWN_MEMBER_ID : ErrorCode.NOT_COORDINATOR);
    }
    expect([...heartbeats.keys()].sort((a, b) => a - b)).toEqual([ErrorCode.NONE, ErrorCode.COORDINATOR_NOT_AVAILABLE]);
  });

  it("is whole again after a restart with the disk mended", async () => {
    const { test, one, two, bad, fail } = await withFailedDirectory();
    await fail();
    await test[Symbol.asyncDispose]().catch(() => {});
    const again = await startForTest({ disk: one, moreDisks: [two] });
    expect((await again.produce("orders", bad, batchOf("after"))).baseOffset).toBe(1);
    expect(logDirs(again)).toHaveLength(2);
  });

  it("that cannot be read at the start is offline, and no empty log takes the place of one in it", async () => {
    const { test, one, two, good, bad } = await withFailedDirectory();
    await test.runtime.settle();
    await test[Symbol.asyncDispose]();
    two.break();
    const logger = new RecordingLogger();
    const again = await startForTest({ disk: one, moreDisks: [two], logger });
    expect((await again.produce("orders", bad, batchOf("after"))).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await again.produce("orders", good, batchOf("after"))).baseOffset).toBe(1);
    expect((await directories(again)).map(({ errorCode }) => errorCode)).toEqual([0, ErrorCode.KAFKA_STORAGE_ERROR]);
    expect(logger.lines.filter(({ level }) => level === "error").map(({ message }) => message)).toEqual([
      "a log directory cannot be used; its partitions are offline until the next start",
    ]);
    expect((await one.list("/data")).map(({ name }) => name)).not.toContain(`orders-${bad}`);
    await again[Symbol.asyncDispose]();
    two.repair();
    const mended = await startForTest({ disk: one, moreDisks: [two] });
    expect((await mended.produce("orders", bad, batchOf("after"))).baseOffset).toBe(1);
  });

  it("ends the broker where the metadata is in it", async () => {
    const [one, two] = [new FaultyDisk(), createMemoryDisk()];
    const fatal: Error[] = [];
    const test = await TestBroker.start({ disk: one, moreDisks: [two], onFatal: (error) => fatal.push(error) });
    await test.createTopic("orders", 4);
    one.break();
    await test.produce("orders", await partitionIn(test, "/data"), batchOf("lost"));
    expect(fatal).toHaveLength(1);
    await expect(test.broker.shutdown()).rejects.toThrow(DiskError);
  });

  it("ends the broker where it is the only one; embedded, it answers that its storage failed and lives on", async () => {
    const disk = new FaultyDisk();
    const fatal: Error[] = [];
    const test = await TestBroker.start({ disk, onFatal: (error) => fatal.push(error) });
    await test.createTopic("orders", 2);
    disk.fault = (action, path) => (action === "write" && path.includes("orders-0/") ? "IO" : null);
    for (const index of [0, 1]) {
      expect((await test.produce("orders", index, batchOf("a"))).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    }
    expect(fatal).toHaveLength(1);
    expect(
      (await test.client.send(describeClusterApi, 0, { includeClusterAuthorizedOperations: false })).brokers,
    ).toHaveLength(1);
    expect(await test.topicNames()).toEqual(["orders"]);
    const topic = { name: "more", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    const { topics } = await test.client.send(createTopicsApi, 7, { topics: [topic] });
    expect(topics[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    await expect(test.broker.shutdown()).rejects.toThrow(DiskError);
  });
});
