import {
  encodeRecordBatch,
  fetchApi,
  produceApi,
  type RecordBatchInput,
  type RequestInput,
  ZERO_UUID,
} from "@ottla/protocol";
import { writeBatchCrc } from "@ottla/protocol/internal";
import { describe, expect, it } from "vitest";
import { type BothBrokers, CLOSED, type Side } from "../both-brokers.ts";

const UNKNOWN_ID = "AAAAAAAAAAAAAAAAAAAABw";
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const NOW_MS = Date.now();

const batch = (more: Partial<RecordBatchInput> = {}) =>
  encodeRecordBatch({ records: [{ key: "k", value: "v" }], timestampMs: NOW_MS, ...more });

/** The same bytes, but for some. */
function patched(records: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = records.slice();
  copy.set(values, at);
  return copy;
}

/** Positions in a record batch. */
const [LAST_BYTE_OF_BASE_OFFSET, MAGIC, CRC, FIRST_RECORD] = [7, 16, 17, 61];

/** {@link patched}, and a CRC that agrees. */
function rightly(records: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = patched(records, at, ...values);
  writeBatchCrc(copy, 0);
  return copy;
}

export function recordsCases(both: () => BothBrokers): void {
  describe("Produce", () => {
    interface Sent {
      readonly topic?: string;
      readonly index?: number;
      readonly acks?: number;
      readonly transactionalId?: string;
      readonly records?: Uint8Array | null;
    }
    const send = async (v: number, { topic = "produced", index = 0, acks = -1, transactionalId, records }: Sent) =>
      both().same(
        produceApi,
        v,
        (side: Side) => ({
          acks,
          timeoutMs: 5000,
          ...(transactionalId !== undefined && { transactionalId }),
          topicData: [
            {
              ...(v >= 13 ? { topicId: topic === "unknown" ? UNKNOWN_ID : side.topicId(topic) } : { name: topic }),
              partitionData: [{ index, records: records === undefined ? batch() : records }],
            },
          ],
        }),
        // Ours say more of what was wrong.
        { ignoring: ["errorMessage", "batchIndexErrorMessage"] },
      );

    it.each(range(3, 13))("v%i: what is taken and what is refused", async (v) => {
      await both().createTopic("produced", 2, { "max.message.bytes": "2000" });
      await send(v, {});
      await send(v, { acks: 1 });
      for (const acks of [2, -2, 7]) await send(v, { acks });
      for (const index of [2, -1]) await send(v, { index });
      if (v < 13) for (const topic of ["there-is-none", "", "a b"]) await send(v, { topic });
      else await send(v, { topic: "unknown" });
      await send(v, { records: new Uint8Array(0) });
      await send(v, { records: new Uint8Array(30) });
      await send(v, { records: patched(batch(), MAGIC, 1) });
      await send(v, { records: patched(batch(), MAGIC, 9) });
      await send(v, { records: patched(batch(), CRC, 1, 2, 3, 4) });
      await send(v, { records: batch().subarray(0, 65) });
      await send(v, { records: batch({ records: [{ value: "x".repeat(3000) }] }) });
      await send(v, { records: batch({ timestampType: "LogAppendTime" }) });
      await send(v, { records: patched(batch(), LAST_BYTE_OF_BASE_OFFSET, 5) });
      for (const length of [0, 3, 2, 60]) await send(v, { records: rightly(batch(), FIRST_RECORD, length) });
      const two = [batch(), batch()];
      await send(v, { records: Buffer.concat(two) });
    });

    it.each([3, 7, 8, 13])("v%i: errors of single records", async (v) => {
      await both().createTopic("compacted", 1, { "cleanup.policy": "compact" });
      await both().createTopic("timed", 1, {
        "message.timestamp.before.max.ms": "1000",
        "message.timestamp.after.max.ms": "1000",
      });
      await send(v, { topic: "compacted", records: batch({ records: [{ value: "v" }] }) });
      await send(v, {
        topic: "compacted",
        records: batch({ records: [{ key: "a", value: "v" }, { value: "v" }, { value: "v" }] }),
      });
      await both().createTopic("stamped", 1, { "message.timestamp.type": "LogAppendTime" });
      await send(v, { topic: "stamped", records: batch({ timestampType: "LogAppendTime" }) });
      await send(v, { topic: "timed", records: batch({ timestampMs: -5 }) });
      await send(v, { topic: "timed", records: batch({ timestampMs: 5 }) });
      await send(v, { topic: "timed", records: batch({ timestampMs: NOW_MS + 10_000_000 }) });
    });

    it.each([3, 9, 12])("v%i: sequences of idempotent producers", async (v) => {
      const topic = `sequences-${v}`;
      await both().createTopic(topic);
      const from = (baseSequence: number, producerEpoch = 0, producerId = 5_000) =>
        batch({ producerId, producerEpoch, baseSequence });
      await send(v, { topic, records: from(0) });
      await send(v, { topic, records: from(1) });
      await send(v, { topic, records: from(1) });
      await send(v, { topic, records: from(0) });
      await send(v, { topic, records: from(5) });
      await send(v, { topic, records: from(2, 1) });
      await send(v, { topic, records: from(0, 1) });
      await send(v, { topic, records: from(1, 0) });
      await send(v, { topic, records: from(3, 0, 5_001) });
      await send(v, { topic, records: batch({ producerId: 5_002, producerEpoch: 0, baseSequence: -1 }) });
      await send(v, {
        topic,
        records: batch({ producerId: 5_002, producerEpoch: 0, baseSequence: 0, isTransactional: true }),
      });
    });

    it("without an answer: an error closes the connection", async () => {
      await both().createTopic("unanswered");
      await both().same(produceApi, 9, {
        acks: 0,
        timeoutMs: 5000,
        topicData: [{ name: "there-is-none", partitionData: [{ index: 0, records: batch() }] }],
      });
    });

    it("several topics and partitions at once", async () => {
      await both().createTopic("produced", 2, { "max.message.bytes": "2000" });
      const partitionData = [0, 1, 5].map((index) => ({ index, records: batch() }));
      await both().same(
        produceApi,
        9,
        {
          acks: -1,
          timeoutMs: 5000,
          topicData: [
            { name: "there-is-none", partitionData },
            { name: "produced", partitionData },
          ],
        },
        { inAnyOrder: true, ignoring: ["errorMessage"] },
      );
      await both().same(produceApi, 9, { acks: -1, timeoutMs: 5000, topicData: [] });
    });

    it("internal topics are not for clients", async () => {
      const topicData = [{ name: "__consumer_offsets", partitionData: [{ index: 0, records: batch() }] }];
      await both().same(produceApi, 9, { acks: -1, timeoutMs: 5000, topicData }, { ignoring: ["errorMessage"] });
    });
  });

  describe("Fetch", () => {
    type Partition = RequestInput<typeof fetchApi>["topics"][number]["partitions"][number];
    interface Asked {
      readonly topic?: string;
      readonly partition?: Partial<Partition>;
      readonly more?: Partial<RequestInput<typeof fetchApi>>;
    }
    const asked =
      (v: number, { topic = "fetched", partition = {}, more = {} }: Asked) =>
      (side: Side) => ({
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 10_000_000,
        topics: [
          {
            ...(v >= 13 ? { topicId: topic === "unknown" ? UNKNOWN_ID : side.topicId(topic) } : { topic }),
            partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000, ...partition }],
          },
        ],
        ...more,
      });
    const fetch = (v: number, what: Asked) => both().same(fetchApi, v, asked(v, what));

    it.each(range(4, 18))("v%i: records, limits, and what is refused", async (v) => {
      await both().createTopic("fetched", 2);
      if (v === 4) {
        for (const value of ["a", "b", "c"]) {
          await both().produce("fetched", 0, { records: [{ value }, { value }], timestampMs: NOW_MS });
        }
      }
      for (const fetchOffset of [0, 1, 3, 5, 6, 7, -1, -2, 2 ** 40]) await fetch(v, { partition: { fetchOffset } });
      // Apache Kafka cuts batches short where a limit falls, ours leaves them away.
      for (const partitionMaxBytes of [0, 1, 60]) await fetch(v, { partition: { partitionMaxBytes } });
      for (const maxBytes of [0, 1, 60]) await fetch(v, { more: { maxBytes } });
      for (const partition of [1, 2, -1]) await fetch(v, { partition: { partition } });
      if (v < 13) for (const topic of ["there-is-none", "", "a b"]) await fetch(v, { topic });
      else await fetch(v, { topic: "unknown" });
      for (const isolationLevel of [1]) await fetch(v, { more: { isolationLevel } });
      if (v >= 9) for (const currentLeaderEpoch of [0, 1, -2]) await fetch(v, { partition: { currentLeaderEpoch } });
      if (v >= 12) {
        for (const lastFetchedEpoch of [0, 1, -2]) {
          for (const fetchOffset of [2, 6, 9]) await fetch(v, { partition: { fetchOffset, lastFetchedEpoch } });
        }
        await fetch(v, { more: { clusterId: "another" } });
      }
      if (v >= 11) await fetch(v, { more: { rackId: "a" } });
    });

    it.each([7, 12, 13, 18])("v%i: sessions", async (v) => {
      await both().createTopic("fetched", 2);
      const sessions = new Map<Side, number>();
      const withSession = async (sessionEpoch: number, more: Asked = {}, sessionId?: number) =>
        both().same(
          fetchApi,
          v,
          (side) => ({
            ...asked(v, more)(side),
            sessionId: sessionId ?? sessions.get(side) ?? 0,
            sessionEpoch,
            ...(more.more ?? {}),
          }),
          { ignoring: ["sessionId"], inAnyOrder: true },
        );
      const opened = await Promise.all(
        both().sides.map(async (side) => {
          const answer = await side.send(fetchApi, v, { ...asked(v, {})(side), sessionId: 0, sessionEpoch: 0 });
          if (answer === CLOSED) throw new Error(`${side.name} closes the connection`);
          sessions.set(side, answer.sessionId);
          return answer.sessionId;
        }),
      );
      expect(opened.every((id) => id > 0)).toBe(true);
      await withSession(1, { more: { topics: [] } });
      await withSession(2, { partition: { fetchOffset: 4 } });
      await withSession(2, { more: { topics: [] } });
      await withSession(9, { more: { topics: [] } });
      await withSession(3, { partition: { partition: 9 } });
      await withSession(4, { more: { topics: [] } });
      const forget = (side: Side) => ({
        ...asked(v, {})(side),
        topics: [],
        sessionId: sessions.get(side)!,
        sessionEpoch: 5,
        forgottenTopicsData: [
          { ...(v >= 13 ? { topicId: side.topicId("fetched") } : { topic: "fetched" }), partitions: [9] },
        ],
      });
      await both().same(fetchApi, v, forget, { ignoring: ["sessionId"] });
      await withSession(6, { more: { topics: [] } });
      await withSession(1, { more: { topics: [] } }, 123_456);
      await withSession(5, {}, 0);
      await withSession(-1, {});
      await withSession(7, { more: { topics: [] } });
      await withSession(-1, { more: { topics: [] } });
    });

    it("an id of nothing", async () => {
      await both().same(fetchApi, 13, {
        maxWaitMs: 0,
        minBytes: 0,
        topics: [{ topicId: ZERO_UUID, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 10 }] }],
      });
      await both().same(fetchApi, 12, { maxWaitMs: 0, minBytes: 0, topics: [] });
    });
  });
}
