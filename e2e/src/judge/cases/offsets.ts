import {
  addPartitionsToTxnApi,
  deleteRecordsApi,
  describeLogDirsApi,
  describeProducersApi,
  encodeRecordBatch,
  fetchApi,
  initProducerIdApi,
  listOffsetsApi,
  offsetForLeaderEpochApi,
  produceApi,
  type RequestInput,
} from "@ottla/protocol";
import { describe, it } from "vitest";
import type { BothBrokers, Side } from "../both-brokers.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const PRODUCER = { producerId: 4_000, producerEpoch: 0 };

export function offsetsCases(both: () => BothBrokers): void {
  /** Two partitions: one with records of several times, one empty. */
  async function filled(name: string): Promise<void> {
    await both().createTopic(name, 2);
    const nowMs = Math.floor(Date.now() / 100_000) * 100_000;
    const at = (...timesMs: number[]) => ({ records: timesMs.map((ms) => ({ value: "v", timestampMs: ms })) });
    await both().produce(name, 0, at(1000, 3000), at(2000), at(9000, 5000, 9000), at(nowMs));
  }

  describe("ListOffsets", () => {
    type Partition = RequestInput<typeof listOffsetsApi>["topics"][number]["partitions"][number];
    const list = (
      v: number,
      partitions: Partition[],
      more: { name?: string; replicaId?: number; isolation?: number } = {},
    ) =>
      both().same(
        listOffsetsApi,
        v,
        {
          replicaId: more.replicaId ?? -1,
          ...(v >= 2 && { isolationLevel: more.isolation ?? 0 }),
          topics: [{ name: more.name ?? "listed", partitions }],
        },
        { inAnyOrder: true },
      );

    it.each(range(1, 11))("v%i: every special timestamp, and some times", async (v) => {
      if (v === 1) await filled("listed");
      const timestamps = [-1, -2, -3, -4, -5, -6, -7, -100, 0, 1000, 1001, 2000, 2500, 3001, 5500, 9000, 9001, 2 ** 50];
      for (const partitionIndex of [0, 1]) {
        for (const timestamp of timestamps) await list(v, [{ partitionIndex, timestamp }]);
      }
      for (const isolation of v >= 2 ? [0, 1] : []) {
        for (const timestamp of [-1, -3, 2500]) await list(v, [{ partitionIndex: 0, timestamp }], { isolation });
      }
    });

    it.each([1, 4, 11])("v%i: leader epochs, replicas, what is not there, twice", async (v) => {
      for (const currentLeaderEpoch of v >= 4 ? [-1, 0, 1, -2] : []) {
        await list(v, [{ partitionIndex: 0, timestamp: -1, currentLeaderEpoch }]);
      }
      for (const replicaId of [-2, 1, 2]) await list(v, [{ partitionIndex: 0, timestamp: -1 }], { replicaId });
      for (const partitionIndex of [2, -1]) await list(v, [{ partitionIndex, timestamp: -1 }]);
      for (const name of ["there-is-none", "", "a b"]) await list(v, [{ partitionIndex: 0, timestamp: -1 }], { name });
      await list(v, [
        { partitionIndex: 0, timestamp: -1 },
        { partitionIndex: 0, timestamp: -2 },
        { partitionIndex: 1, timestamp: -2 },
      ]);
      await list(v, []);
    });
  });

  describe("ListOffsets and Fetch while a transaction is open", () => {
    it.each([0, 1])("isolation level %i", async (isolationLevel) => {
      const name = `open-${isolationLevel}`;
      const transactionalId = `open-${isolationLevel}`;
      await both().createTopic(name);
      await both().produce(name, 0, { records: [{ value: "v", timestampMs: 1000 }] });
      const answers = await both().ask(initProducerIdApi, 4, { transactionalId, transactionTimeoutMs: 60_000 });
      const [ours, kafka] = answers as { producerId: number; producerEpoch: number }[];
      const producerOf = (side: Side) => {
        const { producerId, producerEpoch } = (side === both().ours ? ours : kafka)!;
        return { producerId, producerEpoch };
      };
      await both().same(addPartitionsToTxnApi, 3, (side: Side) => {
        const { producerId: v3AndBelowProducerId, producerEpoch: v3AndBelowProducerEpoch } = producerOf(side);
        return {
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId,
          v3AndBelowProducerEpoch,
          v3AndBelowTopics: [{ name, partitions: [0] }],
        };
      });
      const batch = { records: [{ value: "v", timestampMs: 9000 }], baseSequence: 0, isTransactional: true };
      await both().same(produceApi, 9, (side: Side) => ({
        transactionalId,
        acks: -1,
        timeoutMs: 10_000,
        topicData: [
          { name, partitionData: [{ index: 0, records: encodeRecordBatch({ ...batch, ...producerOf(side) }) }] },
        ],
      }));
      for (const timestamp of [-1, -2, -3, -4, 0, 2000, 9000, 9001]) {
        const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp }] }];
        await both().same(listOffsetsApi, 9, { replicaId: -1, isolationLevel, topics });
      }
      const partitions = [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1 << 20 }];
      const fetch = { maxWaitMs: 0, minBytes: 0, isolationLevel, topics: [{ topic: name, partitions }] };
      await both().same(fetchApi, 12, fetch, { ignoring: ["records"] });
    });
  });

  describe("OffsetForLeaderEpoch", () => {
    it.each([2, 3, 4])("v%i", async (v) => {
      await both().createTopic("epochs", 2);
      if (v === 2) await both().produce("epochs", 0, { records: [{ value: "a" }, { value: "b" }], timestampMs: 5 });
      for (const replicaId of [-1, -2, 1, 2]) {
        for (const topic of ["epochs", "there-is-none", ""]) {
          for (const partition of [0, 1, 7]) {
            const partitions = [
              { partition, leaderEpoch: 0 },
              { partition, leaderEpoch: 1 },
              { partition, leaderEpoch: -1 },
              { partition, leaderEpoch: 0, currentLeaderEpoch: 0 },
              { partition, leaderEpoch: 0, currentLeaderEpoch: 1 },
              { partition, leaderEpoch: 0, currentLeaderEpoch: -2 },
            ];
            for (const one of partitions) {
              const topics = [{ topic, partitions: [one] }];
              await both().same(offsetForLeaderEpochApi, v, { ...(v >= 3 && { replicaId }), topics });
            }
          }
        }
      }
    });
  });

  describe("DeleteRecords", () => {
    it.each([0, 1, 2])("v%i", async (v) => {
      const name = `trimmed-${v}`;
      await filled(name);
      const trim = (topic: string, ...partitions: [partitionIndex: number, offset: number][]) =>
        both().same(
          deleteRecordsApi,
          v,
          {
            topics: [
              { name: topic, partitions: partitions.map(([partitionIndex, offset]) => ({ partitionIndex, offset })) },
            ],
            timeoutMs: 5000,
          },
          { inAnyOrder: true },
        );
      for (const offset of [2, 1, 0, 99, -2, 8, -1, -1]) await trim(name, [0, offset]);
      await trim(name, [1, 0], [0, 1], [9, 0], [-1, 0]);
      await trim("there-is-none", [0, 0]);
      await trim("", [0, 0]);
      await both().createTopic("compacted-not-trimmed", 1, { "cleanup.policy": "compact" });
      await trim("compacted-not-trimmed", [0, 0]);
      await trim(name);
      await both().same(deleteRecordsApi, v, { topics: [], timeoutMs: 5000 });
      await both().same(listOffsetsApi, 5, {
        replicaId: -1,
        topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
      });
    });
  });

  describe("DescribeProducers", () => {
    it("producers of partitions, and what is not there", async () => {
      await both().createTopic("producers", 2);
      await both().produce("producers", 0, {
        records: [{ value: "a" }, { value: "b" }],
        timestampMs: 5,
        baseSequence: 0,
        ...PRODUCER,
      });
      const ask = (name: string, ...partitionIndexes: number[]) =>
        both().same(
          describeProducersApi,
          0,
          { topics: [{ name, partitionIndexes }] },
          { inAnyOrder: true, ignoring: ["lastTimestamp", "errorMessage"] },
        );
      await ask("producers", 0);
      await ask("producers", 0, 1);
      await ask("producers", 0, 5);
      await ask("producers", -1);
      await ask("producers");
      await ask("there-is-none", 0);
      await ask("there-is-none", 0, 1);
      await ask("", 0);
      await ask("a b", 0);
    });
  });

  describe("DescribeLogDirs", () => {
    /** Each has directories of its own. */
    const comparison = { ignoring: ["logDir", "totalBytes", "usableBytes"], inAnyOrder: true };

    it.each([1, 2, 3, 4, 5])("v%i", async (v) => {
      if (v === 1) await filled("directories");
      for (const topics of [
        [{ topic: "directories", partitions: [0, 1] }],
        [{ topic: "directories", partitions: [0] }],
        [{ topic: "directories", partitions: [9] }],
        [{ topic: "there-is-none", partitions: [0] }],
        [{ topic: "", partitions: [0] }],
        [],
      ]) {
        await both().same(describeLogDirsApi, v, { topics }, comparison);
      }
    });
  });
}
