import {
  concatBytes,
  ErrorCode,
  encodeRecordBatch,
  fetchApi,
  initProducerIdApi,
  produceApi,
  type RequestInput,
} from "@ottla/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyOf } from "../test-support/disk-copy.ts";
import { DiskGate, FaultyDisk } from "../test-support/faulty-disk.ts";
import { RecordingLogger } from "../test-support/recording-logger.ts";
import { batchOf, TestBroker } from "../test-support/test-broker.ts";
import type { TestClient } from "../test-support/test-client.ts";

type ProduceInput = RequestInput<typeof produceApi>;

let test: TestBroker;
let logger: RecordingLogger;

beforeEach(async () => {
  logger = new RecordingLogger();
  test = await TestBroker.start({ logger });
});
afterEach(() => test[Symbol.asyncDispose]());

function request(
  partitions: Readonly<Record<string, readonly [index: number, records: Uint8Array | null][]>>,
  more: Partial<ProduceInput> = {},
): ProduceInput {
  const topicData = Object.entries(partitions).map(([name, data]) => ({
    name,
    partitionData: data.map(([index, records]) => ({ index, records })),
  }));
  return { acks: -1, timeoutMs: 1000, topicData, ...more };
}

const produce = async (input: ProduceInput, version = 9, client: TestClient = test.client) =>
  (await client.send(produceApi, version, input)).responses.flatMap((topic) => topic.partitionResponses);

/** A batch whose CRC is wrong. */
function damaged(): Uint8Array {
  const batch = batchOf("x");
  batch[batch.length - 2]! ^= 1;
  return batch;
}

describe("Produce", () => {
  it("does not let a partition that fails harm the others", async () => {
    await test.createTopic("orders", 3);
    const results = await produce(
      request({
        orders: [
          [0, batchOf("a")],
          [1, damaged()],
          [2, batchOf("b")],
          [7, batchOf("c")],
        ],
        none: [[0, batchOf("d")]],
      }),
    );
    expect(results.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.NONE,
      ErrorCode.CORRUPT_MESSAGE,
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    expect(results[1]!.errorMessage).toMatch(/crc/i);
    const { partitions } = test.broker.services;
    expect([0, 1, 2].map((index) => partitions.get("orders", index)!.log.logEndOffset)).toEqual([1, 0, 1]);
  });

  it("begins with many partitions in turns, and with the connection's next request when all have begun", async () => {
    const count = 500;
    await test.createTopic("many", count);
    const { partitions, runtime } = test.broker.services;
    const logs = Array.from({ length: count }, (_, index) => partitions.get("many", index)!.log);
    let [begun, atOnceMax, isOver] = [0, 0, false];
    const look = () => {
      const now = logs.reduce((sum, { nextOffset }) => sum + nextOffset, 0);
      atOnceMax = Math.max(atOnceMax, now - begun);
      begun = now;
      if (!isOver) runtime.timers.defer(look);
    };
    look();
    const toAll = (value: string) => request({ many: logs.map((_, index) => [index, batchOf(value)]) });
    const [first, second] = await Promise.all([produce(toAll("a")), produce(toAll("b"))]);
    isOver = true;
    expect(begun).toBe(2 * count);
    // The end of one request, and the beginning of the next.
    expect(atOnceMax).toBeLessThanOrEqual(2 * 128);
    expect(new Set(first.map(({ baseOffset }) => baseOffset))).toEqual(new Set([0]));
    expect(new Set(second.map(({ baseOffset }) => baseOffset))).toEqual(new Set([1]));
  });

  it("names topics by their ids from v13 on", async () => {
    const topicId = await test.createTopic("orders");
    const byId = (id: string, index: number) => ({
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ topicId: id, partitionData: [{ index, records: batchOf("a") }] }],
    });
    expect(await produce(byId(topicId, 0), 13)).toMatchObject([{ errorCode: ErrorCode.NONE, baseOffset: 0 }]);
    expect(await produce(byId(topicId, 9), 13)).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }]);
    expect(await produce(byId("AAAAAAAAAAAAAAAAAAAACQ", 0), 13)).toMatchObject([
      { errorCode: ErrorCode.UNKNOWN_TOPIC_ID },
    ]);
  });

  it.each([[2], [-2], [100]])("refuses acks=%i", async (acks) => {
    await test.createTopic("orders");
    const [result] = await produce(request({ orders: [[0, batchOf("a")]] }, { acks }));
    expect(result!.errorCode).toBe(ErrorCode.INVALID_REQUIRED_ACKS);
    expect(test.broker.services.partitions.get("orders", 0)!.log.logEndOffset).toBe(0);
  });

  it.each([
    ["no records", null],
    ["an empty record set", new Uint8Array(0)],
  ])("refuses %s", async (_, records) => {
    await test.createTopic("orders");
    const [result] = await produce(request({ orders: [[0, records]] }));
    expect(result!.errorCode).toBe(ErrorCode.INVALID_RECORD);
  });

  it("refuses a batch that is larger than the topic takes", async () => {
    await test.createTopic("orders", 1, { "max.message.bytes": "100" });
    const [result] = await produce(request({ orders: [[0, batchOf("x".repeat(200))]] }));
    expect(result!.errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
  });

  it("refuses more than one batch for a partition, also where the second is what the first may not be", async () => {
    await test.createTopic("orders");
    const transaction = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true };
    const transactional = encodeRecordBatch({ records: [{ value: "x" }], ...transaction });
    for (const second of [batchOf("b"), transactional]) {
      const [result] = await produce(request({ orders: [[0, concatBytes([batchOf("a"), second])]] }));
      expect(result).toMatchObject({
        errorCode: ErrorCode.INVALID_RECORD,
        errorMessage: expect.stringContaining("exactly one record batch"),
      });
    }
    const { log } = test.broker.services.partitions.get("orders", 0)!;
    expect(log).toMatchObject({ logEndOffset: 0, lastStableOffset: 0 });
  });

  it("refuses transactional batches without a transactional id, and puts others off until their coordinator can be asked", async () => {
    await test.createTopic("orders");
    const records = encodeRecordBatch({
      records: [{ value: "x" }],
      isTransactional: true,
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 0,
      timestampMs: Date.UTC(2024, 0, 1),
    });
    const [anonymous] = await produce(request({ orders: [[0, records]] }));
    expect(anonymous!.errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    const [result] = await produce(request({ orders: [[0, records]] }, { transactionalId: "t" }));
    expect(result!.errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
  });

  it("keeps clients out of the broker's own topics, Kafka's admin tools excepted", async () => {
    await test.createTopic("__consumer_offsets");
    const input = request({ __consumer_offsets: [[0, batchOf("a")]] });
    expect((await produce(input))[0]!.errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    const admin = test.connect("__admin_client");
    expect((await produce(request({ __consumer_offsets: [[0, batchOf("a")]] }), 9, admin))[0]!.errorCode).not.toBe(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
    );
  });

  it("stamps records itself where the topic says so", async () => {
    await test.createTopic("orders", 1, { "message.timestamp.type": "LogAppendTime" });
    const [result] = await produce(request({ orders: [[0, batchOf("a")]] }));
    expect(result!.logAppendTimeMs).toBe(test.runtime.clock.nowMs());
  });

  it("answers requests of one connection in order, and appends them in order", async () => {
    await test.createTopic("orders");
    const all = Array.from({ length: 20 }, (_, i) =>
      produce(request({ orders: [[0, batchOf(`value-${i}`)]] }, { acks: i % 2 === 0 ? -1 : 1 })),
    );
    const results = await Promise.all(all);
    expect(results.map(([result]) => result!.baseOffset)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(test.client.answered).toEqual([...test.client.answered].sort((a, b) => a - b));
  });

  describe("acks=0", () => {
    it("gets no answer, and the next request is answered", async () => {
      await test.createTopic("orders");
      const client = test.connect();
      client.sendUnanswered(produceApi, 9, request({ orders: [[0, batchOf("a")]] }, { acks: 0 }));
      const [result] = await produce(request({ orders: [[0, batchOf("b")]] }), 9, client);
      expect(result).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
      expect(client.answered).toHaveLength(1);
    });

    it("closes the connection at an error, with one line that says which", async () => {
      const client = test.connect();
      client.sendUnanswered(produceApi, 9, request({ none: [[3, batchOf("a")]] }, { acks: 0 }));
      await client.closed;
      const closing = logger.lines.filter(({ fields }) => String(fields.reason).includes("acks=0"));
      expect(closing).toHaveLength(1);
      expect(closing[0]!.fields.reason).toMatch(/none-3/);
    });
  });

  describe("idempotent producers", () => {
    const sequenced = (producerId: number, baseSequence: number, ...values: string[]) =>
      encodeRecordBatch({
        records: values.map((value) => ({ value })),
        producerId,
        producerEpoch: 0,
        baseSequence,
        timestampMs: Date.UTC(2024, 0, 1),
      });
    const newProducerId = async () =>
      (await test.client.send(initProducerIdApi, 4, { transactionalId: null, transactionTimeoutMs: 0 })).producerId;

    it("get the first offsets again for a batch that they send twice", async () => {
      await test.createTopic("orders");
      const id = await newProducerId();
      const first = await produce(request({ orders: [[0, sequenced(id, 0, "a", "b")]] }));
      await produce(request({ orders: [[0, sequenced(id, 2, "c")]] }));
      const again = await produce(request({ orders: [[0, sequenced(id, 0, "a", "b")]] }));
      expect([first[0]!.baseOffset, again[0]!.baseOffset, again[0]!.errorCode]).toEqual([0, 0, ErrorCode.NONE]);
      expect(test.broker.services.partitions.get("orders", 0)!.log.logEndOffset).toBe(3);
    });

    it("are told of a gap", async () => {
      await test.createTopic("orders");
      const id = await newProducerId();
      await produce(request({ orders: [[0, sequenced(id, 0, "a")]] }));
      const [result] = await produce(request({ orders: [[0, sequenced(id, 5, "b")]] }));
      expect(result!.errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    });

    it("never share an id, also across restarts that nobody announced", async () => {
      const seen = new Set<number>();
      let disk = test.disk;
      for (let life = 0; life < 3; life++) {
        disk = await copyOf(disk);
        const restarted = await TestBroker.start({ disk });
        for (let i = 0; i < 1500; i += 1) {
          const request = { transactionalId: null, transactionTimeoutMs: 0 };
          const { producerId } = await restarted.client.send(initProducerIdApi, 4, request);
          expect(seen.has(producerId), `producer id ${producerId} in life ${life}`).toBe(false);
          seen.add(producerId);
        }
      }
      expect(seen.size).toBe(4500);
    });
  });

  it("is timed out where the records are not committed in time, and appended all the same", async () => {
    await test.createTopic("orders");
    const partition = test.broker.services.partitions.get("orders", 0)!;
    // A second replica in sync that never fetches: the high watermark cannot move.
    partition.update({ ...partition.image, replicas: [1, 2], isr: [1, 2], partitionEpoch: 1 });
    const pending = produce(request({ orders: [[0, batchOf("a")]] }, { timeoutMs: 500 }));
    await test.runtime.advance(1000);
    expect((await pending)[0]!.errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
    expect([partition.log.logEndOffset, partition.log.highWatermark]).toEqual([1, 0]);
  });

  it.each([0, 1, -1])(
    "with acks=%s gives its memory back when it is written, even if the client was answered before",
    async (acks) => {
      const disk = new FaultyDisk();
      await using slow = await TestBroker.start({ disk });
      await slow.createTopic("orders");
      const before = slow.releasedFramesCount;
      const gate = new DiskGate();
      disk.fault = (action, path) => (action === "write" && path.includes("orders-0") ? gate.wait() : null);
      const body = request({ orders: [[0, batchOf("x".repeat(10_000))]] }, { acks, timeoutMs: 100 });
      const pending =
        acks === 0 ? slow.client.sendUnanswered(produceApi, 11, body) : slow.client.send(produceApi, 11, body);
      await slow.runtime.advance(1_000);
      expect([gate.waiting, slow.releasedFramesCount]).toEqual([1, before]);
      gate.open();
      await slow.runtime.advance(1_000);
      await pending;
      expect(slow.releasedFramesCount).toBe(before + 1);
    },
  );

  it("with acks=1 does not wait for the replicas", async () => {
    await test.createTopic("orders");
    const partition = test.broker.services.partitions.get("orders", 0)!;
    partition.update({ ...partition.image, replicas: [1, 2], isr: [1, 2], partitionEpoch: 1 });
    const [result] = await produce(request({ orders: [[0, batchOf("a")]] }, { acks: 1 }));
    expect(result!.errorCode).toBe(ErrorCode.NONE);
    const fetch = await test.client.send(fetchApi, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: "orders", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
    });
    expect(fetch.responses[0]!.partitions[0]).toMatchObject({ highWatermark: 0 });
    expect(fetch.responses[0]!.partitions[0]!.records!.length).toBe(0);
  });

  it("is refused with acks=all where too few replicas are in sync", async () => {
    await test.createTopic("orders", 1, { "min.insync.replicas": "2" });
    const partition = test.broker.services.partitions.get("orders", 0)!;
    // One replica alone: no topic can ask for more than it has.
    expect((await produce(request({ orders: [[0, batchOf("a")]] })))[0]!.errorCode).toBe(ErrorCode.NONE);
    partition.update({ ...partition.image, replicas: [1, 2], isr: [1], partitionEpoch: 1 });
    expect((await produce(request({ orders: [[0, batchOf("b")]] })))[0]!.errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect((await produce(request({ orders: [[0, batchOf("c")]] }, { acks: 1 })))[0]!.errorCode).toBe(ErrorCode.NONE);
  });

  it("tells a client that asks the wrong broker who leads", async () => {
    await test.createTopic("orders");
    const partition = test.broker.services.partitions.get("orders", 0)!;
    partition.update({ ...partition.image, replicas: [1, 2], isr: [1, 2], leader: 2, leaderEpoch: 4 });
    for (const version of [9, 10]) {
      const { responses } = await test.client.send(produceApi, version, request({ orders: [[0, batchOf("a")]] }));
      expect(responses[0]!.partitionResponses[0]).toMatchObject({
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        currentLeader: version >= 10 ? { leaderId: 2, leaderEpoch: 4 } : { leaderId: -1, leaderEpoch: -1 },
      });
    }
  });
});
