import { inspect } from "node:util";
import { ErrorCode, encodeRecordBatch, RecordBatchBuilder } from "@ottla/protocol";
import { encodeEndTransactionMarker } from "@ottla/protocol/internal";
import { createSimulatedRuntime, type SimulatedRuntime } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Consumer, type ConsumerOptions, integerSerde } from "./index.ts";
import { FakeKafka } from "./test-support/fake-kafka.ts";
import { closeAll, readAll, settle } from "./test-support/reading.ts";

const T0 = { topic: "t", partition: 0 };
const T1 = { topic: "t", partition: 1 };

let runtime: SimulatedRuntime;
let kafka: FakeKafka;
let open: Consumer[];

beforeEach(() => {
  runtime = createSimulatedRuntime(1);
  kafka = new FakeKafka(runtime, { t: 2 });
  open = [];
});

afterEach(() => closeAll(runtime, open));

function create(options: Partial<ConsumerOptions> = {}): Consumer {
  const consumer = new Consumer({ ...kafka.clientOptions, autoOffsetReset: "earliest", ...options });
  open.push(consumer);
  return consumer;
}

/** A consumer that reads partition 0 from its beginning. */
function reader(options: Partial<ConsumerOptions> = {}): Consumer {
  const consumer = create(options);
  consumer.assign([T0]);
  return consumer;
}

const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe("a subscription", () => {
  test.each(["a b", "", "..", "n".repeat(250), "ä", 5 as never])(
    "to %j is refused: no topic can have that name",
    (name) => {
      const refused = expect.objectContaining({ code: "INVALID_TOPIC_EXCEPTION" });
      expect(() => create({ groupId: "g", topics: ["t", name] })).toThrow(refused);
    },
  );
});

describe("whoever asks again before the answer is there", () => {
  test("is given the next record, not the same one", async () => {
    kafka.append("t", 0, ["a", "b", "c"]);
    const records = reader()[Symbol.asyncIterator]();
    const asked = Promise.all([records.next(), records.next(), records.next()]);
    await runtime.advance(100);
    expect((await asked).map(({ value }) => value.value)).toEqual(["a", "b", "c"]);
  });

  test("is given the next batch, not the same one", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const batches = reader({ maxPollRecords: 1 }).batches();
    const asked = Promise.all([batches.next(), batches.next()]);
    await runtime.advance(100);
    expect((await asked).map(({ value }) => [...value].map((record) => record.value))).toEqual([["a"], ["b"]]);
  });

  test("is told that the loop is over where it failed meanwhile", async () => {
    const records = reader().records({ signal: AbortSignal.abort() });
    const [first, second] = await Promise.allSettled([records.next(), records.next()]);
    expect(first).toMatchObject({ status: "rejected", reason: { code: "ABORTED" } });
    expect(second).toEqual({ status: "fulfilled", value: { done: true, value: undefined } });
  });
});

describe("records", () => {
  test("come in order from each partition, with all there is to know", async () => {
    kafka.append("t", 0, ["a", "b"]);
    kafka.append("t", 1, ["c"]);
    const consumer = create();
    consumer.assign([T0, T1]);
    const { records } = readAll(consumer);
    await runtime.advance(100);
    kafka.append("t", 0, ["d"]);
    await runtime.advance(100);
    expect(records.map(({ partition, offset, key, value }) => [partition, offset, key, value])).toEqual([
      [0, 0, "key of a", "a"],
      [0, 1, "key of b", "b"],
      [1, 0, "key of c", "c"],
      [0, 2, "key of d", "d"],
    ]);
    expect(records[0]).toMatchObject({ topic: "t", timestampMs: 1_000, timestampType: "CreateTime", leaderEpoch: 0 });
    expect(records[0]!.copy().toJSON()).toEqual(records[0]!.toJSON());
  });

  test("partitions take turns", async () => {
    for (let batch = 0; batch < 3; batch++) {
      kafka.append("t", 0, [`a${batch}`]);
      kafka.append("t", 1, [`b${batch}`]);
    }
    const consumer = create({ maxPartitionFetchBytes: 1 });
    consumer.assign([T0, T1]);
    const { values } = readAll(consumer);
    await runtime.advance(1_000);
    expect(values).toEqual(["a0", "b0", "a1", "b1", "a2", "b2"]);
  });

  test("below the offset asked for are not shown", async () => {
    kafka.append("t", 0, numbered("v", 5));
    const consumer = reader();
    consumer.seek(T0, 3);
    const { values } = readAll(consumer);
    await runtime.advance(100);
    expect(values).toEqual(["v3", "v4"]);
  });

  test("a batch that is cut short is fetched again, one above the limit comes whole", async () => {
    kafka.append("t", 0, numbered("small", 2));
    kafka.append("t", 0, [`large${"x".repeat(500)}`]);
    kafka.append("t", 0, ["last"]);
    const { values } = readAll(reader({ maxPartitionFetchBytes: 200 }));
    await runtime.advance(1_000);
    expect(values.map((value) => value!.slice(0, 6))).toEqual(["small0", "small1", "largex", "last"]);
  });

  test("of all codecs", async () => {
    for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const) {
      const builder = new RecordBatchBuilder();
      builder.append(null, compression, [["codec", compression]], 5);
      kafka.log("t", 0).append(await builder.close({ compression }));
    }
    const { values, records } = readAll(reader());
    for (let tries = 0; values.length < 4 && tries < 100; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await runtime.advance(100);
    }
    expect(values).toEqual(["gzip", "snappy", "lz4", "zstd"]);
    expect(new TextDecoder().decode(records[3]!.headers.get("codec")!)).toBe("zstd");
  });

  test("one that cannot be deserialized throws where it is used, and can be skipped", async () => {
    const records = [{ key: null, value: "long" }, { value: "no" }, { value: Uint8Array.of(0, 0, 1, 0) }];
    kafka.log("t", 0).append(encodeRecordBatch({ records: records.slice(1) }));
    const consumer = new Consumer<string | null, number | null>({
      ...kafka.clientOptions,
      autoOffsetReset: "earliest",
      valueDeserializer: integerSerde,
    });
    open.push(consumer as never);
    consumer.assign([T0]);
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const record of consumer) {
        try {
          seen.push(record.value);
        } catch (error) {
          seen.push((error as { code: string }).code, record.offset, record.valueBytes);
          expect(inspect(record), "printed, it does not throw").toContain("t-0 at offset 0 cannot be deserialized");
        }
        if (seen.length === 4) break;
      }
    })();
    await settle(runtime, loop);
    expect(seen).toEqual(["DESERIALIZATION_FAILED", 0, new TextEncoder().encode("no"), 256]);
  });
});

describe("transactions", () => {
  /** Producer 7 aborts a0 and a1 and commits c0, with a record of nobody's transaction between. */
  function transactionsInLog(): void {
    const batch = (value: string, producerId: number) => ({
      records: [{ value }],
      producerId,
      producerEpoch: 0,
      isTransactional: true,
    });
    const log = kafka.log("t", 0);
    log.append(encodeRecordBatch(batch("a0", 7)));
    log.append(encodeRecordBatch({ records: [{ value: "plain" }] }));
    log.append(encodeRecordBatch(batch("other", 8)));
    log.append(encodeRecordBatch(batch("a1", 7)));
    log.append(
      encodeEndTransactionMarker({
        type: "abort",
        coordinatorEpoch: 0,
        producerId: 7,
        producerEpoch: 0,
        timestampMs: 1,
      }),
    );
    log.append(encodeRecordBatch(batch("c0", 7)));
    log.append(
      encodeEndTransactionMarker({
        type: "commit",
        coordinatorEpoch: 0,
        producerId: 7,
        producerEpoch: 0,
        timestampMs: 1,
      }),
    );
    log.abortedTransactions = [{ producerId: 7, firstOffset: 0 }];
  }

  test("read_committed does not show what was aborted", async () => {
    transactionsInLog();
    const consumer = reader({ isolationLevel: "read_committed" });
    const { values } = readAll(consumer);
    await runtime.advance(100);
    expect(values).toEqual(["plain", "other", "c0"]);
    expect(kafka.fetches[0]!.isolationLevel).toBe(1);
    expect(await consumer.position(T0)).toBe(7);
  });

  test("read_uncommitted shows it, but never a marker", async () => {
    transactionsInLog();
    kafka.log("t", 0).abortedTransactions = [];
    const { values } = readAll(reader());
    await runtime.advance(100);
    expect(values).toEqual(["a0", "plain", "other", "a1", "c0"]);
  });

  test("a fetch that brings nothing to show moves the position and what is committed", async () => {
    kafka.log("t", 0).append(
      encodeEndTransactionMarker({
        type: "commit",
        coordinatorEpoch: 0,
        producerId: 7,
        producerEpoch: 0,
        timestampMs: 1,
      }),
    );
    const consumer = reader({ groupId: "g" });
    readAll(consumer);
    await runtime.advance(6_000);
    expect(kafka.committed.get("t:0")).toBe(1);
  });
});

describe("what cannot be read", () => {
  const damaged = (records: Uint8Array) => {
    const copy = records.slice();
    if (copy.length > 0) copy[copy.length - 1]! ^= 1;
    return copy;
  };

  test("is fetched again: damage on the way heals", async () => {
    kafka.append("t", 0, ["v"]);
    let faults = 2;
    kafka.fetchFault = (answer) =>
      faults-- > 0 ? { ...answer, records: damaged(answer.records as Uint8Array) } : answer;
    const { values } = readAll(reader());
    await runtime.advance(2_000);
    expect(values).toEqual(["v"]);
  });

  test("ends the loop in the end, after all that was good; the next loop tries again", async () => {
    kafka.append("t", 0, ["good"]);
    kafka.append("t", 0, ["bad"]);
    let isDamaged = true;
    kafka.fetchFault = (answer, _topic, offset) =>
      isDamaged && offset > 0 ? { ...answer, records: damaged(answer.records as Uint8Array) } : answer;
    const consumer = reader({ maxPartitionFetchBytes: 1 });
    const first = consumer[Symbol.asyncIterator]();
    expect((await settle(runtime, first.next())).value.value).toBe("good");
    await expect(settle(runtime, first.next())).rejects.toMatchObject({ code: "CORRUPT_MESSAGE" });
    isDamaged = false;
    const { values } = readAll(consumer);
    await runtime.advance(2_000);
    expect(values).toEqual(["bad"]);
  });

  test("checkCrcs: false does not look", async () => {
    kafka.append("t", 0, ["v"]);
    kafka.fetchFault = (answer) => {
      const records = (answer.records as Uint8Array).slice();
      if (records.length > 0) records[20]! ^= 1;
      return { ...answer, records };
    };
    const { values } = readAll(reader({ checkCrcs: false }));
    await runtime.advance(100);
    expect(values).toEqual(["v"]);
  });
});

describe("a position outside the log", () => {
  function logFrom(offset: number): void {
    kafka.log("t", 0).logStartOffset = offset;
    kafka.log("t", 0).nextOffset = offset;
    kafka.append("t", 0, ["first"]);
  }

  test("begins again by the policy, and tells both offsets", async () => {
    logFrom(10);
    const consumer = reader();
    consumer.seek(T0, 4);
    const resets: unknown[] = [];
    consumer.on("reset", (event) => resets.push(event));
    const { values } = readAll(consumer);
    await runtime.advance(500);
    expect(values).toEqual(["first"]);
    expect(resets).toEqual([{ ...T0, reason: "outOfRange", fromOffset: 4, toOffset: 10 }]);
  });

  test("throws with policy none, until the user seeks", async () => {
    logFrom(10);
    const consumer = reader({ autoOffsetReset: "none" });
    consumer.seek(T0, 4);
    await expect(settle(runtime, readAll(consumer).done)).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
    consumer.seek(T0, 10);
    const { values } = readAll(consumer);
    await runtime.advance(500);
    expect(values).toEqual(["first"]);
  });

  test("no committed offset and policy none", async () => {
    const consumer = reader({ autoOffsetReset: "none", groupId: "g" });
    await expect(settle(runtime, readAll(consumer).done)).rejects.toMatchObject({ code: "NO_OFFSET_FOR_PARTITION" });
  });

  test("start says so too, and the loop after it", async () => {
    const consumer = create({ groupId: "g", autoOffsetReset: "none" });
    consumer.assign([T0]);
    await expect(settle(runtime, consumer.start())).rejects.toMatchObject({ code: "NO_OFFSET_FOR_PARTITION" });
    await expect(settle(runtime, readAll(consumer).done)).rejects.toMatchObject({ code: "NO_OFFSET_FOR_PARTITION" });
  });

  test("latest is the default", async () => {
    kafka.append("t", 0, ["old"]);
    const consumer = reader({ autoOffsetReset: undefined as never });
    await settle(runtime, consumer.start());
    const { values } = readAll(consumer);
    kafka.append("t", 0, ["new"]);
    await runtime.advance(1_000);
    expect(values).toEqual(["new"]);
  });
});

describe("the closest replica", () => {
  /** Whom the latest fetch went to that named the partition. */
  let asked: number[];

  /** The leader is broker 1, and names broker 2 to who is in rack `r`. */
  async function readFromFollower(options: Partial<ConsumerOptions> = {}) {
    kafka = new FakeKafka(runtime, { t: 1 }, 2);
    kafka.preferredReplica = 2;
    asked = [];
    kafka.onFetch = ({ topics }, brokerId) => {
      if (topics.length > 0) asked.push(brokerId);
    };
    kafka.append("t", 0, ["a"]);
    const consumer = reader({ clientRack: "r", ...options });
    const { values } = readAll(consumer);
    await runtime.advance(1_000);
    return { consumer, values };
  }

  test("is read from where the leader names it, and goes on being", async () => {
    const { values } = await readFromFollower();
    kafka.append("t", 0, ["b"]);
    await runtime.advance(1_000);
    expect(values).toEqual(["a", "b"]);
    expect(asked[0]).toBe(1);
    expect(new Set(asked.slice(1))).toEqual(new Set([2]));
    expect(kafka.fetches[0]!.rackId).toBe("r");
  });

  test("nobody is told of without a rack", async () => {
    const { values } = await readFromFollower({ clientRack: "" });
    expect(values).toEqual(["a"]);
    expect(new Set(asked)).toEqual(new Set([1]));
  });

  test("counts no longer than metadata does: then the leader is asked again", async () => {
    const { values } = await readFromFollower({ metadataMaxAgeMs: 5_000 });
    await runtime.advance(3_000);
    kafka.append("t", 0, ["b"]);
    await runtime.advance(100);
    expect(asked.filter((brokerId) => brokerId === 1)).toHaveLength(1);
    kafka.preferredReplica = undefined;
    await runtime.advance(5_000);
    kafka.append("t", 0, ["c"]);
    await runtime.advance(1_000);
    expect(values).toEqual(["a", "b", "c"]);
    expect(asked.at(-1)).toBe(1);
  });

  test.each(["OFFSET_OUT_OF_RANGE", "OFFSET_NOT_AVAILABLE", "NOT_LEADER_OR_FOLLOWER", "KAFKA_STORAGE_ERROR"] as const)(
    "is left for the leader at %s, and the position stays",
    async (code) => {
      const { consumer, values } = await readFromFollower();
      const resets: unknown[] = [];
      consumer.on("reset", (event) => resets.push(event));
      kafka.followerError = ErrorCode[code];
      asked.length = 0;
      kafka.fetchFault = (answer) => {
        if ((answer.preferredReadReplica ?? -1) >= 0) kafka.preferredReplica = undefined;
        return answer;
      };
      kafka.append("t", 0, ["b"]);
      await runtime.advance(3_000);
      kafka.append("t", 0, ["c"]);
      await runtime.advance(3_000);
      expect(values).toEqual(["a", "b", "c"]);
      expect(asked.at(-1)).toBe(1);
      expect(resets).toEqual([]);
    },
  );

  test("that is gone is left for the leader", async () => {
    const { values } = await readFromFollower();
    kafka.cluster.stop(2);
    kafka.preferredReplica = undefined;
    kafka.append("t", 0, ["b"]);
    await runtime.advance(3_000);
    expect(values).toEqual(["a", "b"]);
    expect(asked.at(-1)).toBe(1);
  });

  test("is asked for anew where the leader is another one", async () => {
    const { values } = await readFromFollower();
    kafka.cluster.moveLeader("t", 0, 2);
    kafka.preferredReplica = 1;
    kafka.append("t", 0, ["b"]);
    await runtime.advance(3_000);
    expect(values).toEqual(["a", "b"]);
    expect(asked.slice(-2)).toEqual([1, 1]);
    expect(asked.lastIndexOf(2)).toBeGreaterThan(asked.indexOf(2));
  });
});

describe("leaders", () => {
  test("that move are found; the epoch is sent", async () => {
    kafka = new FakeKafka(runtime, { t: 1 }, 2);
    kafka.append("t", 0, ["a"]);
    const { values } = readAll(reader());
    await runtime.advance(100);
    kafka.cluster.moveLeader("t", 0, 2);
    await runtime.advance(600);
    kafka.append("t", 0, ["b"]);
    await runtime.advance(2_000);
    expect(values).toEqual(["a", "b"]);
    expect(kafka.fetches.at(-1)!.topics[0]!.partitions[0]!.currentLeaderEpoch).toBe(1);
  });

  test("that the answer to a fetch tells of are asked at once, without asking for metadata", async () => {
    kafka = new FakeKafka(runtime, { t: 1 }, 2);
    kafka.cluster.givesLeaderHints = true;
    kafka.append("t", 0, ["a"]);
    const { values } = readAll(reader());
    await runtime.advance(100);
    kafka.cluster.requestCounts.clear();
    kafka.cluster.moveLeader("t", 0, 2);
    kafka.append("t", 0, ["b"]);
    await runtime.advance(50);
    expect(values, "before any backoff").toEqual(["a", "b"]);
    expect(kafka.cluster.requestCounts.get("Metadata")).toBeUndefined();
  });

  test("a broker that is gone for long is a stall, and reading goes on when it is back", async () => {
    kafka.append("t", 0, ["a"]);
    const consumer = reader();
    const told: string[] = [];
    consumer.on("stall", ({ operation }) => told.push(`stall: ${operation}`));
    consumer.on("recovered", ({ operation }) => told.push(`recovered: ${operation}`));
    const { values } = readAll(consumer);
    await runtime.advance(100);
    kafka.cluster.stop(1);
    await runtime.advance(30_000);
    kafka.cluster.start(1);
    kafka.append("t", 0, ["b"]);
    await runtime.advance(5_000);
    expect(values).toEqual(["a", "b"]);
    expect(told).toEqual(["stall: fetch from broker 1", "recovered: fetch from broker 1"]);
  });

  test("a broker that does not answer is given up after its time", async () => {
    kafka.append("t", 0, ["a"]);
    let isSilent = true;
    kafka.cluster.faultOf = ({ apiName }) => (apiName === "Fetch" && isSilent ? { kind: "silence" } : undefined);
    const { values } = readAll(reader({ requestTimeoutMs: 1_000 }));
    await runtime.advance(1_000);
    isSilent = false;
    await runtime.advance(3_000);
    expect(values).toEqual(["a"]);
  });

  test.each([
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.OFFSET_NOT_AVAILABLE,
    ErrorCode.UNKNOWN_TOPIC_ID,
    ErrorCode.UNKNOWN_SERVER_ERROR,
  ])("error %i is waited out", async (errorCode) => {
    kafka.append("t", 0, ["a"]);
    let faults = 3;
    kafka.fetchFault = (answer) => (faults-- > 0 ? { ...answer, errorCode, records: null } : answer);
    const { values } = readAll(reader());
    await runtime.advance(5_000);
    expect(values).toEqual(["a"]);
  });

  test("error 29 is the user's to deal with", async () => {
    kafka.fetchFault = (answer) => ({ ...answer, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED });
    await expect(settle(runtime, readAll(reader()).done)).rejects.toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED" });
  });
});

describe("the loop", () => {
  test("pause holds back what was fetched, resume goes on from there", async () => {
    kafka.append("t", 0, numbered("a", 4));
    const consumer = reader();
    const loop = consumer.records();
    await settle(runtime, loop.next());
    consumer.pause();
    expect(consumer.paused()).toEqual([T0]);
    let next: IteratorResult<{ value: string | null }> | undefined;
    void loop.next().then((result) => {
      next = result;
    });
    await runtime.advance(5_000);
    expect(next).toBeUndefined();
    consumer.resume([T0]);
    await runtime.advance(100);
    expect(next!.value.value).toBe("a1");
  });

  test("seek takes effect with the next record", async () => {
    kafka.append("t", 0, numbered("a", 10));
    const consumer = reader();
    const loop = consumer.records();
    await settle(runtime, loop.next());
    consumer.seek(T0, 8);
    expect((await settle(runtime, loop.next())).value.value).toBe("a8");
    consumer.seekToBeginning([T0]);
    expect((await settle(runtime, loop.next())).value.value).toBe("a0");
    consumer.seekToEnd();
    kafka.append("t", 0, ["unread"]);
    const next = loop.next();
    await runtime.advance(1_000);
    kafka.append("t", 0, ["new"]);
    expect((await settle(runtime, next)).value.value).toBe("new");
  });

  test("in batches of at most maxPollRecords", async () => {
    kafka.append("t", 0, numbered("a", 7));
    const consumer = reader({ maxPollRecords: 3 });
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const batch of consumer.batches()) {
        seen.push([batch.size, batch.nextOffset, batch.lag, [...batch].map((record) => record.value)]);
        if (batch.nextOffset === 7) break;
      }
    })();
    await settle(runtime, loop);
    expect(seen).toEqual([
      [3, 3, 4, ["a0", "a1", "a2"]],
      [3, 6, 1, ["a3", "a4", "a5"]],
      [1, 7, 0, ["a6"]],
    ]);
  });

  test("a batch is all that one fetch brought of a partition", async () => {
    for (let batch = 0; batch < 5; batch++) kafka.append("t", 0, [`a${batch}`, `b${batch}`]);
    const loop = reader().batches();
    const { value: batch } = await settle(runtime, loop.next());
    expect(batch).toMatchObject({ topic: "t", partition: 0, size: 10, nextOffset: 10, highWatermark: 10 });
  });

  test("records after a batch, batches after records: nothing twice, nothing left out", async () => {
    kafka.append("t", 0, numbered("a", 6));
    const consumer = reader({ maxPollRecords: 2 });
    const seen: (string | null)[] = [];
    for (const count of [1, 2]) {
      const records = consumer.records();
      for (let read = 0; read < count; read++) seen.push((await settle(runtime, records.next())).value.value);
      await records.return!();
      const batches = consumer.batches();
      const { value: batch } = await settle(runtime, batches.next());
      for (const record of batch) seen.push(record.value);
      await batches.return!();
      if (count === 1) expect(seen).toEqual(["a0", "a1", "a2"]);
    }
    expect(seen).toEqual(numbered("a", 6));
  });

  test("ends with the signal, and the consumer stays open", async () => {
    kafka.append("t", 0, ["a"]);
    const consumer = reader();
    const abort = new AbortController();
    const { values, done } = readAll(consumer, { signal: abort.signal });
    await runtime.advance(100);
    abort.abort();
    await expect(settle(runtime, done)).rejects.toMatchObject({ code: "ABORTED" });
    kafka.append("t", 0, ["b"]);
    const again = readAll(consumer);
    await runtime.advance(1_000);
    expect([values, again.values]).toEqual([["a"], ["b"]]);
  });

  test("ends when the consumer is closed", async () => {
    const consumer = reader();
    const { done } = readAll(consumer);
    await runtime.advance(100);
    await settle(runtime, consumer.close());
    await done;
    await expect(consumer.records().next()).rejects.toMatchObject({ code: "CLOSED" });
  });

  test("is the only one at a time", async () => {
    const consumer = reader();
    readAll(consumer);
    await runtime.advance(100);
    await expect(consumer.records().next()).rejects.toMatchObject({ code: "INVALID_STATE" });
  });

  test("needs something to read", async () => {
    await expect(create().records().next()).rejects.toMatchObject({ code: "INVALID_STATE" });
  });
});

describe("commits", () => {
  test("by itself cover what is processed, not what is in hand", async () => {
    kafka.append("t", 0, numbered("a", 5));
    const consumer = reader({ groupId: "g" });
    const loop = consumer.records();
    for (let read = 0; read < 3; read++) await settle(runtime, loop.next());
    await runtime.advance(6_000);
    expect(kafka.committed.get("t:0")).toBe(2);
    await settle(runtime, loop.next());
    await settle(runtime, consumer.close());
    expect(kafka.committed.get("t:0")).toBe(3);
    expect(kafka.commits.every((commit) => commit.memberId === "" && commit.generationIdOrMemberEpoch === -1)).toBe(
      true,
    );
  });

  test("what the loop was left with is not processed until the next loop goes on", async () => {
    kafka.append("t", 0, numbered("a", 5));
    const consumer = reader({ groupId: "g" });
    for await (const record of consumer) {
      if (record.offset === 1) break;
    }
    await runtime.advance(6_000);
    expect(kafka.committed.get("t:0")).toBe(1);
    const loop = consumer.records();
    expect((await settle(runtime, loop.next())).value.offset).toBe(2);
    await settle(runtime, loop.next());
    await runtime.advance(6_000);
    expect(kafka.committed.get("t:0")).toBe(3);
  });

  test("on demand: all that was handed out, a record, a batch, given offsets", async () => {
    kafka.append("t", 0, numbered("a", 5));
    const consumer = reader({ groupId: "g", autoCommit: false, maxPollRecords: 2 });
    const records = consumer.records();
    const first = (await settle(runtime, records.next())).value;
    await settle(runtime, records.next());
    await settle(runtime, consumer.commit(first));
    expect(kafka.committed.get("t:0")).toBe(1);
    await settle(runtime, consumer.commit());
    expect(kafka.committed.get("t:0")).toBe(2);
    await records.return!();
    const batch = (await settle(runtime, consumer.batches().next())).value;
    await settle(runtime, consumer.commit(batch));
    expect(kafka.committed.get("t:0")).toBe(4);
    await settle(runtime, consumer.commit([{ ...T0, offset: 0, metadata: "again" }]));
    expect(await settle(runtime, consumer.committed([T0, T1]))).toEqual([
      { ...T0, offset: 0, leaderEpoch: -1, metadata: "" },
    ]);
    await runtime.advance(20_000);
    expect(kafka.commits.length).toBe(4);
  });

  test("begin where the group left off", async () => {
    kafka.append("t", 0, numbered("a", 5));
    kafka.committed.set("t:0", 3);
    const { values } = readAll(reader({ groupId: "g" }));
    await runtime.advance(500);
    expect(values).toEqual(["a3", "a4"]);
  });

  test("need a group", async () => {
    await expect(reader().commit()).rejects.toMatchObject({ code: "INVALID_GROUP_ID" });
    expect(() => create({ topics: "t" })).toThrow(/groupId/);
  });

  test("that fail in the background are told, and made up for", async () => {
    kafka.append("t", 0, numbered("a", 2));
    kafka.commitError = ErrorCode.GROUP_AUTHORIZATION_FAILED;
    const consumer = reader({ groupId: "g" });
    const failed: string[] = [];
    consumer.on("commitFailed", ({ error }) => failed.push(error.code));
    readAll(consumer);
    await runtime.advance(6_000);
    kafka.commitError = ErrorCode.NONE;
    await runtime.advance(6_000);
    expect(failed).toEqual(["GROUP_AUTHORIZATION_FAILED"]);
    expect(kafka.committed.get("t:0")).toBe(2);
  });
});

describe("offsets", () => {
  test("ends, and by time", async () => {
    kafka.append("t", 0, numbered("a", 5));
    kafka.log("t", 0).logStartOffset = 2;
    const consumer = create();
    const ends = settle(runtime, consumer.endOffsets([T0, T1]));
    expect((await ends).map(({ offset }) => offset)).toEqual([5, 0]);
    expect((await settle(runtime, consumer.beginningOffsets([T0])))[0]!.offset).toBe(2);
    expect(await settle(runtime, consumer.partitionsFor("t"))).toEqual([T0, T1]);
    await expect(consumer.offsetsForTimes([{ ...T0, timestampMs: -1 }])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test("several offsets of one partition, in the order in which they are asked for, and without a wait", async () => {
    kafka.log("t", 0).offsetForTime = (timestampMs) => timestampMs / 100;
    const consumer = create();
    const at = (timestampMs: number) => ({ ...T0, timestampMs });
    const beganAtMs = runtime.clock.monotonicMs();
    const found = await settle(runtime, consumer.offsetsForTimes([at(300), at(100), at(300), at(200)]));
    expect(found.map(({ offset }) => offset)).toEqual([3, 1, 3, 2]);
    expect(await settle(runtime, consumer.endOffsets([T0, T1, T0]))).toMatchObject([T0, T1, T0]);
    expect(runtime.clock.monotonicMs() - beganAtMs).toBeLessThan(200);
  });

  test("position and lag", async () => {
    kafka.append("t", 0, numbered("a", 5));
    const consumer = reader();
    expect(await settle(runtime, consumer.position(T0))).toBe(0);
    const loop = consumer.records();
    await settle(runtime, loop.next());
    expect(consumer.currentLag(T0)).toBe(4);
    expect(() => consumer.currentLag(T1)).toThrow(/not assigned/);
    await expect(consumer.position(T1)).rejects.toMatchObject({ code: "NOT_ASSIGNED" });
  });
});

describe("options", () => {
  test.each<[Partial<ConsumerOptions>, RegExp]>([
    [{ groupId: "" }, /groupId/],
    [{ autoCommit: true }, /autoCommit/],
    [{ autoOffsetReset: "first" as never }, /autoOffsetReset.*"earliest", "latest", "none"/],
    [{ heartbeatIntervalMs: 50_000 }, /heartbeatIntervalMs.*below sessionTimeoutMs/],
    [{ partitionAssignors: ["best" as never] }, /partitionAssignors.*range, roundrobin, sticky/],
    [{ partitionAssignors: [] }, /partitionAssignors/],
    [{ partitionAssignors: ["range", "range"] }, /without repetition/],
    [{ fetchMaxBytes: 0 }, /fetchMaxBytes/],
    [{ fetchMaxWaitMs: 0.5 }, /fetchMaxWaitMs is 0.5; it must be a whole number from 0 to 2147483647/],
    [{ maxPollIntervalMs: Number.POSITIVE_INFINITY }, /maxPollIntervalMs/],
    [{ requestTimeoutMs: Number.POSITIVE_INFINITY }, /requestTimeoutMs/],
    [{ isolationLevel: "serializable" as never }, /isolationLevel/],
  ])("%j is refused", (options, message) => {
    expect(() => new Consumer({ ...kafka.clientOptions, ...options })).toThrow(message);
  });
});
