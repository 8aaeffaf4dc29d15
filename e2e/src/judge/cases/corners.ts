import {
  alterConfigsApi,
  createPartitionsApi,
  createTopicsApi,
  deleteRecordsApi,
  deleteTopicsApi,
  describeAclsApi,
  describeConfigsApi,
  describeLogDirsApi,
  electLeadersApi,
  encodeRecordBatch,
  fetchApi,
  incrementalAlterConfigsApi,
  listOffsetsApi,
  listPartitionReassignmentsApi,
  metadataApi,
  produceApi,
  type RecordBatchInput,
  type RequestInput,
  updateFeaturesApi,
  ZERO_UUID,
} from "@ottla/protocol";
import { describe, it } from "vitest";
import type { BothBrokers, Side } from "../both-brokers.ts";

const NOW_MS = Date.now();
const ORDERLESS = { inAnyOrder: true };
const SILENT = { whereKafkaIsSilent: ["errorMessage"] };
const [TOPIC, BROKER, BROKER_LOGGER, GROUP] = [2, 4, 8, 32];
const TIMEOUTS_MS = [0, -1];

const batch = (more: Partial<RecordBatchInput> = {}) =>
  encodeRecordBatch({ records: [{ key: "k", value: "v" }], timestampMs: NOW_MS, ...more });

/** What one would think of last: times that are none, the same twice, nothing at all, all at once. */
export function cornersCases(both: () => BothBrokers): void {
  describe("timeouts of zero and less", () => {
    const topic = (name: string) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] });

    it.each(TIMEOUTS_MS)("%i ms: CreateTopics and DeleteTopics of what does not work anyway", async (timeoutMs) => {
      await both().createTopic("timed-out", 1);
      await both().same(
        createTopicsApi,
        7,
        { topics: [topic("timed-out")], timeoutMs },
        { ignoring: ["configs"], ...SILENT },
      );
      await both().same(createTopicsApi, 7, { topics: [topic("a b")], timeoutMs }, SILENT);
      await both().same(createTopicsApi, 7, { topics: [], timeoutMs });
      await both().same(deleteTopicsApi, 5, { topicNames: ["there-is-none"], timeoutMs }, SILENT);
      await both().same(deleteRecordsApi, 2, {
        topics: [{ name: "timed-out", partitions: [{ partitionIndex: 0, offset: 0 }] }],
        timeoutMs,
      });
      await both().same(electLeadersApi, 2, { electionType: 0, topicPartitions: [], timeoutMs });
      await both().same(listPartitionReassignmentsApi, 0, { topics: null, timeoutMs });
      const topics = [{ name: "there-is-none", count: 2, assignments: null }];
      await both().same(createPartitionsApi, 3, { topics, timeoutMs, validateOnly: false }, SILENT);
      const late = [topic("made-too-late")];
      await both().same(createTopicsApi, 7, { topics: late, timeoutMs }, SILENT);
      await both().same(metadataApi, 9, { topics: [{ name: "made-too-late" }], allowAutoTopicCreation: false });
    });

    it.each(TIMEOUTS_MS)("%i ms: Produce", async (timeoutMs) => {
      await both().createTopic("timed-out", 1);
      const topicData = [{ name: "timed-out", partitionData: [{ index: 0, records: batch() }] }];
      for (const acks of [1, -1]) {
        await both().same(produceApi, 9, { acks, timeoutMs, topicData }, { ignoring: ["errorCode", "baseOffset"] });
      }
    });
  });

  describe("the same twice in one request", () => {
    it.each([3, 9, 12])("Produce v%i: topics of which nothing is sent", async (v) => {
      await both().createTopic("twice-produced", 2);
      // Batches of one partition are all appended here: decision 0052.
      const topicData = [
        { name: "twice-produced", partitionData: [] },
        { name: "there-is-none", partitionData: [] },
      ];
      await both().same(produceApi, v, { acks: -1, timeoutMs: 5000, topicData });
    });

    it.each([4, 6, 12])("Fetch v%i", async (v) => {
      await both().createTopic("twice-fetched", 2);
      await both().produce("twice-fetched", 0, { records: [{ value: "a" }], timestampMs: 5 });
      const partition = (index: number, fetchOffset = 0) => ({
        partition: index,
        fetchOffset,
        partitionMaxBytes: 1_000,
      });
      for (const topics of [
        [{ topic: "twice-fetched", partitions: [partition(0), partition(0, 1)] }],
        [
          { topic: "twice-fetched", partitions: [partition(0)] },
          { topic: "twice-fetched", partitions: [partition(1)] },
        ],
        [{ topic: "twice-fetched", partitions: [] }],
      ]) {
        await both().same(fetchApi, v, { maxWaitMs: 0, minBytes: 0, maxBytes: 10_000, topics }, ORDERLESS);
      }
    });

    it("DeleteRecords, ListOffsets, DescribeLogDirs, CreatePartitions", async () => {
      await both().createTopic("twice-asked", 2);
      await both().produce("twice-asked", 0, { records: [{ value: "a" }, { value: "b" }], timestampMs: 5 });
      const trim = [1, 2].map((offset) => ({ partitionIndex: 0, offset }));
      const topics = [{ name: "twice-asked", partitions: trim }];
      await both().same(deleteRecordsApi, 2, { topics, timeoutMs: 5000 }, ORDERLESS);
      const asked = (index: number) => ({
        name: "twice-asked",
        partitions: [{ partitionIndex: index, timestamp: -1 }],
      });
      for (const v of [1, 7, 11]) {
        await both().same(listOffsetsApi, v, { replicaId: -1, topics: [asked(0), asked(1)] }, ORDERLESS);
        await both().same(listOffsetsApi, v, { replicaId: -1, topics: [asked(0), asked(0)] }, ORDERLESS);
      }
      const directories = { ignoring: ["logDir", "totalBytes", "usableBytes", "partitionSize"], inAnyOrder: true };
      const twice = [0, 0].map(() => ({ topic: "twice-asked", partitions: [0] }));
      await both().same(describeLogDirsApi, 4, { topics: twice }, directories);
      await both().same(describeLogDirsApi, 4, { topics: [{ topic: "twice-asked", partitions: [0, 0] }] }, directories);
      await both().same(describeLogDirsApi, 4, { topics: [{ topic: "twice-asked", partitions: [] }] }, directories);
    });
  });

  describe("Produce with what is not as it says", () => {
    const send = (v: number, records: Uint8Array, more: Partial<RequestInput<typeof produceApi>> = {}) =>
      both().same(
        produceApi,
        v,
        {
          acks: -1,
          timeoutMs: 5000,
          topicData: [{ name: "oddly-produced", partitionData: [{ index: 0, records }] }],
          ...more,
        },
        { ignoring: ["logAppendTimeMs", "errorMessage", "batchIndexErrorMessage"] },
      );
    const concat = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

    it.each([3, 8, 12])("v%i: transactional ids, several batches, some of them bad", async (v) => {
      await both().createTopic("oddly-produced", 1);
      await send(v, batch(), { transactionalId: "nobody" });
      await send(v, batch({ producerId: 7_000, producerEpoch: 0, baseSequence: 0 }), { transactionalId: "nobody" });
      const transactional = { producerId: 7_001, producerEpoch: 0, baseSequence: 0, isTransactional: true };
      await send(v, batch(transactional), { transactionalId: "nobody" });
      await send(v, batch(transactional), { transactionalId: "" });
      await send(v, batch({ isTransactional: true }));
      await send(v, concat(batch(), batch().subarray(0, 70)));
      await send(v, concat(batch(), new Uint8Array(5)));
      await send(v, concat(batch(), new Uint8Array(70)));
      const first = { producerId: 7_002, producerEpoch: 0, baseSequence: 0 };
      await send(v, concat(batch(first), batch({ ...first, baseSequence: 1 })));
      await send(v, batch({ producerId: 7_003 + v, producerEpoch: 0, baseSequence: -5 }));
      await send(v, batch({ producerId: -1, producerEpoch: 0, baseSequence: 0 }));
      await send(v, batch({ producerId: 7_100 + v, producerEpoch: 0, baseSequence: 2 ** 31 - 1 }));
      await send(v, batch({ records: [] }));
      await send(v, batch({ timestampMs: -1 }));
      await send(v, batch({ records: [{ key: null, value: null }] }));
      await send(v, batch({ records: [{ key: "", value: "", headers: [["", ""]] }] }));
    });
  });

  describe("Fetch with odd numbers", () => {
    const fetch = (v: number, more: Partial<RequestInput<typeof fetchApi>>, partition: object = {}) =>
      both().same(
        fetchApi,
        v,
        (side: Side) => ({
          maxWaitMs: 0,
          minBytes: 0,
          maxBytes: 10_000,
          topics: [
            {
              ...(v >= 13 ? { topicId: side.topicId("oddly-fetched") } : { topic: "oddly-fetched" }),
              partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000, ...partition }],
            },
          ],
          ...more,
        }),
        { ignoring: ["sessionId"] },
      );

    it.each([4, 7, 12, 13, 18])("v%i", async (v) => {
      await both().createTopic("oddly-fetched", 1);
      if (v === 4) await both().produce("oddly-fetched", 0, { records: [{ value: "a" }], timestampMs: 5 });
      await fetch(v, { minBytes: 2 ** 31 - 1, maxWaitMs: 50 });
      await fetch(v, { minBytes: -1, maxWaitMs: 50 });
      await fetch(v, { minBytes: 1, maxWaitMs: -1 });
      await fetch(v, { minBytes: 1, maxWaitMs: -1 }, { fetchOffset: 1 });
      await fetch(v, { isolationLevel: 1 }, { fetchOffset: 1 });
      if (v >= 5) for (const logStartOffset of [-1, 0, 5]) await fetch(v, {}, { logStartOffset });
      if (v < 15) for (const replicaId of [-2, -3]) await fetch(v, { replicaId });
      if (v >= 7) {
        for (const [sessionId, sessionEpoch] of [
          [0, -1],
          [0, 0],
          [0, 1],
          [0, -2],
          [77, 0],
          [77, 1],
          [77, -1],
          [-1, 0],
        ] as const) {
          await fetch(v, { sessionId, sessionEpoch });
        }
        const nothing = (side: Side) =>
          v >= 13 ? { topicId: side.topicId("oddly-fetched") } : { topic: "oddly-fetched" };
        await both().same(
          fetchApi,
          v,
          (side) => ({
            maxWaitMs: 0,
            minBytes: 0,
            topics: [],
            forgottenTopicsData: [{ ...nothing(side), partitions: [0, 5, -1] }],
          }),
          { ignoring: ["sessionId"] },
        );
      }
    });
  });

  describe("configs of every kind of resource", () => {
    const NAMES: Readonly<Record<number, string>> = { [TOPIC]: "cornered", [BROKER]: "1", [GROUP]: "g" };

    it.each([1, 2, 3, 4])("DescribeConfigs v%i: no keys, all at once, without synonyms", async (v) => {
      await both().createTopic("cornered", 1, { "retention.ms": "5" });
      const ask = (
        resources: { resourceType: number; resourceName: string; configurationKeys: string[] | null }[],
        more = {},
      ) =>
        both().same(
          describeConfigsApi,
          v,
          { resources, ...more },
          { inAnyOrder: true, whereKafkaIsSilent: ["errorMessage"] },
        );
      await ask([
        { resourceType: TOPIC, resourceName: "cornered", configurationKeys: ["retention.ms", "retention.ms", ""] },
        { resourceType: BROKER, resourceName: "1", configurationKeys: ["num.partitions"] },
        { resourceType: GROUP, resourceName: "g", configurationKeys: ["consumer.session.timeout.ms"] },
        { resourceType: TOPIC, resourceName: "there-is-none", configurationKeys: null },
      ]);
      await ask([{ resourceType: TOPIC, resourceName: "n".repeat(250), configurationKeys: [] }]);
      await ask([]);
    });

    it.each([0, 1])("IncrementalAlterConfigs v%i: every operation on every kind", async (v) => {
      await both().createTopic("cornered", 1, { "retention.ms": "5" });
      for (const resourceType of [TOPIC, BROKER, GROUP]) {
        for (const resourceName of [NAMES[resourceType]!, "", "x"]) {
          for (const configOperation of [0, 1, 2, 3]) {
            for (const [name, value] of [
              ["no.such.key", "1"],
              ["", "1"],
              ["no.such.key", null],
            ] as const) {
              if (resourceType === BROKER && configOperation === 0 && value !== null) continue; // decision 0052
              await both().same(
                incrementalAlterConfigsApi,
                v,
                {
                  resources: [{ resourceType, resourceName, configs: [{ name, configOperation, value }] }],
                  validateOnly: true,
                },
                { inAnyOrder: true },
              );
            }
          }
        }
      }
    });

    it("AlterConfigs of groups and brokers, mixed", async () => {
      await both().createTopic("cornered", 1, { "retention.ms": "5" });
      const set = (resourceType: number, resourceName: string, name: string, value: string | null) => ({
        resourceType,
        resourceName,
        configs: [{ name, value }],
      });
      for (const resources of [
        [set(GROUP, "g", "consumer.session.timeout.ms", "1")],
        [set(GROUP, "g", "consumer.session.timeout.ms", null)],
        [set(GROUP, "", "consumer.session.timeout.ms", "50000")],
        [set(BROKER_LOGGER, "1", "root", "INFO")],
        [set(BROKER, "", "message.max.bytes", "many")],
        [set(BROKER, "1", "node.id", "2"), set(TOPIC, "cornered", "retention.ms", "7")],
      ]) {
        await both().same(alterConfigsApi, 2, { resources, validateOnly: true }, ORDERLESS);
      }
    });
  });

  describe("names at the edge", () => {
    const create = (v: number, name: string, more: object = {}) =>
      both().same(
        createTopicsApi,
        v,
        {
          topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...more }],
          timeoutMs: 10_000,
          validateOnly: true,
        },
        { ignoring: ["configs"] },
      );

    it.each([2, 5, 7])("CreateTopics v%i", async (v) => {
      for (const name of ["n".repeat(249), "n".repeat(1000), "...", "-", "_", "a\u0000b", "a\nb", "日本", " a", "a "]) {
        await create(v, name);
      }
      await create(v, "configured", { configs: [{ name: "", value: "1" }] });
      await create(v, "configured", { configs: [{ name: "", value: null }] });
      await create(v, "defaulted", { numPartitions: -1 });
      await create(v, "defaulted", { replicationFactor: -1 });
      await create(v, "__consumer_offsets");
      await create(v, "__cluster_metadata");
      await create(v, "__share_group_state");
    });

    it("Metadata that may create: names that cannot be, and the flag of old versions", async () => {
      for (const v of [0, 3, 4, 9, 12]) {
        for (const name of ["", ".", "a b", "n".repeat(250), "__cluster_metadata"]) {
          const topics = [v >= 10 ? { name, topicId: ZERO_UUID } : { name }];
          await both().same(metadataApi, v, { topics, ...(v >= 4 && { allowAutoTopicCreation: true }) });
        }
      }
    });
  });

  describe("features", () => {
    it.each([0, 1, 2])("UpdateFeatures v%i: what cannot be", async (v) => {
      const update = (feature: string, maxVersionLevel: number, upgradeType = 1) =>
        both().same(
          updateFeaturesApi,
          v,
          {
            timeoutMs: 5000,
            featureUpdates: [
              { feature, maxVersionLevel, ...(v >= 1 ? { upgradeType } : { allowDowngrade: upgradeType !== 1 }) },
            ],
            ...(v >= 1 && { validateOnly: true }),
          },
          { ignoring: ["errorMessage"] },
        );
      await update("no.such.feature", 1);
      await update("", 1);
      await update("group.version", 99);
      await update("group.version", -1);
      await update("transaction.version", 99);
      if (v >= 1) await update("group.version", 1, 7);
      if (v >= 1) await update("group.version", 1, 0);
      await both().same(updateFeaturesApi, v, { timeoutMs: 5000, featureUpdates: [] }, { ignoring: ["errorMessage"] });
    });
  });

  describe("DescribeAcls of what there is not", () => {
    it.each([2, 99])("type %i", async (resourceTypeFilter) => {
      await both().same(describeAclsApi, 2, {
        resourceTypeFilter,
        resourceNameFilter: "x",
        patternTypeFilter: 99,
        principalFilter: "nonsense",
        hostFilter: "",
        operation: 99,
        permissionType: 99,
      });
    });
  });
}
