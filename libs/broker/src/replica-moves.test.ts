import {
  alterReplicaLogDirsApi,
  describeLogDirsApi,
  ErrorCode,
  fetchApi,
  findCoordinatorApi,
  offsetCommitApi,
  offsetFetchApi,
  produceApi,
} from "@ottla/protocol";
import { createMemoryDisk, type Disk } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { DiskGate, FaultyDisk } from "./test-support/faulty-disk.ts";
import { startForTest } from "./test-support/start-for-test.ts";
import { batchOf, type TestBroker } from "./test-support/test-broker.ts";

const SLOWLY = { "replica.alter.log.dirs.io.max.bytes.per.second": 1 };

const start = (disks: readonly Disk[], config: Readonly<Record<string, string | number>> = {}) =>
  startForTest({ disk: disks[0]!, moreDisks: disks.slice(1), config });

async function move(test: TestBroker, path: string, topic = "orders", partition = 0) {
  const dirs = [{ path, topics: [{ name: topic, partitions: [partition] }] }];
  const { results } = await test.client.send(alterReplicaLogDirsApi, 2, { dirs });
  return results[0]!.partitions[0]!.errorCode;
}

/** Where the replicas of a partition are: `/data`, `/data1 future 3`. */
async function places(test: TestBroker, topic = "orders") {
  const { results } = await test.client.send(describeLogDirsApi, 4, { topics: [{ topic, partitions: [0] }] });
  return results.flatMap(({ logDir, topics }) =>
    topics.flatMap(({ partitions }) =>
      partitions.map(({ isFutureKey, offsetLag }) => (isFutureKey ? `${logDir} future ${offsetLag}` : logDir)),
    ),
  );
}

const otherThan = (place: string | undefined) => (place === "/data" ? "/data1" : "/data");

async function until(test: TestBroker, condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await condition()); i++) {
    if (i > 200) throw new Error("it never came to pass");
    await test.runtime.advance(50);
  }
}

/** A move that is under way, slowly, with two records in the log. */
async function startMoving() {
  const disks = [createMemoryDisk(), createMemoryDisk()];
  const test = await start(disks, SLOWLY);
  await test.createTopic("orders");
  await test.produce("orders", 0, batchOf("a", "b"));
  const to = otherThan((await places(test))[0]);
  await move(test, to);
  await test.runtime.settle();
  return { disks, test, to };
}

async function valuesIn(test: TestBroker): Promise<number> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }];
  const request = { maxWaitMs: 0, minBytes: 1, topics: [{ topic: "orders", partitions }] };
  const { responses } = await test.client.send(fetchApi, 12, request);
  expect(responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
  return responses[0]!.partitions[0]!.records!.length;
}

describe("a replica that moves to another log directory of its broker", () => {
  it("is copied, takes over, and is served as before; the metadata say where it is, also after a restart", async () => {
    const disks = [createMemoryDisk(), createMemoryDisk()];
    const test = await start(disks);
    await test.createTopic("orders");
    for (let i = 0; i < 5; i++) await test.produce("orders", 0, batchOf(`v${i}`));
    const [from] = await places(test);
    const to = otherThan(from);
    const sizeBytes = await valuesIn(test);
    expect(await move(test, to)).toBe(ErrorCode.NONE);
    await until(test, async () => (await places(test)).join() === to);
    expect(await valuesIn(test)).toBe(sizeBytes);
    expect(await test.produce("orders", 0, batchOf("next"))).toMatchObject({
      errorCode: ErrorCode.NONE,
      baseOffset: 5,
    });
    await test.runtime.settle();
    const { logDirs } = test.broker.services.image.brokers.get("1")!;
    const image = test.broker.services.image.topicsByName.get("orders")!.partitions[0]!;
    expect([image.directories, image.leaderEpoch]).toEqual([[logDirs[to === "/data" ? 0 : 1]], 0]);
    await test[Symbol.asyncDispose]();
    const again = await start(disks);
    expect(await places(again)).toEqual([to]);
    expect((await again.produce("orders", 0, batchOf("later"))).baseOffset).toBe(6);
    const oldDisk = disks[to === "/data" ? 1 : 0]!;
    expect((await oldDisk.list("/data")).map(({ name }) => name).filter((name) => /^orders-/.test(name))).toEqual([]);
  });

  it("is shown while it is on its way, no faster than it may, and stays where it is when it is told to", async () => {
    const test = await start([createMemoryDisk(), createMemoryDisk()], SLOWLY);
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("a", "b"));
    const [from] = await places(test);
    const to = otherThan(from);
    expect(await move(test, to)).toBe(ErrorCode.NONE);
    await test.runtime.settle();
    await test.produce("orders", 0, batchOf("c", "d", "e"));
    expect((await places(test)).sort()).toEqual([from, `${to} future 3`].sort());
    expect(await move(test, to), "the same again").toBe(ErrorCode.NONE);
    expect(await move(test, from!)).toBe(ErrorCode.NONE);
    expect(await places(test)).toEqual([from]);
    expect((await test.produce("orders", 0, batchOf("f"))).baseOffset).toBe(5);
  });

  it("ends although it is written to without a pause, and loses nothing that was acknowledged", async () => {
    const test = await start([createMemoryDisk(), createMemoryDisk()]);
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("first"));
    const to = otherThan((await places(test))[0]);
    const acknowledged = [0];
    const partition = test.broker.services.partitions.get("orders", 0)!;
    const read = partition.log.read.bind(partition.log);
    partition.log.read = (...what) => {
      const write = () => partition.appendAsLeader(batchOf("more"), { acks: 1, origin: "client" }).append;
      if (acknowledged.length > 100) throw new Error("it never ends");
      try {
        const { written, baseOffset } = write();
        void written.then(() => acknowledged.push(baseOffset));
      } catch (error) {
        expect(error).toMatchObject({ errno: ErrorCode.NOT_LEADER_OR_FOLLOWER });
      }
      return read(...what);
    };
    expect(await move(test, to)).toBe(ErrorCode.NONE);
    await until(test, async () => (await places(test)).join() === to);
    expect(acknowledged.length).toBeGreaterThan(1);
    const { logEndOffset } = test.broker.services.partitions.get("orders", 0)!.log;
    expect(logEndOffset, "what was acknowledged is there").toBe(acknowledged.length);
  });

  it("loses nothing that was on its way to the file when it took over", async () => {
    const [disks, gate] = [[new FaultyDisk(), new FaultyDisk()], new DiskGate()];
    const test = await start(disks);
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("first"));
    const to = otherThan((await places(test))[0]);
    for (const disk of disks)
      disk.fault = (action, path) => (action === "write" && /\/orders-0\/\d+\.log$/.test(path) ? gate.wait() : null);
    const topicData = [{ name: "orders", partitionData: [{ index: 0, records: batchOf("second") }] }];
    const produced = test.connect().send(produceApi, 9, { acks: 1, timeoutMs: 1000, topicData });
    await test.runtime.settle();
    expect(gate.waiting).toBe(1);
    expect(await move(test, to)).toBe(ErrorCode.NONE);
    await test.runtime.advance(100);
    gate.open();
    await until(test, async () => (await places(test)).join() === to);
    const [result] = (await produced).responses[0]!.partitionResponses;
    expect(result).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
    expect(test.broker.services.partitions.get("orders", 0)!.log.logEndOffset).toBe(2);
  });

  it("goes on after a restart", async () => {
    const { disks, test, to } = await startMoving();
    await test.produce("orders", 0, batchOf("c"));
    await test[Symbol.asyncDispose]();
    const again = await start(disks);
    await until(again, async () => (await places(again)).join() === to);
    expect((await again.produce("orders", 0, batchOf("d"))).baseOffset).toBe(3);
  });

  it("is kept aside at a start where its partition.metadata names another topic, as other logs are", async () => {
    const { disks, test, to } = await startMoving();
    await test[Symbol.asyncDispose]();
    const disk = disks[to === "/data" ? 0 : 1]!;
    const named = async (end: string) =>
      (await disk.list("/data")).map(({ name }) => name).find((name) => name.endsWith(end));
    const file = await disk.open(`/data/${await named("-future")}/partition.metadata`, { truncate: true });
    await file.write([new TextEncoder().encode("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAACQ")], 0);
    await file.close();
    await start(disks);
    expect(await named("-future")).toBeUndefined();
    const kept = await disk.readFile(`/data/${await named("-stray")}/00000000000000000000.log`);
    expect(kept.length).toBe(batchOf("a", "b").length);
  });

  it("sends consumers that wait for records to look for it again: it is not deleted", async () => {
    const test = await start([createMemoryDisk(), createMemoryDisk()]);
    await test.createTopic("orders");
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }];
    const request = { maxWaitMs: 1_000_000, minBytes: 1, topics: [{ topic: "orders", partitions }] };
    const fetched = test.connect().send(fetchApi, 12, request);
    await test.runtime.settle();
    const to = otherThan((await places(test))[0]);
    await move(test, to);
    await until(test, async () => (await places(test)).join() === to);
    const { responses } = await fetched;
    expect(responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  it("goes with its topic, when that is deleted", async () => {
    const disks = [createMemoryDisk(), createMemoryDisk()];
    const test = await start(disks, SLOWLY);
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("a"));
    await move(test, otherThan((await places(test))[0]));
    await test.runtime.settle();
    await test.deleteTopic("orders");
    await test.runtime.advance(120_000);
    for (const disk of disks) {
      expect((await disk.list("/data")).map(({ name }) => name).filter((name) => /^orders-/.test(name))).toEqual([]);
    }
  });

  it("takes its groups along", async () => {
    const test = await start([createMemoryDisk(), createMemoryDisk()], { "offsets.topic.num.partitions": 1 });
    await test.createTopic("orders");
    await test.client.send(findCoordinatorApi, 0, { key: "g" });
    await test.runtime.settle();
    const commit = (committedOffset: number) =>
      test.client.send(offsetCommitApi, 8, {
        groupId: "g",
        memberId: "",
        topics: [{ name: "orders", partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: null }] }],
      });
    await commit(7);
    const to = otherThan((await places(test, "__consumer_offsets"))[0]);
    expect(await move(test, to, "__consumer_offsets")).toBe(ErrorCode.NONE);
    await until(test, async () => (await places(test, "__consumer_offsets")).join() === to);
    await test.runtime.settle();
    const topics = [{ name: "orders", partitionIndexes: [0] }];
    const { groups } = await test.client.send(offsetFetchApi, 8, { groups: [{ groupId: "g", topics }] });
    expect(groups[0]!.topics[0]!.partitions[0]).toMatchObject({ committedOffset: 7, errorCode: ErrorCode.NONE });
    const { topics: committed } = await commit(8);
    expect(committed[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
  });

  it("does not go where there is nothing: Kafka's error for each", async () => {
    const [one, two] = [createMemoryDisk(), new FaultyDisk()];
    const test = await start([one, two]);
    await test.createTopic("orders", 2);
    expect(await move(test, "/elsewhere")).toBe(ErrorCode.LOG_DIR_NOT_FOUND);
    expect(await move(test, "/data1", "unknown")).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await move(test, "/data1", "orders", 9)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    two.break();
    for (const partition of [0, 1]) await test.produce("orders", partition, batchOf("lost"));
    await test.runtime.settle();
    expect(await move(test, "/data1")).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });
});
