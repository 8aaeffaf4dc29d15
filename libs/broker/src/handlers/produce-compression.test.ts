import { randomBytes } from "node:crypto";
import {
  type CompressionType,
  codecByName,
  ErrorCode,
  encodeRecordBatch,
  fetchApi,
  incrementalAlterConfigsApi,
  produceApi,
  RecordBatchBuilder,
  type RecordBatchCloseOptions,
  readRecordBatch,
} from "@ottla/protocol";
import { compressionAt, setMaxTimestamp, writeBatchCrc } from "@ottla/protocol/internal";
import { seededRandom } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DECOMPRESSED_BYTES_MAX } from "../partition/prepare-batch.ts";
import { batchOf, TestBroker } from "../test-support/test-broker.ts";

let test: TestBroker;
beforeEach(async () => {
  test = await TestBroker.start();
});
afterEach(() => test[Symbol.asyncDispose]());

const TIME_MS = Date.UTC(2024, 0, 1);

async function batchWith(
  compression: CompressionType,
  values: readonly string[],
  options: RecordBatchCloseOptions & { readonly key?: string | null } = {},
): Promise<Uint8Array> {
  const builder = new RecordBatchBuilder();
  const { key = "k", ...close } = options;
  values.forEach((value, index) => {
    builder.append(key, value, [["h", value]], TIME_MS + index);
  });
  return builder.close({ ...close, compression });
}

const produce = (records: Uint8Array, version = 9) =>
  test.client
    .send(produceApi, version, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: "orders", partitionData: [{ index: 0, records }] }],
    })
    .then(({ responses }) => responses[0]!.partitionResponses[0]!);

/** What is in the log: the codec of its one batch, and its records. */
async function stored(fetchOffset = 0) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 2 ** 26 }];
  const response = await test.client.send(fetchApi, 12, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 2 ** 26,
    topics: [{ topic: "orders", partitions }],
  });
  const bytes = response.responses[0]!.partitions[0]!.records!;
  const batch = await readRecordBatch(bytes);
  const decode = (part: Uint8Array | null) => (part === null ? null : new TextDecoder().decode(part));
  return {
    codec: compressionAt(bytes, 0),
    sizeBytes: bytes.length,
    batch,
    records: Array.from(batch, (record) => [decode(record.key), decode(record.value), record.timestampMs]),
  };
}

const VALUES = ["a".repeat(200), "b".repeat(200), "c"];

describe("compression.type of a topic", () => {
  const codecs: CompressionType[] = ["none", "gzip", "snappy", "lz4", "zstd"];
  const pairs = codecs.flatMap((from) => codecs.map((to) => [from, to] as const));

  it.each(pairs)("batches that come as %s are kept as %s", async (from, to) => {
    await test.createTopic("orders", 1, { "compression.type": to === "none" ? "uncompressed" : to });
    const producer = { producerId: 9, producerEpoch: 1, baseSequence: 0 };
    expect((await produce(await batchWith(from, VALUES, producer))).errorCode).toBe(ErrorCode.NONE);
    const { codec, batch, records } = await stored();
    expect(codec).toBe(codecByName(to).id);
    expect(records).toEqual(VALUES.map((value, index) => ["k", value, TIME_MS + index]));
    expect(batch).toMatchObject({ ...producer, maxTimestampMs: TIME_MS + 2, recordsCount: 3 });
    expect(Array.from(batch, (record) => record.headers.get("h")?.length)).toEqual(VALUES.map(({ length }) => length));
  });

  it("producer leaves batches as they came", async () => {
    await test.createTopic("orders");
    const batch = await batchWith("lz4", VALUES);
    await produce(batch.slice());
    expect((await stored()).sizeBytes).toBe(batch.length);
  });

  it("changes with the topic's config", async () => {
    await test.createTopic("orders");
    const configs = [{ name: "compression.type", configOperation: 0, value: "gzip" }];
    const resources = [{ resourceType: 2, resourceName: "orders", configs }];
    await test.client.send(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
    await produce(batchOf("a"));
    expect((await stored()).codec).toBe(codecByName("gzip").id);
  });

  it.each([
    ["gzip", "compression.gzip.level", "1", "9"],
    ["zstd", "compression.zstd.level", "1", "19"],
  ] as const)("%s goes by %s", async (type, key, low, high) => {
    const random = seededRandom(7);
    const words = Array.from({ length: 300 }, () => random.nextInt(2 ** 30).toString(36));
    const text = Array.from({ length: 4000 }, () => words[random.nextInt(words.length)]).join(" ");
    const sizes: number[] = [];
    for (const level of [low, high]) {
      await test.createTopic("orders", 1, { "compression.type": type, [key]: level });
      await produce(batchOf(text));
      const { sizeBytes } = await stored();
      const builder = new RecordBatchBuilder();
      builder.append(null, text, [], TIME_MS);
      const expected = await builder.close({ compression: type, compressionLevel: Number(level) });
      expect(sizeBytes).toBe(expected.length);
      sizes.push(sizeBytes);
      await test.deleteTopic("orders");
    }
    expect(sizes[1]).not.toBe(sizes[0]);
  });

  it("keeps the order of one connection while large batches are recompressed", async () => {
    await test.createTopic("orders", 1, { "compression.type": "gzip", "max.message.bytes": "10000000" });
    const large = randomBytes(300_000).toString("hex");
    const idempotent = (value: string, baseSequence: number) =>
      encodeRecordBatch({ records: [{ value }], timestampMs: TIME_MS, producerId: 5, producerEpoch: 0, baseSequence });
    const values = [large, "small", large, "last"];
    const results = await Promise.all(values.map((value, index) => produce(idempotent(value, index))));
    expect(results.map(({ errorCode, baseOffset }) => [errorCode, baseOffset])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
      [0, 3],
    ]);
    // A batch that is sent again is still known.
    expect(await produce(idempotent(large, 2))).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 2 });
    expect(test.broker.services.partitions.get("orders", 0)!.log.logEndOffset).toBe(4);
  });

  it("holds with acks=0 too", async () => {
    await test.createTopic("orders", 1, { "compression.type": "gzip", "max.message.bytes": "10000000" });
    const records = batchOf(randomBytes(100_000).toString("hex"));
    const topicData = [{ name: "orders", partitionData: [{ index: 0, records }] }];
    test.client.sendUnanswered(produceApi, 9, { acks: 0, timeoutMs: 1000, topicData });
    // The next request of the connection sees what the one before has done.
    expect((await produce(batchOf("next"))).baseOffset).toBe(1);
    expect((await stored()).codec).toBe(codecByName("gzip").id);
  });

  it("refuses what cannot be read, what is larger than it may be, and more than one batch", async () => {
    await test.createTopic("orders", 1, { "compression.type": "gzip" });
    const damaged = await batchWith("lz4", VALUES);
    damaged[damaged.length - 1]! ^= 1;
    expect((await produce(damaged)).errorCode).toBe(ErrorCode.CORRUPT_MESSAGE);
    const bomb = await batchWith("zstd", ["x".repeat(DECOMPRESSED_BYTES_MAX + 1)]);
    expect(bomb.length).toBeLessThan(100_000);
    expect((await produce(bomb)).errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    expect((await produce(batchOf(randomBytes(900_000).toString("hex")))).errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    expect(test.broker.services.partitions.get("orders", 0)!.log.logEndOffset).toBe(0);
  });

  it("says that what does not decompress is invalid: a producer would send what is corrupt again and again", async () => {
    await test.createTopic("orders", 1, { "compression.type": "gzip" });
    for (const codec of ["gzip", "snappy", "lz4", "zstd"] as const) {
      const batch = await batchWith(codec, VALUES);
      batch.fill(0x5a, 61);
      writeBatchCrc(batch, 0);
      // Of the topic's own codec it is left as it came, and unread.
      const { errorCode, errorMessage } = await produce(batch);
      if (codec === "gzip") expect(errorCode).toBe(ErrorCode.NONE);
      else expect([errorCode, errorMessage]).toEqual([ErrorCode.INVALID_RECORD, expect.stringMatching(codec)]);
    }
    expect(test.broker.services.partitions.get("orders", 0)!.log.logEndOffset).toBe(VALUES.length);
  });

  it("tells old clients that they cannot read or write zstd", async () => {
    await test.createTopic("orders", 1, { "compression.type": "zstd" });
    expect((await produce(await batchWith("zstd", ["a"]), 6)).errorCode).toBe(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
    expect((await produce(await batchWith("zstd", ["a"]), 7)).errorCode).toBe(ErrorCode.NONE);
    const fetched = async (version: number) => {
      const topics = [{ topic: "orders", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }];
      const { responses } = await test.client.send(fetchApi, version, { maxWaitMs: 0, minBytes: 1, topics });
      return responses[0]!.partitions[0]!.errorCode;
    };
    expect(await fetched(9)).toBe(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
    expect(await fetched(10)).toBe(ErrorCode.NONE);
  });
});

describe("a compacted topic", () => {
  it.each(["none", "gzip", "zstd"] as const)(
    "takes no record without a key, compressed as %s or not",
    async (codec) => {
      await test.createTopic("orders", 1, { "cleanup.policy": "compact" });
      const batch = await batchWith(codec, ["a"]);
      expect((await produce(batch)).errorCode).toBe(ErrorCode.NONE);
      const refused = await produce(await batchWith(codec, ["a", "b"], { key: null }));
      expect(refused.errorCode).toBe(ErrorCode.INVALID_RECORD);
      expect(refused.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 1]);
      expect(refused.recordErrors[0]!.batchIndexErrorMessage).toMatch(/key/);
      expect((await stored()).codec).toBe(codecByName(codec).id);
    },
  );
});

describe("message.timestamp.before.max.ms and message.timestamp.after.max.ms of compressed batches", () => {
  const codecs: CompressionType[] = ["gzip", "snappy", "lz4", "zstd"];
  const SECOND_MS = 1_000;
  const batchAt = (compression: CompressionType, ...offsetsMs: number[]) => {
    const nowMs = test.runtime.clock.nowMs();
    const builder = new RecordBatchBuilder();
    for (const offsetMs of offsetsMs) builder.append("k", "v", [], nowMs + offsetMs);
    return builder.close({ compression });
  };
  const limits = { "message.timestamp.before.max.ms": "60000", "message.timestamp.after.max.ms": "60000" };

  it.each(codecs)("%s: each record is looked at, and those out of time are named", async (codec) => {
    await test.createTopic("orders", 1, limits);
    const late = await produce(await batchAt(codec, 0, -61 * SECOND_MS, 60 * SECOND_MS, 61 * SECOND_MS));
    expect([late.errorCode, late.baseOffset]).toEqual([ErrorCode.INVALID_TIMESTAMP, -1]);
    expect(late.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1, 3]);
    expect(late.errorMessage).toMatch(/out of range/);
    expect((await produce(await batchAt(codec, 0, -60 * SECOND_MS, 60 * SECOND_MS))).errorCode).toBe(ErrorCode.NONE);
    expect((await stored()).records).toHaveLength(3);
  });

  it("are told of compressed records by a header that cannot be right, which is mended", async () => {
    await test.createTopic("orders", 1, { "message.timestamp.after.max.ms": "60000" });
    for (const codec of codecs) {
      for (const claimedMs of [-1, -7, 0]) {
        const batch = await batchAt(codec, 0, 60 * SECOND_MS, 5);
        setMaxTimestamp(batch, 0, claimedMs);
        const { errorCode, baseOffset } = await produce(batch);
        expect(errorCode).toBe(ErrorCode.NONE);
        const kept = await stored(baseOffset);
        expect(kept.batch.maxTimestampMs).toBe(test.runtime.clock.nowMs() + 60 * SECOND_MS);
        expect(kept.codec).toBe(codecByName(codec).id);
        const late = await batchAt(codec, 0, 61 * SECOND_MS);
        setMaxTimestamp(late, 0, claimedMs);
        expect((await produce(late)).recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1]);
      }
      const young = await batchAt(codec, 0, 1);
      setMaxTimestamp(young, 0, Date.UTC(3000, 0, 1));
      const { errorCode, baseOffset } = await produce(young);
      expect(errorCode).toBe(ErrorCode.NONE);
      expect((await stored(baseOffset)).batch.maxTimestampMs).toBe(test.runtime.clock.nowMs() + 1);
    }
  });

  it("do not count where the broker sets the time", async () => {
    await test.createTopic("orders", 1, { ...limits, "message.timestamp.type": "LogAppendTime" });
    expect((await produce(await batchAt("lz4", -61 * SECOND_MS, 61 * SECOND_MS))).errorCode).toBe(ErrorCode.NONE);
  });

  it("have nothing decompressed where the header says that all is well, or only the future is bounded", async () => {
    await test.createTopic("orders", 1, { "message.timestamp.after.max.ms": "60000" });
    const codec = codecByName("gzip");
    const decompress = vi.spyOn(codec, "decompress");
    try {
      expect((await produce(await batchAt("gzip", -61 * SECOND_MS, 60 * SECOND_MS))).errorCode).toBe(ErrorCode.NONE);
      expect(decompress).not.toHaveBeenCalled();
      const late = await produce(await batchAt("gzip", 0, 61 * SECOND_MS));
      expect(late.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1]);
      expect(decompress).toHaveBeenCalledOnce();
    } finally {
      decompress.mockRestore();
    }
  });
});
