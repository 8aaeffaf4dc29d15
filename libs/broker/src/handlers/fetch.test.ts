import { ErrorCode, fetchApi, type RequestInput, readRecordBatch } from "@ottla/protocol";
import { forEachBatch } from "@ottla/protocol/internal";
import { LogUnavailable, type PartitionLog } from "@ottla/storage";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DiskGate, FaultyDisk } from "../test-support/faulty-disk.ts";
import { batchOf, TestBroker } from "../test-support/test-broker.ts";

type FetchInput = RequestInput<typeof fetchApi>;
type PartitionInput = FetchInput["topics"][number]["partitions"][number];

let test: TestBroker;

beforeEach(async () => {
  test = await TestBroker.start();
});
afterEach(() => test[Symbol.asyncDispose]());

const LARGE = 1_000_000;

function request(
  topic: string,
  partitions: readonly Partial<PartitionInput>[],
  more: Partial<FetchInput> = {},
): FetchInput {
  return {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [
      {
        topic,
        partitions: partitions.map((partition) => ({
          partition: 0,
          fetchOffset: 0,
          partitionMaxBytes: LARGE,
          ...partition,
        })),
      },
    ],
    ...more,
  };
}

async function fetch(input: FetchInput, version = 12, client = test.client) {
  const response = await client.send(fetchApi, version, input);
  return response.responses.flatMap((topic) => topic.partitions);
}

/** The values of all records in what was fetched. */
async function valuesOf(records: Uint8Array | null): Promise<string[]> {
  const positions: number[] = [];
  forEachBatch(records!, (position) => void positions.push(position));
  const batches = await Promise.all(positions.map((position) => readRecordBatch(records!, position)));
  return batches.flatMap((batch) => Array.from(batch, (record) => new TextDecoder().decode(record.value!)));
}

/** Starts a fetch and says whether it has been answered yet. */
function started(input: FetchInput, version = 12) {
  const state = { answered: false };
  const response = fetch(input, version).finally(() => {
    state.answered = true;
  });
  return { state, response };
}

describe("Fetch", () => {
  it("gives what was produced, from the offset on, up to the high watermark", async () => {
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("a", "b"));
    await test.produce("orders", 0, batchOf("c"));
    const [all] = await fetch(request("orders", [{}]));
    expect(await valuesOf(all!.records)).toEqual(["a", "b", "c"]);
    const [rest] = await fetch(request("orders", [{ fetchOffset: 2 }]));
    expect(await valuesOf(rest!.records)).toEqual(["c"]);
    const [nothing] = await fetch(request("orders", [{ fetchOffset: 3 }]));
    expect(nothing).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 3 });
    expect(nothing!.records!.length).toBe(0);
  });

  it("answers each partition on its own", async () => {
    await test.createTopic("orders", 2);
    await test.produce("orders", 1, batchOf("a"));
    const results = await fetch(
      request("orders", [{ partition: 0, fetchOffset: 5 }, { partition: 1 }, { partition: 9 }]),
    );
    expect(results.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])).toEqual([
      [0, ErrorCode.OFFSET_OUT_OF_RANGE],
      [1, ErrorCode.NONE],
      [9, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect(await valuesOf(results[1]!.records)).toEqual(["a"]);
    expect(results[0]).toMatchObject({ highWatermark: -1, logStartOffset: -1 });
  });

  it("knows topics by their ids from v13 on", async () => {
    const topicId = await test.createTopic("orders");
    const byId = (id: string, partition = 0): FetchInput => ({
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topicId: id, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1 }] }],
    });
    expect((await fetch(byId(topicId), 13))[0]!.errorCode).toBe(ErrorCode.NONE);
    expect((await fetch(byId(topicId, 4), 13))[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await fetch(byId("AAAAAAAAAAAAAAAAAAAACQ"), 13))[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
  });

  describe("byte limits", () => {
    beforeEach(async () => {
      await test.createTopic("orders", 3);
      for (let index = 0; index < 3; index++) {
        for (let i = 0; i < 3; i++) await test.produce("orders", index, batchOf("x".repeat(1000)));
      }
    });
    const batchBytes = batchOf("x".repeat(1000)).length;
    const partitions = [0, 1, 2].map((partition) => ({ partition }));
    const batchesIn = (records: Uint8Array | null) => records!.length / batchBytes;

    it("hold for each partition, in whole batches", async () => {
      const input = partitions.map((partition) => ({ ...partition, partitionMaxBytes: 2 * batchBytes }));
      const results = await fetch(request("orders", input));
      expect(results.map(({ records }) => batchesIn(records))).toEqual([2, 2, 2]);
    });

    it("hold for all together", async () => {
      const results = await fetch(request("orders", partitions, { maxBytes: 4 * batchBytes }));
      expect(results.map(({ records }) => batchesIn(records))).toEqual([3, 1, 0]);
    });

    it("do not keep a reader from getting on: the first batch comes whatever its size", async () => {
      const tiny = partitions.map((partition) => ({ ...partition, partitionMaxBytes: 10 }));
      const results = await fetch(request("orders", tiny, { maxBytes: 10 }));
      expect(results.map(({ records }) => batchesIn(records))).toEqual([1, 0, 0]);
      const later = await fetch(
        request("orders", [{ partition: 0, fetchOffset: 3 }, { partition: 1 }], { maxBytes: 10 }),
      );
      expect(later.map(({ records }) => batchesIn(records))).toEqual([0, 1]);
    });
  });

  it("reads partitions side by side that fit together, once there is a first batch", async () => {
    const partitions = Array.from({ length: 8 }, (_, partition) => ({ partition, partitionMaxBytes: 1_000 }));
    await test.createTopic("orders", partitions.length);
    const atOnce = { now: 0, most: 0 };
    for (const { partition } of partitions) {
      await test.produce("orders", partition, batchOf(`${partition}`));
      readSlowly(test.broker.services.partitions.get("orders", partition)!.log, atOnce);
    }
    const mostOf = async (more: Partial<FetchInput>) => {
      atOnce.most = 0;
      const results = await fetch(request("orders", partitions, more));
      const values = await Promise.all(results.map(({ records }) => valuesOf(records)));
      expect(values.flat()).toEqual(partitions.map(({ partition }) => `${partition}`));
      return atOnce.most;
    };
    expect(await mostOf({})).toBe(4);
    expect(await mostOf({ maxBytes: 2_500 })).toBe(2);
    expect(await mostOf({ maxBytes: 1_500 })).toBe(1);
  });

  describe("long polls", () => {
    it("are woken by what moves the high watermark", async () => {
      await test.createTopic("orders");
      const { state, response } = started(request("orders", [{}], { maxWaitMs: 10_000 }));
      await test.runtime.advance(1000);
      expect(state.answered).toBe(false);
      await test.produceOn(test.connect(), "orders", 0, batchOf("a"));
      const [result] = await response;
      expect(await valuesOf(result!.records)).toEqual(["a"]);
      expect(test.runtime.clock.monotonicMs()).toBeLessThan(1100);
    });

    it("end empty when their time is up", async () => {
      await test.createTopic("orders");
      const { state, response } = started(request("orders", [{}], { maxWaitMs: 500 }));
      await test.runtime.advance(499);
      expect(state.answered).toBe(false);
      // Up to a tenth later: those that wait are answered together.
      await test.runtime.advance(50);
      expect((await response)[0]!.records!.length).toBe(0);
    });

    it("wait until there are minBytes", async () => {
      await test.createTopic("orders", 2);
      const batch = batchOf("x".repeat(100));
      const partitions = [{ partition: 0 }, { partition: 1 }];
      const { state, response } = started(
        request("orders", partitions, { maxWaitMs: 10_000, minBytes: 3 * batch.length }),
      );
      const producer = test.connect();
      await test.produceOn(producer, "orders", 0, batch.slice());
      await test.produceOn(producer, "orders", 1, batch.slice());
      await test.runtime.settle();
      expect(state.answered).toBe(false);
      await test.produceOn(producer, "orders", 0, batch.slice());
      const results = await response;
      expect(results.map(({ records }) => records!.length / batch.length)).toEqual([2, 1]);
    });

    it("give what there is at their end, also below minBytes", async () => {
      await test.createTopic("orders");
      await test.produce("orders", 0, batchOf("a"));
      const { response } = started(request("orders", [{}], { maxWaitMs: 500, minBytes: 10_000 }));
      await test.runtime.advance(600);
      expect(await valuesOf((await response)[0]!.records)).toEqual(["a"]);
    });

    it("do not wait where a partition has an error", async () => {
      await test.createTopic("orders", 2);
      const wanted = [{}, { partition: 1, fetchOffset: 5 }];
      const results = await fetch(request("orders", wanted, { maxWaitMs: 10_000 }));
      expect(results.map(({ errorCode }) => errorCode)).toEqual([0, ErrorCode.OFFSET_OUT_OF_RANGE]);
    });

    it("wait for the others where a partition is not there at all, and not where none is", async () => {
      await test.createTopic("orders");
      const { state, response } = started(request("orders", [{}, { partition: 5 }], { maxWaitMs: 10_000 }));
      await test.runtime.advance(1000);
      expect(state.answered).toBe(false);
      await test.produceOn(test.connect(), "orders", 0, batchOf("a"));
      const results = await response;
      expect(results.map(({ errorCode }) => errorCode)).toEqual([0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
      expect(await valuesOf(results[0]!.records)).toEqual(["a"]);
      const none = await fetch(request("missing", [{}], { maxWaitMs: 10_000 }));
      expect(none.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    });

    it("end when their topic is deleted", async () => {
      await test.createTopic("orders");
      const { response } = started(request("orders", [{}], { maxWaitMs: 10_000 }));
      await test.runtime.settle();
      await test.deleteTopic("orders");
      expect((await response)[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    });

    it("end when the partition gets another leader, and say which", async () => {
      await test.createTopic("orders");
      const partition = test.broker.services.partitions.get("orders", 0)!;
      const { response } = started(request("orders", [{}], { maxWaitMs: 10_000 }));
      await test.runtime.settle();
      partition.update({ ...partition.image, leader: 2, leaderEpoch: 3 });
      expect((await response)[0]).toMatchObject({
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        currentLeader: { leaderId: 2, leaderEpoch: 3 },
      });
    });

    it("are forgotten with their client", async () => {
      await test.createTopic("orders");
      const client = test.connect();
      const pending = fetch(request("orders", [{}], { maxWaitMs: 10_000 }), 12, client).catch(() => "gone");
      await test.runtime.settle();
      expect(test.broker.services.purgatory.size).toBe(1);
      client.close();
      expect(await pending).toBe("gone");
      await test.runtime.settle();
      expect(test.broker.services.purgatory.size).toBe(0);
    });

    it("hold up nobody else's answers on another connection, and their own connection's in order", async () => {
      await test.createTopic("orders");
      const { response } = started(request("orders", [{}], { maxWaitMs: 1000 }));
      const behind = fetch(request("orders", [{}]));
      expect((await fetch(request("orders", [{}]), 12, test.connect()))[0]!.errorCode).toBe(0);
      await test.runtime.advance(1100);
      await Promise.all([response, behind]);
      expect(test.client.answered).toEqual([...test.client.answered].sort((a, b) => a - b));
    });

    it("end at a shutdown", async () => {
      await test.createTopic("orders");
      const { response } = started(request("orders", [{}], { maxWaitMs: 1_000_000 }));
      await test.runtime.settle();
      await test.broker.shutdown();
      expect((await response)[0]!.errorCode).toBe(ErrorCode.NONE);
    });
  });

  describe("leader epochs", () => {
    it.each([
      [-1, ErrorCode.NONE],
      [0, ErrorCode.FENCED_LEADER_EPOCH],
      [1, ErrorCode.NONE],
      [2, ErrorCode.UNKNOWN_LEADER_EPOCH],
    ])("a client that knows epoch %i of 1", async (currentLeaderEpoch, errorCode) => {
      await test.createTopic("orders");
      const partition = test.broker.services.partitions.get("orders", 0)!;
      partition.update({ ...partition.image, leaderEpoch: 1 });
      expect((await fetch(request("orders", [{ currentLeaderEpoch }])))[0]!.errorCode).toBe(errorCode);
    });

    it("a reader whose records are of another history is told where it parts", async () => {
      await test.createTopic("orders");
      await test.produce("orders", 0, batchOf("a", "b"));
      const { log } = test.broker.services.partitions.get("orders", 0)!;
      const partition = test.broker.services.partitions.get("orders", 0)!;
      await log.assignLeaderEpoch(3);
      partition.update({ ...partition.image, leaderEpoch: 3 });
      await test.produce("orders", 0, batchOf("c"));
      const [diverged] = await fetch(
        request("orders", [{ fetchOffset: 5, lastFetchedEpoch: 0 }], { maxWaitMs: 10_000 }),
      );
      expect(diverged).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: 0, endOffset: 2 } });
      expect(diverged!.records!.length).toBe(0);
      const [agrees] = await fetch(request("orders", [{ fetchOffset: 2, lastFetchedEpoch: 0 }]));
      expect(await valuesOf(agrees!.records)).toEqual(["c"]);
      await log.advanceLogStartOffset(1);
      const [below] = await fetch(request("orders", [{ fetchOffset: 0, lastFetchedEpoch: 2 }]));
      expect(below!.errorCode, "what it wants is deleted").toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    });
  });

  it.each([
    ["a consumer", -1],
    ["a follower", 2],
  ])("wakes %s by what was on its way to the file when it began to wait", async (_who, replicaId) => {
    const [disk, gate] = [new FaultyDisk(), new DiskGate()];
    await using slow = await TestBroker.start({ disk });
    await slow.createTopic("orders");
    const partition = slow.broker.services.partitions.get("orders", 0)!;
    if (replicaId === 2) partition.update({ ...partition.image, replicas: [1, 2], isr: [1, 2], partitionEpoch: 1 });
    disk.fault = (action, path) => (action === "write" && path.endsWith(".log") ? gate.wait() : null);
    const produced = slow.produce("orders", 0, batchOf("a"));
    await slow.runtime.settle();
    expect(gate.waiting).toBe(1);
    const fetched = fetch(request("orders", [{}], { maxWaitMs: 10_000, replicaId }), 12, slow.connect());
    await slow.runtime.settle();
    const sinceMs = slow.runtime.clock.monotonicMs();
    gate.open();
    expect(await valuesOf((await fetched)[0]!.records)).toEqual(["a"]);
    expect(slow.runtime.clock.monotonicMs() - sinceMs).toBeLessThan(100);
    produced.catch(() => {});
  });

  describe("a follower, while files of two partitions are being written", () => {
    /** A fetch that waits for both, and then records on their way to files, of which the first arrives. */
    async function waitForTwo(replicaId: number, { minBytes = 1, written = [0, 1] } = {}) {
      const [disk, gates] = [new FaultyDisk(), [new DiskGate(), new DiskGate()]];
      const slow = await TestBroker.start({ disk });
      await slow.createTopic("orders", 2);
      for (const index of replicaId === 2 ? [0, 1] : []) {
        const partition = slow.broker.services.partitions.get("orders", index)!;
        partition.update({ ...partition.image, replicas: [1, 2], isr: [1, 2], partitionEpoch: 1 });
      }
      // Until then its waits are short: it is called for what is new.
      await slow.runtime.advance(1_500);
      const state = { answered: false };
      const bounds = { maxWaitMs: 10_000, minBytes, replicaId };
      const both = request("orders", [{ partition: 0 }, { partition: 1 }], bounds);
      const response = fetch(both, 12, slow.connect()).finally(() => {
        state.answered = true;
      });
      await slow.runtime.settle();
      let writes = 0;
      disk.fault = (action, path) => {
        const isOfLog = action === "write" && path.includes("orders-") && path.endsWith(".log");
        return isOfLog ? gates[writes++]!.wait() : null;
      };
      for (const index of written) {
        slow.produce("orders", index, batchOf("a")).catch(() => {});
        await slow.runtime.settle();
      }
      gates[0]!.open();
      await slow.runtime.settle();
      return { slow, state, response, openOther: gates[1]!.open };
    }

    const sizesOf = (answer: Awaited<ReturnType<typeof fetch>>) => answer.map(({ records }) => records!.length > 0);

    it("is answered once for both", async () => {
      const { slow, state, response, openOther } = await waitForTwo(2);
      await using _ = slow;
      expect(state.answered).toBe(false);
      openOther();
      await slow.runtime.settle();
      expect(state.answered).toBe(true);
      expect(sizesOf(await response)).toEqual([true, true]);
    });

    it("does not wait for a disk that stands still", async () => {
      const { slow, state, response, openOther } = await waitForTwo(2);
      await using _ = slow;
      await slow.runtime.advance(15);
      expect(state.answered).toBe(true);
      expect(sizesOf(await response)).toEqual([true, false]);
      openOther();
    });

    it("does not wait for more of the one that has come", async () => {
      const { slow, state, response, openOther } = await waitForTwo(2, { written: [0, 0] });
      await using _ = slow;
      expect(state.answered).toBe(true);
      expect(sizesOf(await response)).toEqual([true, false]);
      openOther();
    });

    it("waits on where what has come is less than it wants", async () => {
      const { slow, state, response, openOther } = await waitForTwo(2, { minBytes: 2 * batchOf("a").length });
      await using _ = slow;
      await slow.runtime.advance(15);
      expect(state.answered).toBe(false);
      openOther();
      await slow.runtime.settle();
      expect(state.answered).toBe(true);
      expect(sizesOf(await response)).toEqual([true, true]);
    });

    it("is not like a consumer, who gets what there is at once", async () => {
      const { slow, state, response, openOther } = await waitForTwo(-1);
      await using _ = slow;
      expect(state.answered).toBe(true);
      expect(sizesOf(await response)).toEqual([true, false]);
      openOther();
    });
  });

  it("answers a partition that is named twice once, as it was named last", async () => {
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("a", "b"));
    const results = await fetch(request("orders", [{ fetchOffset: 0 }, { fetchOffset: 2 }]));
    expect(results.map(({ records }) => records!.length)).toEqual([0]);
  });

  it.each([
    [5, ErrorCode.NOT_LEADER_OR_FOLLOWER],
    [6, ErrorCode.KAFKA_STORAGE_ERROR],
  ])("v%i calls a log that fails %i", async (version, errorCode) => {
    await test.createTopic("orders");
    const { log } = test.broker.services.partitions.get("orders", 0)!;
    log.read = () => {
      throw new LogUnavailable(ErrorCode.KAFKA_STORAGE_ERROR, "the disk has failed");
    };
    expect((await fetch(request("orders", [{}], { maxWaitMs: 10_000 }), version))[0]!.errorCode).toBe(errorCode);
  });

  it("gives followers what is above the high watermark, and moves it by what they have", async () => {
    await test.createTopic("orders");
    const partition = test.broker.services.partitions.get("orders", 0)!;
    partition.update({ ...partition.image, replicas: [1, 2], isr: [1, 2], partitionEpoch: 1 });
    const produced = test.produce("orders", 0, batchOf("a"));
    await test.runtime.settle();
    const follower = test.connect();
    const asFollower = (fetchOffset: number) =>
      fetch(request("orders", [{ fetchOffset }], { replicaId: 2 }), 12, follower);
    expect(await valuesOf((await asFollower(0))[0]!.records)).toEqual(["a"]);
    expect(partition.log.highWatermark).toBe(0);
    await asFollower(1);
    expect(partition.log.highWatermark).toBe(1);
    expect((await produced).errorCode).toBe(ErrorCode.NONE);
  });

  it("gives bytes back once they have left", async () => {
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("a"));
    const { log } = test.broker.services.partitions.get("orders", 0)!;
    let borrowed = 0;
    const read = log.read.bind(log);
    log.read = (offset, options) => {
      const result = read(offset, options);
      if (result instanceof Promise) return result;
      borrowed++;
      const release = () => {
        borrowed--;
        result.release();
      };
      return { ...result, release };
    };
    await fetch(request("orders", [{}]));
    await test.runtime.settle();
    expect(borrowed).toBe(0);
    const { response } = started(request("orders", [{ fetchOffset: 1 }], { maxWaitMs: 100 }));
    await test.runtime.advance(200);
    await response;
    await test.runtime.settle();
    expect(borrowed).toBe(0);
  });

  it("holds nothing while it waits, and answers with what there is when the time is up", async () => {
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("a"));
    const lent = countLentReads(test.broker.services.partitions.get("orders", 0)!.log);
    const { state, response } = started(request("orders", [{}], { minBytes: 10_000, maxWaitMs: 500 }));
    await test.runtime.settle();
    expect({ answered: state.answered, lent: lent.count }).toEqual({ answered: false, lent: 0 });
    await test.runtime.advance(600);
    expect(await valuesOf((await response)[0]!.records)).toEqual(["a"]);
  });

  it("reads little ahead of a client that does not take its answers", async () => {
    await test.createTopic("orders");
    await test.produce("orders", 0, batchOf("x".repeat(900_000)));
    const { log } = test.broker.services.partitions.get("orders", 0)!;
    const lent = countLentReads(log);
    const client = test.connect();
    client.pause();
    const answers = Array.from({ length: 100 }, () => fetch(request("orders", [{}]), 12, client).catch(() => null));
    await test.runtime.settle();
    expect(lent.count).toBeGreaterThan(0);
    expect(lent.count).toBeLessThan(5);
    client.close();
    await Promise.all(answers);
    await test.runtime.settle();
    expect(lent.count).toBe(0);
  });
});

/** Reads of a log that have not been released. Each takes a while, as from disk. */
function countLentReads(log: PartitionLog): { readonly count: number } {
  const lent = { count: 0 };
  const read = log.read.bind(log);
  log.read = async (offset, options) => {
    await Promise.resolve();
    const found = await read(offset, options);
    lent.count++;
    return {
      ...found,
      release() {
        lent.count--;
        found.release();
      },
    };
  };
  return lent;
}

/** Counts how many reads of logs are under way at once. Each takes a while, as from disk. */
function readSlowly(log: PartitionLog, atOnce: { now: number; most: number }): void {
  const read = log.read.bind(log);
  log.read = async (offset, options) => {
    atOnce.most = Math.max(atOnce.most, ++atOnce.now);
    await Promise.resolve();
    atOnce.now--;
    return await read(offset, options);
  };
}
