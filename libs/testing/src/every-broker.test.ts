import {
  type ApiDefinition,
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  alterClientQuotasApi,
  alterConfigsApi,
  alterPartitionReassignmentsApi,
  alterReplicaLogDirsApi,
  apiVersionsApi,
  consumerGroupDescribeApi,
  consumerGroupHeartbeatApi,
  createPartitionsApi,
  createTopicsApi,
  deleteGroupsApi,
  deleteRecordsApi,
  deleteTopicsApi,
  describeAclsApi,
  describeClientQuotasApi,
  describeClusterApi,
  describeConfigsApi,
  describeGroupsApi,
  describeLogDirsApi,
  describeProducersApi,
  describeTopicPartitionsApi,
  describeTransactionsApi,
  describeUserScramCredentialsApi,
  electLeadersApi,
  encodeRecordBatch,
  endTxnApi,
  errorByCode,
  fetchApi,
  findCoordinatorApi,
  heartbeatApi,
  incrementalAlterConfigsApi,
  initProducerIdApi,
  joinGroupApi,
  leaveGroupApi,
  listConfigResourcesApi,
  listGroupsApi,
  listOffsetsApi,
  listPartitionReassignmentsApi,
  listTransactionsApi,
  metadataApi,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  offsetForLeaderEpochApi,
  produceApi,
  type RecordBatchInput,
  type RequestInput,
  syncGroupApi,
  txnOffsetCommitApi,
  unregisterBrokerApi,
  updateFeaturesApi,
  writeTxnMarkersApi,
  ZERO_UUID,
} from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector, parseBootstrap } from "@ottla/transport";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";

const [LEADER, FOLLOWER, STRANGER] = [1, 2, 3];
const BROKERS = [LEADER, FOLLOWER, STRANGER];

const member = { memberId: "nobody", generationId: 1 };
const producer = { transactionalId: "a transaction", producerId: 1, producerEpoch: 0 };
const group = { groupId: "a group" };
const timeoutMs = 5_000;
const TOPIC_RESOURCE = 2;

/** What is asked, in the latest version that is served; the topics and ids in it are known once the cluster is there. */
type Row<Api extends ApiDefinition = ApiDefinition> = readonly [
  api: Api,
  body: () => RequestInput<Api>,
  ...errors: string[],
];
const row = <Api extends ApiDefinition>(...each: Row<Api>): Row => each as unknown as Row;

let cluster: TestCluster;
let topicId: string;
let coordinator: number;

const OF_A_TRANSACTION = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true };
const records = (what: Partial<RecordBatchInput> = {}) =>
  encodeRecordBatch({ records: [{ value: "x" }], timestampMs: Date.now(), ...what });
const partition = { partitionIndex: 0 };

/** Whose broker leads the partition is asked; the others say so. Of `led` broker 1 is the leader, and 3 has no replica. */
const OF_LEADERS: readonly Row[] = [
  row(
    produceApi,
    () => ({
      ...{ acks: -1, timeoutMs },
      topicData: [{ topicId, partitionData: [{ index: 0, records: records() }] }],
    }),
    "NONE",
  ),
  row(
    produceApi,
    () => ({
      ...{ transactionalId: "nowhere", acks: -1, timeoutMs },
      topicData: [{ topicId, partitionData: [{ index: 0, records: records(OF_A_TRANSACTION) }] }],
    }),
    "INVALID_PRODUCER_ID_MAPPING",
  ),
  row(
    fetchApi,
    () => ({
      ...{ maxWaitMs: 0, minBytes: 0, sessionEpoch: -1 },
      topics: [{ topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }] }],
    }),
    "NONE",
  ),
  row(
    listOffsetsApi,
    () => ({ replicaId: -1, topics: [{ name: "led", partitions: [{ ...partition, timestamp: -1 }] }] }),
    "NONE",
  ),
  row(
    offsetForLeaderEpochApi,
    () => ({
      replicaId: -1,
      topics: [{ topic: "led", partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }] }],
    }),
    "NONE",
  ),
  row(
    deleteRecordsApi,
    () => ({ timeoutMs, topics: [{ name: "led", partitions: [{ ...partition, offset: 0 }] }] }),
    "NONE",
  ),
  row(
    writeTxnMarkersApi,
    () => ({
      markers: [
        {
          ...{ producerId: 77, producerEpoch: 0, transactionResult: false, coordinatorEpoch: 0 },
          topics: [{ name: "led", partitionIndexes: [0] }],
        },
      ],
    }),
    "NONE",
  ),
];

/** What each replica of the partition answers for itself. */
const OF_REPLICAS: readonly Row[] = [
  row(describeProducersApi, () => ({ topics: [{ name: "led", partitionIndexes: [0] }] }), "NONE"),
];

/** Whose broker coordinates the group, or the transaction, is asked; what it answers to somebody whom it does not know. */
const OF_COORDINATORS: readonly Row[] = [
  row(
    joinGroupApi,
    () => ({
      ...{ ...group, memberId: "", protocolType: "consumer", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 },
      protocols: [{ name: "range", metadata: new Uint8Array(0) }],
    }),
    "MEMBER_ID_REQUIRED",
  ),
  row(
    syncGroupApi,
    () => ({ ...group, ...member, protocolType: "consumer", protocolName: "range", assignments: [] }),
    "UNKNOWN_MEMBER_ID",
  ),
  row(heartbeatApi, () => ({ ...group, ...member }), "UNKNOWN_MEMBER_ID"),
  row(leaveGroupApi, () => ({ ...group, members: [{ memberId: "nobody" }] }), "UNKNOWN_MEMBER_ID"),
  row(
    consumerGroupHeartbeatApi,
    () => ({ groupId: "another group", memberId: "nobody", memberEpoch: 5 }),
    "GROUP_ID_NOT_FOUND",
  ),
  row(
    offsetCommitApi,
    () => ({
      ...{ ...group, generationIdOrMemberEpoch: -1, memberId: "" },
      topics: [{ topicId, partitions: [{ ...partition, committedOffset: 1, committedMetadata: "" }] }],
    }),
    "NONE",
  ),
  row(offsetFetchApi, () => ({ groups: [{ ...group, topics: [{ topicId, partitionIndexes: [0] }] }] }), "NONE"),
  row(offsetDeleteApi, () => ({ ...group, topics: [{ name: "led", partitions: [partition] }] }), "NONE"),
  row(describeGroupsApi, () => ({ groups: ["nowhere"] }), "GROUP_ID_NOT_FOUND"),
  row(
    consumerGroupDescribeApi,
    () => ({ groupIds: ["nowhere"], includeAuthorizedOperations: false }),
    "GROUP_ID_NOT_FOUND",
  ),
  row(deleteGroupsApi, () => ({ groupsNames: ["nowhere"] }), "GROUP_ID_NOT_FOUND"),
  row(initProducerIdApi, () => ({ transactionalId: "a transaction", transactionTimeoutMs: 10_000 }), "NONE"),
  row(
    addPartitionsToTxnApi,
    () => ({
      transactions: [
        { ...producer, transactionalId: "nowhere", verifyOnly: false, topics: [{ name: "led", partitions: [0] }] },
      ],
    }),
    "INVALID_PRODUCER_ID_MAPPING",
  ),
  row(addOffsetsToTxnApi, () => ({ ...producer, transactionalId: "nowhere", ...group }), "INVALID_PRODUCER_ID_MAPPING"),
  row(endTxnApi, () => ({ ...producer, transactionalId: "nowhere", committed: true }), "INVALID_PRODUCER_ID_MAPPING"),
  row(
    txnOffsetCommitApi,
    () => ({
      ...{ ...producer, ...group, generationId: 7, memberId: "nobody" },
      topics: [{ name: "led", partitions: [{ ...partition, committedOffset: 1, committedMetadata: "" }] }],
    }),
    "INVALID_PRODUCER_ID_MAPPING",
  ),
  row(describeTransactionsApi, () => ({ transactionalIds: ["nowhere"] }), "TRANSACTIONAL_ID_NOT_FOUND"),
];

/** What the controller alone can answer: any broker passes it on. `made` is a topic of each broker that is asked. */
const OF_THE_CONTROLLER = (made: string): readonly Row[] => [
  row(
    createTopicsApi,
    () => ({
      timeoutMs,
      topics: [{ name: made, numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] }],
    }),
    "NONE",
  ),
  row(
    createPartitionsApi,
    () => ({ timeoutMs, topics: [{ name: made, count: 2, assignments: null }], validateOnly: false }),
    "NONE",
  ),
  row(
    incrementalAlterConfigsApi,
    () => ({
      resources: [
        {
          resourceType: TOPIC_RESOURCE,
          resourceName: made,
          configs: [{ name: "retention.ms", configOperation: 0, value: "77" }],
        },
      ],
      validateOnly: false,
    }),
    "NONE",
  ),
  row(
    alterConfigsApi,
    () => ({
      resources: [
        { resourceType: TOPIC_RESOURCE, resourceName: made, configs: [{ name: "retention.ms", value: "78" }] },
      ],
      validateOnly: false,
    }),
    "NONE",
  ),
  row(
    electLeadersApi,
    () => ({ electionType: 0, topicPartitions: [{ topic: made, partitions: [0] }], timeoutMs }),
    "ELECTION_NOT_NEEDED",
  ),
  row(
    alterPartitionReassignmentsApi,
    () => ({
      timeoutMs,
      topics: [{ name: made, partitions: [{ ...partition, replicas: null }] }],
    }),
    "NO_REASSIGNMENT_IN_PROGRESS",
  ),
  row(listPartitionReassignmentsApi, () => ({ timeoutMs, topics: null }), "NONE"),
  row(
    alterClientQuotasApi,
    () => ({
      entries: [
        {
          entity: [{ entityType: "client-id", entityName: made }],
          ops: [{ key: "producer_byte_rate", value: 1e9, remove: false }],
        },
      ],
      validateOnly: false,
    }),
    "NONE",
  ),
  row(
    updateFeaturesApi,
    () => ({
      timeoutMs,
      featureUpdates: [{ feature: "group.version", maxVersionLevel: 9, upgradeType: 1 }],
      validateOnly: false,
    }),
    "INVALID_UPDATE_VERSION",
  ),
  row(unregisterBrokerApi, () => ({ brokerId: 77 }), "BROKER_ID_NOT_REGISTERED"),
  row(deleteTopicsApi, () => ({ timeoutMs, topics: [{ name: made, topicId: ZERO_UUID }] }), "NONE"),
];

/** What every broker answers alike. */
const OF_ANYBODY: readonly Row[] = [
  row(apiVersionsApi, () => ({ clientSoftwareName: "hand", clientSoftwareVersion: "1" }), "NONE"),
  row(metadataApi, () => ({ topics: [{ name: "led", topicId: ZERO_UUID }] }), "NONE"),
  row(describeClusterApi, () => ({ includeClusterAuthorizedOperations: false }), "NONE"),
  row(
    describeTopicPartitionsApi,
    () => ({ topics: [{ name: "led" }], responsePartitionLimit: 10, cursor: null }),
    "NONE",
  ),
  row(
    describeConfigsApi,
    () => ({ resources: [{ resourceType: TOPIC_RESOURCE, resourceName: "led", configurationKeys: null }] }),
    "NONE",
  ),
  row(findCoordinatorApi, () => ({ keyType: 0, coordinatorKeys: ["a group"] }), "NONE"),
  row(initProducerIdApi, () => ({ transactionalId: null, transactionTimeoutMs: 10_000 }), "NONE"),
  row(listGroupsApi, () => ({}), "NONE"),
  row(listTransactionsApi, () => ({ stateFilters: [], producerIdFilters: [] }), "NONE"),
  row(listConfigResourcesApi, () => ({}), "NONE"),
  row(describeClientQuotasApi, () => ({ components: [], strict: false }), "NONE"),
  row(describeUserScramCredentialsApi, () => ({ users: null }), "NONE"),
  row(
    describeAclsApi,
    () => ({
      ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
      ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
    }),
    "SECURITY_DISABLED",
  ),
  row(describeLogDirsApi, () => ({ topics: null }), "NONE"),
];

/** What a broker answers for itself alone. */
const OF_ITSELF: readonly Row[] = [
  row(
    alterReplicaLogDirsApi,
    () => ({ dirs: [{ path: "/nowhere", topics: [{ name: "led", partitions: [0] }] }] }),
    "LOG_DIR_NOT_FOUND",
  ),
];

describe("each API of clients, asked of each broker of a cluster", () => {
  const connections = new Map<number, BrokerConnection>();

  beforeAll(async () => {
    const config = {
      "offsets.topic.num.partitions": 1,
      "transaction.state.log.num.partitions": 1,
      "auto.leader.rebalance.enable": false,
    };
    cluster = await startCluster({ config });
    const admin = await cluster.admin();
    const [topic] = await admin.createTopics([{ name: "led", assignments: [[LEADER, FOLLOWER]] }]);
    topicId = topic!.topicId;
    const runtime = createSystemRuntime();
    for (const { brokerId, bootstrapServers } of cluster.brokers) {
      const [address] = parseBootstrap(bootstrapServers);
      const connector = createDefaultConnector(runtime);
      connections.set(
        brokerId,
        await BrokerConnection.open({ connector, address: address!, runtime, clientId: "hand" }),
      );
    }
    coordinator = await coordinatorOf(0, "a group");
    // So that one broker coordinates both, and it is known which one.
    const coordinatorOfTransactions = await coordinatorOf(1, "a transaction");
    const others = BROKERS.filter((id) => id !== coordinator);
    if (coordinatorOfTransactions !== coordinator) {
      const replicas = [coordinator, ...others];
      await admin.alterPartitionReassignments([{ topic: "__transaction_state", partition: 0, replicas }]);
      const topicPartitions = [{ topic: "__transaction_state", partitions: [0] }];
      await ask(LEADER, electLeadersApi, { electionType: 0, topicPartitions, timeoutMs });
      while ((await coordinatorOf(1, "a transaction")) !== coordinator) await pause();
    }
    // It has loaded both once it knows them.
    for (const [api, body] of [OF_COORDINATORS[5]!, OF_COORDINATORS[11]!]) {
      while ((await errorsOf(coordinator, api, body())).join() !== "NONE") await pause();
    }
  }, 60_000);
  afterAll(async () => {
    for (const connection of connections.values()) connection.close();
    await cluster?.close();
  });

  async function ask(brokerId: number, api: ApiDefinition, body: unknown): Promise<unknown> {
    const { maxVersion } = served(brokerId).find(({ apiKey }) => apiKey === api.key)!;
    return await connections
      .get(brokerId)!
      .request(api as never, body as never, { version: maxVersion, timeoutMs: 20_000 });
  }
  const served = (brokerId: number) => cluster.broker(brokerId).broker.services.servedApis();
  const errorsOf = async (brokerId: number, api: ApiDefinition, body: unknown) =>
    errorsIn(await ask(brokerId, api, body));

  async function coordinatorOf(keyType: number, key: string): Promise<number> {
    for (;;) {
      const asked = { keyType, coordinatorKeys: [key] };
      const found = await connections.get(LEADER)!.request(findCoordinatorApi, asked, { version: 6 });
      const { nodeId } = found.coordinators[0]!;
      if (nodeId >= 0) return nodeId;
      await pause();
    }
  }

  const named = (rows: readonly Row[]) => rows.map(([api, body, ...errors]) => ({ name: api.name, api, body, errors }));

  it.each(named(OF_LEADERS))(
    "$name: the leader answers it, all others say who that is",
    async ({ api, body, errors }) => {
      expect(await errorsOf(LEADER, api, body())).toEqual(errors);
      for (const other of [FOLLOWER, STRANGER]) {
        const answer = await ask(other, api, body());
        expect(errorsIn(answer), `broker ${other}`).toEqual(["NOT_LEADER_OR_FOLLOWER"]);
        const hints = valuesOf(answer, /^currentLeader$/) as readonly { leaderId: number; leaderEpoch: number }[];
        for (const hint of hints) expect(hint).toMatchObject({ leaderId: LEADER, leaderEpoch: 0 });
        if (api === produceApi || api === fetchApi) expect(hints, "KIP-951").toHaveLength(1);
      }
    },
  );

  it.each(named(OF_REPLICAS))("$name: every replica answers it, and nobody else", async ({ api, body, errors }) => {
    for (const replica of [LEADER, FOLLOWER])
      expect(await errorsOf(replica, api, body()), `broker ${replica}`).toEqual(errors);
    expect(await errorsOf(STRANGER, api, body())).toEqual(["NOT_LEADER_OR_FOLLOWER"]);
  });

  it.each(named(OF_COORDINATORS))(
    "$name: the coordinator answers it, all others NOT_COORDINATOR",
    async ({ api, body, errors }) => {
      expect(await errorsOf(coordinator, api, body())).toEqual(errors);
      for (const other of BROKERS.filter((id) => id !== coordinator)) {
        expect(await errorsOf(other, api, body()), `broker ${other}`).toEqual(["NOT_COORDINATOR"]);
      }
    },
  );

  it.each(BROKERS)(
    "what the controller alone can answer, broker %i passes on, and shows at once what came of it",
    async (brokerId) => {
      const made = `made-by-${brokerId}`;
      for (const [api, body, ...errors] of OF_THE_CONTROLLER(made)) {
        expect(await errorsOf(brokerId, api, body()), api.name).toEqual(errors);
        const topic = cluster.broker(brokerId).broker.services.image.topicsByName.get(made);
        if (api === createTopicsApi) expect(topic?.partitions).toHaveLength(1);
        if (api === createPartitionsApi) expect(topic?.partitions).toHaveLength(2);
        if (api === deleteTopicsApi) expect(topic).toBeUndefined();
      }
    },
  );

  it.each(BROKERS)("what any broker can answer, broker %i answers", async (brokerId) => {
    for (const [api, body, ...errors] of OF_ANYBODY)
      expect(await errorsOf(brokerId, api, body()), api.name).toEqual(errors);
  });

  it("a broker's own directories are its own: who has no replica has none to move", async () => {
    for (const [api, body, ...errors] of OF_ITSELF) {
      for (const brokerId of BROKERS)
        expect(await errorsOf(brokerId, api, body()), `broker ${brokerId}`).toEqual(errors);
    }
    const topicsOf = async (brokerId: number) =>
      valuesOf(await ask(brokerId, describeLogDirsApi, { topics: [{ topic: "led", partitions: [0] }] }), /^name$/);
    expect([await topicsOf(LEADER), await topicsOf(FOLLOWER), await topicsOf(STRANGER)]).toEqual([
      ["led"],
      ["led"],
      [],
    ]);
  });

  it("groups and transactions are listed by their coordinator alone", async () => {
    for (const brokerId of BROKERS) {
      const isCoordinator = brokerId === coordinator;
      const groups = valuesOf(await ask(brokerId, listGroupsApi, {}), /^groupId$/);
      const transactions = await ask(brokerId, listTransactionsApi, { stateFilters: [], producerIdFilters: [] });
      expect(groups.includes("a group"), `broker ${brokerId}`).toBe(isCoordinator);
      expect(valuesOf(transactions, /^transactionalId$/).includes("a transaction"), `broker ${brokerId}`).toBe(
        isCoordinator,
      );
    }
  });

  it("these are all the APIs that are served", () => {
    const rows = [
      ...OF_LEADERS,
      ...OF_REPLICAS,
      ...OF_COORDINATORS,
      ...OF_THE_CONTROLLER("x"),
      ...OF_ANYBODY,
      ...OF_ITSELF,
    ];
    const asked = new Set(rows.map(([{ key }]) => key));
    for (const brokerId of BROKERS) {
      expect(
        served(brokerId)
          .map(({ apiKey }) => apiKey)
          .filter((key) => !asked.has(key)),
      ).toEqual([]);
    }
  });
});

const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

/** The values of all fields of a response whose name matches. */
function valuesOf(value: unknown, name: RegExp): unknown[] {
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(name.test(key) ? [inner] : []),
    ...valuesOf(inner, name),
  ]);
}

/** The names of all errors in a response, each once; NONE where there are none. */
function errorsIn(response: unknown): string[] {
  const codes = valuesOf(response, /ErrorCode$|^errorCode$/) as number[];
  const names = new Set(codes.map((code) => errorByCode(code).name));
  if (names.size > 1) names.delete("NONE");
  return [...names].sort();
}
