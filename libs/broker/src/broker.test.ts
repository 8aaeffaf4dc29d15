import { ErrorCode, fetchApi, listOffsetsApi, metadataApi } from "@ottla/protocol";
import { createMemoryDisk, createSimulatedRuntime, type Disk } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { StartupError } from "./services/data-directory.ts";
import { openDirectories } from "./services/open-directories.ts";
import { copyOf } from "./test-support/disk-copy.ts";
import { RecordingLogger } from "./test-support/recording-logger.ts";
import { startForTest } from "./test-support/start-for-test.ts";
import { batchOf, type TestBroker } from "./test-support/test-broker.ts";

/** The broker's disk as kill -9 leaves it. */
const killed = (broker: TestBroker) => copyOf(broker.disk);

/** The same after an orderly stop. */
async function stopped(broker: TestBroker): Promise<Disk> {
  await broker.broker.shutdown();
  return copyOf(broker.disk);
}

const METADATA = "/data/__cluster_metadata-0";

const FIRST_SEGMENT = "00000000000000000000.log";

/** The name of the only log of a partition that was set aside. */
async function strayOf(disk: Disk, partition: string): Promise<string> {
  const names = (await disk.list("/data")).map(({ name }) => name);
  const strays = names.filter((name) => name.startsWith(`${partition}.`) && name.endsWith("-stray"));
  expect(strays).toHaveLength(1);
  return strays[0]!;
}

/** Gives the metadata's only segment other contents. */
async function overwriteMetadata(disk: Disk, contents: Uint8Array): Promise<void> {
  const file = await disk.open(`${METADATA}/00000000000000000000.log`);
  await file.truncate(0);
  await file.write([contents], 0);
  await file.close();
}

const partitionOf = (broker: TestBroker, topic = "orders", index = 0) =>
  broker.broker.services.partitions.get(topic, index)!;

describe("a broker that starts again", () => {
  it.each(["stopped", "killed"] as const)("has its cluster id, topics and records after it was %s", async (how) => {
    const first = await startForTest();
    const topicId = await first.createTopic("orders", 2);
    await first.produce("orders", 1, batchOf("a", "b"));
    const second = await startForTest({ disk: how === "stopped" ? await stopped(first) : await killed(first) });
    expect(second.broker.clusterId).toBe(first.broker.clusterId);
    const { topics } = await second.client.send(metadataApi, 12, { topics: null });
    expect(topics).toMatchObject([{ name: "orders", topicId, partitions: [{ leaderId: 1 }, { leaderId: 1 }] }]);
    expect(partitionOf(second, "orders", 1).log).toMatchObject({ logEndOffset: 2, highWatermark: 2 });
    const fetched = await second.client.send(fetchApi, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: "orders", partitions: [{ partition: 1, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
    });
    expect(fetched.responses[0]!.partitions[0]!.records!.length).toBe(batchOf("a", "b").length);
  });

  it.each(["killed", "stopped"] as const)(
    "makes indexes anew by the topic's own configs after it was %s",
    async (how) => {
      const moreDisks = [createMemoryDisk()];
      const first = await startForTest({ moreDisks });
      await first.createTopic("orders", 3, { "index.interval.bytes": "1" });
      for (const partition of [0, 1, 2])
        for (const value of ["a", "b", "c"]) await first.produce("orders", partition, batchOf(value));
      const disk = how === "stopped" ? await stopped(first) : await killed(first);
      const more = await copyOf(moreDisks[0]!);
      const index = "00000000000000000000.index";
      const holders = [0, 1, 2].map((partition) => ({ partition, path: `/data/orders-${partition}/${index}` }));
      for (const each of [disk, more]) for (const { path } of holders) await each.remove(path).catch(() => {});
      await startForTest({ disk, moreDisks: [more] });
      const found = await Promise.all(
        [disk, more].flatMap((each) => holders.map(({ path }) => each.stat(path).catch(() => null))),
      );
      const BYTES_OF_AN_ENTRY = 8;
      expect(found.filter((file) => file !== null).map(({ sizeBytes }) => sizeBytes)).toEqual(
        [0, 1, 2].map(() => 2 * BYTES_OF_AN_ENTRY),
      );
    },
  );

  it("begins a new leader epoch after kill -9, and goes on in the old one after a clean stop", async () => {
    const first = await startForTest();
    await first.createTopic("orders");
    const second = await startForTest({ disk: await stopped(first) });
    expect(partitionOf(second).leaderEpoch).toBe(0);
    const third = await startForTest({ disk: await killed(second) });
    expect(partitionOf(third).leaderEpoch).toBe(1);
    await third.produce("orders", 0, batchOf("a"));
    expect(partitionOf(third).log.latestLeaderEpoch).toBe(1);
  });

  it("begins a new leader epoch after kill -9 also where a start has failed in between", async () => {
    const first = await startForTest();
    await first.createTopic("orders");
    const disk = await killed(first);
    await expect(startForTest({ disk, portInUse: true })).rejects.toThrow("the port is in use");
    expect(partitionOf(await startForTest({ disk })).leaderEpoch).toBe(1);
  });

  it("is another incarnation with a higher epoch", async () => {
    const first = await startForTest();
    const before = first.broker.services.image.brokers.get("1")!;
    const second = await startForTest({ disk: await stopped(first) });
    const after = second.broker.services.image.brokers.get("1")!;
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(after.incarnationId).not.toBe(before.incarnationId);
    expect(after.logDirs).toEqual(before.logDirs);
  });

  it("takes its id from the directory where none was set", async () => {
    const first = await startForTest({ config: { "node.id": 5 } });
    const second = await startForTest({ disk: await stopped(first) });
    expect(second.broker.nodeId).toBe(5);
    const third = startForTest({ disk: await stopped(second), config: { "node.id": 6 } });
    await expect(third).rejects.toThrow(/belongs to broker 5, and this is broker 6/);
  });

  it("keeps the log of a topic whose deletion it did not finish aside, and says so at every start", async () => {
    const first = await startForTest();
    await first.createTopic("kept");
    await first.createTopic("orders");
    await first.produce("orders", 0, batchOf("a", "b"));
    const withLog = await killed(first);
    await first.deleteTopic("orders");
    const afterDeletion = await killed(first);
    await copyOf(withLog, afterDeletion, "/data/orders-0");
    const logger = new RecordingLogger();
    const second = await startForTest({ disk: afterDeletion, logger });
    expect(await second.topicNames()).toEqual(["kept"]);
    expect(logger.messages()).toContain("a log that the metadata have no partition for is kept under another name");
    const stray = await strayOf(second.disk, "orders-0");
    expect((await second.disk.readFile(`/data/${stray}/${FIRST_SEGMENT}`)).length).toBe(batchOf("a", "b").length);
    const names = (await second.disk.list("/data")).map(({ name }) => name);
    expect(names).toContain("kept-0");
    expect(names).not.toContain("orders-0");
    const later = new RecordingLogger();
    await startForTest({ disk: await stopped(second), logger: later });
    const told = later.lines.find(({ message }) => message.startsWith("logs that the metadata had no partition for"));
    expect(told?.fields).toMatchObject({ strays: 1, examples: [stray] });
  });

  it("deletes nothing where a partition.metadata names another topic", async () => {
    const first = await startForTest();
    await first.createTopic("orders");
    await first.produce("orders", 0, batchOf("a", "b"));
    const disk = await stopped(first);
    const file = await disk.open("/data/orders-0/partition.metadata", { truncate: true });
    await file.write([new TextEncoder().encode("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAACQ")], 0);
    await file.close();
    const second = await startForTest({ disk });
    expect(await second.produce("orders", 0, batchOf("c"))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    const stray = await strayOf(second.disk, "orders-0");
    expect((await second.disk.readFile(`/data/${stray}/${FIRST_SEGMENT}`)).length).toBe(batchOf("a", "b").length);
  });

  it.each([
    ["missing", async (disk: Disk) => disk.remove(METADATA)],
    ["empty", async (disk: Disk) => overwriteMetadata(disk, new Uint8Array(0))],
    ["damaged from its first byte on", async (disk: Disk) => overwriteMetadata(disk, new Uint8Array(100))],
  ])("does not start where the metadata is %s and there are topics, and removes none", async (_, lose) => {
    const first = await startForTest();
    await first.createTopic("orders");
    await first.produce("orders", 0, batchOf("a", "b"));
    const disk = await stopped(first);
    await lose(disk);
    // A second start must not take the first one's traces for metadata.
    for (const _start of [1, 2]) {
      await expect(startForTest({ disk })).rejects.toThrow(/^\/data holds "orders-0" and no metadata.*log\.dirs$/);
    }
    const names = (await disk.list("/data")).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("orders"))).toEqual(["orders-0"]);
    const log = await disk.readFile("/data/orders-0/00000000000000000000.log");
    expect(log.length).toBe(batchOf("a", "b").length);
  });

  it.each([
    ["orders-0/partition.metadata", "version: 0\ntopic_id: short\n", 'its topic id "short" is none'],
    ["replication-offset-checkpoint", "0\n1\norders\n", 'it has a line that does not belong there: "orders"'],
  ])("does not start where %s is damaged, and says where it is", async (name, text, problem) => {
    const first = await startForTest();
    await first.createTopic("orders");
    const disk = await stopped(first);
    const file = await disk.open(`/data/${name}`, { create: true, truncate: true });
    await file.write([new TextEncoder().encode(text)], 0);
    await file.close();
    await expect(startForTest({ disk })).rejects.toThrow(`/data/${name} cannot be used: ${problem}`);
  });

  it("serves a topic that was deleted and created again, although the old one's log is still there", async () => {
    const broker = await startForTest();
    await broker.createTopic("orders");
    await broker.produce("orders", 0, batchOf("a", "b", "c"));
    const before = await broker.disk.readFile("/data/orders-0/partition.metadata");
    await broker.deleteTopic("orders");
    await broker.createTopic("orders");
    const disk = await killed(broker);
    const file = await disk.open("/data/orders-0/partition.metadata");
    await file.truncate(0);
    await file.write([before], 0);
    await file.close();

    const again = await startForTest({ disk });
    const result = await again.produce("orders", 0, batchOf("new"));
    expect([result.errorCode, result.baseOffset]).toEqual([ErrorCode.NONE, 0]);
  });

  it("touches nothing in a directory of Apache Kafka that has no metadata", async () => {
    const disk = createMemoryDisk();
    const files = {
      "/kafka/meta.properties": "version=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\nnode.id=1\n",
      "/kafka/orders-0/00000000000000000000.log": "",
      "/kafka/orders-0.0123456789abcdef0123456789abcdef-delete/00000000000000000000.log": "",
    };
    for (const [path, text] of Object.entries(files)) {
      await disk.makeDirectory(path.slice(0, path.lastIndexOf("/")));
      const file = await disk.open(path, { create: true });
      await file.write([new TextEncoder().encode(text)], 0);
      await file.close();
    }
    const directories = [{ disk, path: "/kafka", name: "/var/kafka" }];
    const runtime = createSimulatedRuntime(1);
    const open = () => Promise.reject(new Error("nothing is opened"));
    const alone = { keepsMetadata: true, clusterId: async (proposed: string) => proposed };
    const found = openDirectories({ directories, wantedNodeId: null, defaultNodeId: 1, runtime, open, ...alone });
    found.catch(() => {});
    await expect(found).rejects.toThrow(StartupError);
    await expect(found).rejects.toThrow(/^\/var\/kafka holds "orders-0" and no metadata/);
    expect((await disk.list("/kafka")).map(({ name }) => name).sort()).toEqual([
      "meta.properties",
      "orders-0",
      "orders-0.0123456789abcdef0123456789abcdef-delete",
    ]);
  });

  it("keeps the log of a topic whose partition.metadata is gone", async () => {
    const first = await startForTest();
    await first.createTopic("orders");
    await first.produce("orders", 0, batchOf("a", "b"));
    const disk = await stopped(first);
    await disk.remove("/data/orders-0/partition.metadata");
    const second = await startForTest({ disk });
    expect(await second.produce("orders", 0, batchOf("c"))).toMatchObject({ errorCode: 0, baseOffset: 2 });
  });

  it("replays a long history of metadata through a snapshot", async () => {
    const config = { "metadata.log.max.record.bytes.between.snapshots": 2000 };
    const first = await startForTest({ config });
    for (let i = 0; i < 40; i++) await first.createTopic(`topic-${i}`);
    for (let i = 0; i < 20; i++) await first.deleteTopic(`topic-${i}`);
    const names = (await first.disk.list("/data/__cluster_metadata-0")).map(({ name }) => name);
    expect(names.filter((name) => /^\d{20}-\d{10}\.checkpoint$/.test(name))).toHaveLength(1);
    const second = await startForTest({ disk: await killed(first), config });
    expect((await second.topicNames()).sort()).toEqual((await first.topicNames()).sort());
    await second.createTopic("more");
  });
});

describe("a broker", () => {
  it("takes 2,000 partitions in one request, and has them all after a restart", async () => {
    const first = await startForTest();
    await first.createTopic("wide", 2000);
    expect([...first.broker.services.partitions.all()].every(({ isLeader }) => isLeader)).toBe(true);
    const second = await startForTest({ disk: await stopped(first) });
    expect([...second.broker.services.partitions.all()]).toHaveLength(2000);
  });

  it("keeps the other partitions where one's log cannot be opened", async () => {
    const logger = new RecordingLogger();
    const disk = createMemoryDisk();
    const makeDirectory = disk.makeDirectory.bind(disk);
    disk.makeDirectory = (path, options) =>
      path.endsWith("/orders-1") ? Promise.reject(new Error("input/output error")) : makeDirectory(path, options);
    const broker = await startForTest({ disk, logger });
    await broker.createTopic("orders", 3);
    const results = [];
    for (const index of [0, 1, 2]) results.push((await broker.produce("orders", index, batchOf("a"))).errorCode);
    expect(results).toEqual([ErrorCode.NONE, ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NONE]);
    const fetched = await broker.client.send(fetchApi, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: "orders", partitions: [{ partition: 1, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
    });
    expect(fetched.responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const listed = await broker.client.send(listOffsetsApi, 7, {
      replicaId: -1,
      topics: [{ name: "orders", partitions: [{ partitionIndex: 1, timestamp: -1 }] }],
    });
    expect(listed.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    await broker.deleteTopic("orders");
    expect((await broker.produce("orders", 1, batchOf("a"))).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(logger.lines.filter(({ message }) => message.includes("the partition is offline"))).toHaveLength(1);
  });

  it("can be shut down twice, and answers nothing from then on", async () => {
    const broker = await startForTest();
    await Promise.all([broker.broker.shutdown(), broker.broker.shutdown()]);
    await broker.broker.shutdown();
    expect(() => broker.connect()).toThrow("nothing listens");
  });

  it("leaves no timer behind", async () => {
    const broker = await startForTest();
    await broker.createTopic("orders");
    await broker.broker.shutdown();
    expect(broker.runtime.pendingTimers).toBe(0);
  });
});
