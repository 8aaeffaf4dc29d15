import {
  type ApiDefinition,
  alterConfigsApi,
  alterReplicaLogDirsApi,
  apiVersionsApi,
  createPartitionsApi,
  createTopicsApi,
  deleteRecordsApi,
  deleteTopicsApi,
  describeAclsApi,
  describeClusterApi,
  describeConfigsApi,
  describeLogDirsApi,
  describeProducersApi,
  describeTopicPartitionsApi,
  describeUserScramCredentialsApi,
  ErrorCode,
  fetchApi,
  incrementalAlterConfigsApi,
  initProducerIdApi,
  listConfigResourcesApi,
  listOffsetsApi,
  metadataApi,
  offsetForLeaderEpochApi,
  produceApi,
  type RequestInput,
  type ResponseOf,
} from "@ottla/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { batchOf, TestBroker } from "../test-support/test-broker.ts";

/** What the project has set out to advertise: API key to versions. */
const ADVERTISED: Readonly<Record<number, readonly [min: number, max: number]>> = {
  0: [0, 13],
  1: [4, 18],
  2: [1, 11],
  3: [0, 13],
  8: [2, 10],
  9: [1, 10],
  10: [0, 6],
  11: [0, 9],
  12: [0, 4],
  13: [0, 5],
  14: [0, 5],
  15: [0, 6],
  16: [0, 5],
  18: [0, 4],
  19: [2, 7],
  20: [1, 6],
  21: [0, 2],
  22: [0, 5],
  24: [0, 5],
  25: [0, 4],
  26: [0, 5],
  27: [1, 2],
  28: [0, 5],
  23: [2, 4],
  29: [1, 3],
  32: [1, 4],
  33: [0, 2],
  34: [1, 2],
  35: [1, 5],
  37: [0, 3],
  42: [0, 2],
  43: [0, 2],
  44: [0, 1],
  45: [0, 1],
  46: [0, 0],
  47: [0, 0],
  48: [0, 1],
  49: [0, 1],
  50: [0, 0],
  57: [0, 2],
  60: [0, 2],
  61: [0, 0],
  64: [0, 0],
  65: [0, 0],
  66: [0, 2],
  68: [0, 1],
  69: [0, 1],
  74: [0, 1],
  75: [0, 0],
};

let test: TestBroker;
let topicId: string;

beforeAll(async () => {
  test = await TestBroker.start();
  topicId = await test.createTopic("orders", 2, { "retention.ms": "1000000000000" });
  await test.produce("orders", 0, batchOf("a", "b", "c"));
});
afterAll(() => test[Symbol.asyncDispose]());

/** Exercises every served version of an API on its own: what is sent, and what must be true of the answer. */
function everyVersion<Api extends ApiDefinition>(
  api: Api,
  [min, max]: readonly [number, number],
  request: (version: number) => RequestInput<Api>,
  check: (response: ResponseOf<Api>, version: number) => void,
): void {
  const versions = Array.from({ length: max - min + 1 }, (_, index) => min + index);
  it.each(versions)(`${api.name} v%i`, async (version) => {
    check(await test.client.send(api, version, request(version)), version);
  });
}

const OK = ErrorCode.NONE;

describe("ApiVersions", () => {
  it("names exactly what is served, in the versions that were set out", () => {
    const served = Object.fromEntries(
      test.broker.services.servedApis().map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]),
    );
    expect(served).toEqual(ADVERTISED);
  });

  everyVersion(
    apiVersionsApi,
    [0, 4],
    (version) => (version >= 3 ? { clientSoftwareName: "test", clientSoftwareVersion: "1.0" } : {}),
    (response, version) => {
      expect(response.errorCode).toBe(OK);
      expect(response.apiKeys).toContainEqual({ apiKey: 0, minVersion: 0, maxVersion: 13 });
      const levels = response.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]);
      expect(levels).toEqual(
        version >= 3
          ? [
              ["metadata.version", 25],
              ["group.version", 1],
              ["transaction.version", 2],
              ["eligible.leader.replicas.version", 1],
            ]
          : [],
      );
      // A level that may be 0 would fail clients of older versions (KAFKA-17011).
      const supported = response.supportedFeatures.map(({ name }) => name);
      const optional = version >= 4 ? ["group.version", "transaction.version", "eligible.leader.replicas.version"] : [];
      expect(supported).toEqual(version >= 3 ? ["metadata.version", ...optional] : []);
    },
  );

  it.each(["", "-x", "a b"])("refuses the software name %j", async (clientSoftwareName) => {
    const request = { clientSoftwareName, clientSoftwareVersion: "1" };
    expect((await test.client.send(apiVersionsApi, 3, request)).errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });
});

describe("every version of every API of the broker's core", () => {
  everyVersion(
    produceApi,
    [3, 13],
    (version) => ({
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        {
          ...(version >= 13 ? { topicId } : { name: "orders" }),
          partitionData: [{ index: 1, records: batchOf("x") }],
        },
      ],
    }),
    (response, version) => {
      const [topic] = response.responses;
      expect(version >= 13 ? topic!.topicId : topic!.name).toBe(version >= 13 ? topicId : "orders");
      expect(topic!.partitionResponses).toMatchObject([
        {
          index: 1,
          errorCode: OK,
          baseOffset: version - 3,
          logAppendTimeMs: -1,
          logStartOffset: version >= 5 ? 0 : -1,
        },
      ]);
    },
  );

  everyVersion(
    fetchApi,
    [4, 18],
    (version) => ({
      maxWaitMs: 0,
      minBytes: 1,
      topics: [
        {
          ...(version >= 13 ? { topicId } : { topic: "orders" }),
          partitions: [
            {
              partition: 0,
              fetchOffset: 0,
              partitionMaxBytes: 100_000,
              ...(version >= 9 && { currentLeaderEpoch: 0 }),
            },
          ],
        },
      ],
    }),
    (response) => {
      expect(response).toMatchObject({ errorCode: OK, sessionId: 0 });
      expect(response.responses[0]!.partitions).toMatchObject([
        { partitionIndex: 0, errorCode: OK, highWatermark: 3, lastStableOffset: 3, abortedTransactions: null },
      ]);
      expect(response.responses[0]!.partitions[0]!.records!.length).toBe(batchOf("a", "b", "c").length);
    },
  );

  everyVersion(
    listOffsetsApi,
    [1, 11],
    () => ({
      replicaId: -1,
      topics: [{ name: "orders", partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    }),
    (response, version) => {
      expect(response.topics).toEqual([
        {
          name: "orders",
          partitions: [
            { partitionIndex: 0, errorCode: OK, timestamp: -1, offset: 3, leaderEpoch: version >= 4 ? 0 : -1 },
          ],
        },
      ]);
    },
  );

  everyVersion(
    metadataApi,
    [0, 13],
    () => ({ topics: [{ name: "orders" }] }),
    (response, version) => {
      expect(response.brokers).toMatchObject([{ nodeId: 1, host: "broker.test", port: 9092, rack: null }]);
      expect(response.controllerId).toBe(version >= 1 ? 1 : -1);
      expect(response.clusterId).toBe(version >= 2 ? test.broker.clusterId : null);
      const [topic] = response.topics;
      expect(topic).toMatchObject({ errorCode: OK, name: "orders", isInternal: false });
      expect(topic!.topicId).toBe(version >= 10 ? topicId : "AAAAAAAAAAAAAAAAAAAAAA");
      expect(topic!.partitions).toMatchObject(
        [0, 1].map((partitionIndex) => ({
          partitionIndex,
          errorCode: OK,
          leaderId: 1,
          leaderEpoch: version >= 7 ? 0 : -1,
          replicaNodes: [1],
          isrNodes: [1],
          offlineReplicas: [],
        })),
      );
    },
  );

  everyVersion(
    createTopicsApi,
    [2, 7],
    (version) => ({
      topics: [
        {
          name: `created-v${version}`,
          numPartitions: version >= 4 ? -1 : 1,
          replicationFactor: version >= 4 ? -1 : 1,
          assignments: [],
          configs: [{ name: "retention.ms", value: "5" }],
        },
      ],
      timeoutMs: 1000,
    }),
    (response, version) => {
      const [topic] = response.topics;
      expect(topic).toMatchObject({ name: `created-v${version}`, errorCode: OK, errorMessage: null });
      if (version < 5) return;
      expect(topic).toMatchObject({ numPartitions: 1, replicationFactor: 1 });
      expect(topic!.configs).toContainEqual({
        name: "retention.ms",
        value: "5",
        readOnly: false,
        configSource: 1,
        isSensitive: false,
      });
      expect(test.broker.services.partitions.get(`created-v${version}`, 0)?.isLeader).toBe(true);
    },
  );

  everyVersion(
    createPartitionsApi,
    [0, 3],
    (version) => ({
      topics: [{ name: "created-v2", count: version + 2, assignments: version === 0 ? [{ brokerIds: [1] }] : null }],
      timeoutMs: 1000,
      validateOnly: false,
    }),
    (response, version) => {
      expect(response.results).toEqual([{ name: "created-v2", errorCode: OK, errorMessage: null }]);
      expect(test.broker.services.partitions.get("created-v2", version + 1)?.isLeader).toBe(true);
    },
  );

  everyVersion(
    incrementalAlterConfigsApi,
    [0, 1],
    (version) => ({
      resources: [
        {
          resourceType: 2,
          resourceName: "orders",
          configs: [{ name: "segment.ms", configOperation: 0, value: `${version + 7}` }],
        },
      ],
      validateOnly: false,
    }),
    (response, version) => {
      expect(response.responses).toEqual([
        { errorCode: OK, errorMessage: null, resourceType: 2, resourceName: "orders" },
      ]);
      expect(test.broker.services.partitions.get("orders", 0)!.config.segmentMs).toBe(version + 7);
    },
  );

  everyVersion(
    alterConfigsApi,
    [0, 2],
    (version) => ({
      resources: [
        { resourceType: 2, resourceName: "created-v3", configs: [{ name: "segment.ms", value: `${version + 9}` }] },
      ],
      validateOnly: false,
    }),
    (response, version) => {
      expect(response.responses).toMatchObject([{ errorCode: OK, resourceName: "created-v3" }]);
      const { config } = test.broker.services.partitions.get("created-v3", 0)!;
      expect([config.segmentMs, config.retentionMs]).toEqual([version + 9, 604_800_000]);
    },
  );

  everyVersion(
    describeConfigsApi,
    [1, 4],
    (version) => ({
      resources: [{ resourceType: 2, resourceName: "orders", configurationKeys: ["retention.ms"] }],
      includeSynonyms: true,
      ...(version >= 3 && { includeDocumentation: true }),
    }),
    (response, version) => {
      expect(response.results).toMatchObject([{ errorCode: OK, resourceType: 2, resourceName: "orders" }]);
      const [config] = response.results[0]!.configs;
      expect(config).toMatchObject({
        name: "retention.ms",
        value: "1000000000000",
        readOnly: false,
        configSource: 1,
        isSensitive: false,
        configType: version >= 3 ? 5 : 0,
      });
      expect(config!.synonyms).toEqual([{ name: "retention.ms", value: "1000000000000", source: 1 }]);
      if (version >= 3) expect(config!.documentation).toMatch(/Milliseconds/);
    },
  );

  everyVersion(
    describeClusterApi,
    [0, 2],
    () => ({ includeClusterAuthorizedOperations: true }),
    (response) => {
      expect(response).toMatchObject({
        errorCode: OK,
        clusterId: test.broker.clusterId,
        controllerId: 1,
        brokers: [{ brokerId: 1, host: "broker.test", port: 9092, rack: null, isFenced: false, url: null }],
      });
      expect(response.clusterAuthorizedOperations).toBeGreaterThan(0);
    },
  );

  everyVersion(
    offsetForLeaderEpochApi,
    [2, 4],
    () => ({ replicaId: -1, topics: [{ topic: "orders", partitions: [{ partition: 0, leaderEpoch: 0 }] }] }),
    (response) => {
      const partitions = [{ partition: 0, errorCode: OK, leaderEpoch: 0, endOffset: 3 }];
      expect(response.topics).toEqual([{ topic: "orders", partitions }]);
    },
  );

  everyVersion(
    deleteRecordsApi,
    [0, 2],
    (version) => ({
      topics: [{ name: "orders", partitions: [{ partitionIndex: 1, offset: version + 1 }] }],
      timeoutMs: 1000,
    }),
    (response, version) => {
      const partitions = [{ partitionIndex: 1, errorCode: OK, lowWatermark: version + 1 }];
      expect(response.topics).toEqual([{ name: "orders", partitions }]);
    },
  );

  everyVersion(
    alterReplicaLogDirsApi,
    [1, 2],
    () => ({ dirs: [{ path: "/data", topics: [{ name: "orders", partitions: [0] }] }] }),
    ({ results }) => {
      expect(results).toEqual([{ topicName: "orders", partitions: [{ partitionIndex: 0, errorCode: OK }] }]);
    },
  );

  everyVersion(
    describeLogDirsApi,
    [1, 5],
    () => ({ topics: [{ topic: "orders", partitions: [0] }] }),
    (response, version) => {
      const [directory] = response.results;
      expect(directory).toMatchObject({ errorCode: OK, logDir: "/data", totalBytes: -1, isCordoned: false });
      expect(directory!.topics[0]!.partitions[0]!.partitionSize, `v${version}`).toBe(batchOf("a", "b", "c").length);
    },
  );

  everyVersion(
    describeTopicPartitionsApi,
    [0, 0],
    () => ({ topics: [{ name: "orders" }] }),
    ({ topics, nextCursor }) => {
      expect(nextCursor).toBe(null);
      expect(topics).toMatchObject([{ errorCode: OK, name: "orders", topicId, isInternal: false }]);
      expect(topics[0]!.partitions).toMatchObject([{ partitionIndex: 0, leaderId: 1 }, { partitionIndex: 1 }]);
    },
  );

  everyVersion(
    listConfigResourcesApi,
    [0, 1],
    (version) => (version >= 1 ? { resourceTypes: [4] } : {}),
    (response, version) => {
      const brokers = [{ resourceType: 4, resourceName: "1" }];
      expect(response).toMatchObject({ errorCode: OK, configResources: version >= 1 ? brokers : [] });
    },
  );

  everyVersion(
    describeAclsApi,
    [1, 3],
    () => ({
      resourceTypeFilter: 1,
      resourceNameFilter: null,
      principalFilter: null,
      hostFilter: null,
      operation: 1,
      permissionType: 1,
    }),
    (response) => expect(response).toMatchObject({ errorCode: ErrorCode.SECURITY_DISABLED, resources: [] }),
  );

  everyVersion(
    describeUserScramCredentialsApi,
    [0, 0],
    () => ({ users: [{ name: "alice" }] }),
    ({ errorCode, results }) => {
      expect(errorCode).toBe(OK);
      expect(results).toMatchObject([{ user: "alice", errorCode: ErrorCode.RESOURCE_NOT_FOUND, credentialInfos: [] }]);
    },
  );

  everyVersion(
    describeProducersApi,
    [0, 0],
    () => ({ topics: [{ name: "orders", partitionIndexes: [0] }] }),
    ({ topics }) => {
      expect(topics[0]).toMatchObject({ name: "orders", partitions: [{ errorCode: OK, activeProducers: [] }] });
    },
  );

  const producerIds = new Set<number>();
  everyVersion(
    initProducerIdApi,
    [0, 5],
    () => ({ transactionalId: null, transactionTimeoutMs: 1000 }),
    (response) => {
      expect(response).toMatchObject({ errorCode: OK, producerEpoch: 0 });
      expect(producerIds.has(response.producerId)).toBe(false);
      producerIds.add(response.producerId);
    },
  );

  everyVersion(
    deleteTopicsApi,
    [1, 6],
    (version) => {
      const name = `created-v${version + 1}`;
      const byName = { topicNames: [name] };
      return {
        ...(version >= 6 ? { topics: [{ name, topicId: "AAAAAAAAAAAAAAAAAAAAAA" }] } : byName),
        timeoutMs: 1000,
      };
    },
    (response, version) => {
      const name = `created-v${version + 1}`;
      expect(response.responses).toMatchObject([{ name, errorCode: OK, errorMessage: null }]);
      expect(test.broker.services.partitions.get(name, 0)).toBeUndefined();
    },
  );
});
