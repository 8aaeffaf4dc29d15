import {
  type ApiDefinition,
  allocateProducerIdsApi,
  alterPartitionApi,
  brokerHeartbeatApi,
  brokerRegistrationApi,
  createTopicsApi,
  ErrorCode,
  encodeRecordBatch,
  encodeRequest,
  envelopeApi,
  fetchApi,
  listOffsetsApi,
  offsetForLeaderEpochApi,
  produceApi,
  type RequestInput,
  type ResponseOf,
} from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector, parseBootstrap } from "@ottla/transport";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";

const FETCH_VERSION = 16;

/** What brokers say to each other, said by somebody who is mistaken, or lies. Nothing may come of it but an error. */
describe("bad input among the brokers of a cluster", () => {
  let cluster: TestCluster;
  let connections: BrokerConnection[] = [];
  let topicId: string;
  let leaderId: number;

  beforeAll(async () => {
    cluster = await startCluster();
    const admin = await cluster.admin();
    await admin.createTopics([{ name: "orders", partitions: 1 }]);
    const [topic] = await admin.describeTopics(["orders"]);
    topicId = topic!.topicId;
    leaderId = topic!.partitions[0]!.leader;
  });
  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.close();
    connections = [];
    // Whatever was said: nothing has changed, and the cluster serves.
    const admin = await cluster.admin();
    const [topic] = await admin.describeTopics(["orders"]);
    expect(topic!.partitions[0]).toMatchObject({ leader: leaderId, leaderEpoch: 0 });
    expect(topic!.partitions[0]!.inSyncReplicas).toHaveLength(3);
    const { brokers } = await admin.describeCluster({ includeFencedBrokers: true });
    expect(brokers.filter(({ isFenced }) => isFenced)).toEqual([]);
    const records = encodeRecordBatch({ records: [{ value: new Uint8Array(10) }], timestampMs: Date.now() });
    const { responses } = await send(leaderId, produceApi, 9, {
      acks: -1,
      timeoutMs: 5_000,
      topicData: [{ name: "orders", partitionData: [{ index: 0, records }] }],
    });
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE);
  });
  afterAll(() => cluster?.close());

  async function send<Api extends ApiDefinition>(
    brokerId: number,
    api: Api,
    version: number,
    body: RequestInput<Api>,
  ): Promise<ResponseOf<Api>> {
    const runtime = createSystemRuntime();
    const [address] = parseBootstrap(cluster.broker(brokerId).bootstrapServers);
    const connector = createDefaultConnector(runtime);
    const connection = await BrokerConnection.open({ connector, address: address!, runtime, clientId: "a stranger" });
    connections.push(connection);
    return (await connection.request(api as never, body as never, { version, timeoutMs: 5_000 })) as ResponseOf<Api>;
  }
  const imageOf = (brokerId: number) => cluster.broker(brokerId).broker.services.image;
  const epochOf = (brokerId: number) => imageOf(cluster.controllerId).brokers.get(String(brokerId))!.epoch;
  const followerId = () => cluster.brokers.find(({ brokerId }) => brokerId !== leaderId)!.brokerId;

  const beat = (brokerId: number, brokerEpoch: number) => ({
    ...{ brokerId, brokerEpoch, currentMetadataOffset: 0 },
    ...{ wantFence: true, wantShutDown: true },
  });
  const isrOf = (members: readonly { brokerId: number; brokerEpoch: number }[], epochs = {}) => [
    {
      topicId,
      partitions: [
        {
          partitionIndex: 0,
          leaderEpoch: 0,
          partitionEpoch: 0,
          leaderRecoveryState: 0,
          newIsrWithEpochs: members,
          ...epochs,
        },
      ],
    },
  ];

  describe("an earlier life of a broker", () => {
    it("STALE_BROKER_EPOCH for its heartbeat, its ISRs and its wish for producer ids", async () => {
      const stale = epochOf(leaderId) - 1;
      const to = cluster.controllerId;
      expect(await send(to, brokerHeartbeatApi, 1, beat(leaderId, stale))).toMatchObject({
        errorCode: ErrorCode.STALE_BROKER_EPOCH,
      });
      const topics = isrOf([{ brokerId: leaderId, brokerEpoch: stale }]);
      expect(await send(to, alterPartitionApi, 3, { brokerId: leaderId, brokerEpoch: stale, topics })).toMatchObject({
        errorCode: ErrorCode.STALE_BROKER_EPOCH,
      });
      expect(await send(to, allocateProducerIdsApi, 0, { brokerId: leaderId, brokerEpoch: stale })).toMatchObject({
        errorCode: ErrorCode.STALE_BROKER_EPOCH,
      });
    });

    it("takes no part in replication: its fetches are refused", async () => {
      const answer = await fetchAs(followerId(), epochOf(followerId()) - 1, 0);
      expect(answer.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    });
  });

  describe("a broker that nobody knows", () => {
    it("BROKER_ID_NOT_REGISTERED from the controller", async () => {
      expect(await send(cluster.controllerId, brokerHeartbeatApi, 1, beat(77, 1))).toMatchObject({
        errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
      });
    });

    it("UNKNOWN_LEADER_EPOCH from a leader of whom it claims to have a replica: it may know of a reassignment first", async () => {
      expect((await fetchAs(77, 1, 0, 0)).errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
      expect((await fetchAs(77, 1, 0)).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    });
  });

  it("a registration under an id that is alive elsewhere, or for another cluster, is refused", async () => {
    const registration = {
      brokerId: leaderId,
      clusterId: cluster.clusterId,
      incarnationId: "AAAAAAAAAAAAAAAAAAAAbA",
      listeners: [{ name: "PLAINTEXT", host: "elsewhere", port: 1, securityProtocol: 0 }],
      features: [],
      rack: null,
      logDirs: ["AAAAAAAAAAAAAAAAAAAAcA"],
      previousBrokerEpoch: -1,
    };
    const to = cluster.controllerId;
    expect(await send(to, brokerRegistrationApi, 4, registration)).toMatchObject({
      errorCode: ErrorCode.DUPLICATE_BROKER_REGISTRATION,
    });
    expect(await send(to, brokerRegistrationApi, 4, { ...registration, clusterId: "another" })).toMatchObject({
      errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID,
    });
  });

  it("only the controller acts as one: NOT_CONTROLLER from the others", async () => {
    const other = cluster.brokers.find(({ brokerId }) => brokerId !== cluster.controllerId)!.brokerId;
    const identity = { brokerId: leaderId, brokerEpoch: epochOf(leaderId) };
    const refused = { errorCode: ErrorCode.NOT_CONTROLLER };
    expect(await send(other, brokerHeartbeatApi, 1, { ...beat(leaderId, identity.brokerEpoch) })).toMatchObject(
      refused,
    );
    expect(await send(other, alterPartitionApi, 3, { ...identity, topics: [] })).toMatchObject(refused);
    expect(await send(other, allocateProducerIdsApi, 0, identity)).toMatchObject(refused);
    expect(await send(other, envelopeApi, 0, enveloped(createTopics("x")))).toMatchObject(refused);
  });

  it.each([
    ["an old leader epoch from the leader of today", { leaderEpoch: -1 }, ErrorCode.FENCED_LEADER_EPOCH],
    ["an old partition epoch", { partitionEpoch: -1 }, ErrorCode.INVALID_UPDATE_VERSION],
    ["a leader epoch of the future: this controller would be an old one", { leaderEpoch: 9 }, ErrorCode.NOT_CONTROLLER],
    ["a recovery state that there is not", { leaderRecoveryState: 5 }, ErrorCode.INVALID_REQUEST],
  ])("AlterPartition: %s", async (_, epochs, errorCode) => {
    const brokerEpoch = epochOf(leaderId);
    const topics = isrOf([{ brokerId: leaderId, brokerEpoch }], epochs);
    const answer = await send(cluster.controllerId, alterPartitionApi, 3, { brokerId: leaderId, brokerEpoch, topics });
    expect(answer).toMatchObject({ errorCode: ErrorCode.NONE, topics: [{ partitions: [{ errorCode }] }] });
  });

  it.each([
    ["somebody who has no replica", () => [{ brokerId: 77, brokerEpoch: -1 }], ErrorCode.INVALID_REQUEST],
    ["not the leader itself", () => [{ brokerId: followerId(), brokerEpoch: -1 }], ErrorCode.INVALID_REQUEST],
    ["an earlier life of a follower", () => [{ brokerId: followerId(), brokerEpoch: 0 }], ErrorCode.INELIGIBLE_REPLICA],
  ])("AlterPartition: an ISR with %s", async (_, others, errorCode) => {
    const brokerEpoch = epochOf(leaderId);
    const withLeader =
      errorCode === ErrorCode.INVALID_REQUEST && others()[0]!.brokerId !== 77
        ? []
        : [{ brokerId: leaderId, brokerEpoch }];
    const topics = isrOf([...withLeader, ...others()]);
    const answer = await send(cluster.controllerId, alterPartitionApi, 3, { brokerId: leaderId, brokerEpoch, topics });
    expect(answer).toMatchObject({ topics: [{ partitions: [{ errorCode }] }] });
  });

  /** A fetch as a follower's. */
  async function fetchAs(replicaId: number, replicaEpoch: number, fetchOffset: number, currentLeaderEpoch = -1) {
    const { responses } = await send(leaderId, fetchApi, FETCH_VERSION, {
      replicaState: { replicaId, replicaEpoch },
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topicId, partitions: [{ partition: 0, fetchOffset, currentLeaderEpoch, partitionMaxBytes: 1_000 }] }],
      forgottenTopicsData: [],
    });
    return responses[0]!.partitions[0]!;
  }

  it("a follower that claims to have more than its leader gets OFFSET_OUT_OF_RANGE, and commits nothing by it", async () => {
    const partition = () => cluster.broker(leaderId).broker.services.partitions.get("orders", 0)!;
    const { highWatermark, logEndOffset } = partition().log;
    for (const offset of [logEndOffset + 1, logEndOffset + 1_000_000, Number.MAX_SAFE_INTEGER]) {
      const answer = await fetchAs(followerId(), epochOf(followerId()), offset);
      expect(answer.errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    }
    expect(partition().log.highWatermark).toBe(highWatermark);
    expect(partition().log.logEndOffset).toBe(logEndOffset);
  });

  it("leader epochs that are over, or have not come, are told apart by every question about a partition", async () => {
    expect((await fetchAs(followerId(), epochOf(followerId()), 0, 7)).errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    const partitions = [{ partitionIndex: 0, currentLeaderEpoch: 7, timestamp: -1 }];
    const offsets = await send(leaderId, listOffsetsApi, 8, {
      replicaId: followerId(),
      topics: [{ name: "orders", partitions }],
    });
    expect(offsets.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    const epochs = await send(leaderId, offsetForLeaderEpochApi, 4, {
      replicaId: followerId(),
      topics: [{ topic: "orders", partitions: [{ partition: 0, currentLeaderEpoch: 7, leaderEpoch: 0 }] }],
    });
    expect(epochs.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
  });

  describe("Envelope", () => {
    it("carries what only the controller can answer", async () => {
      const { errorCode, responseData } = await send(
        cluster.controllerId,
        envelopeApi,
        0,
        enveloped(createTopics("carried")),
      );
      expect(errorCode).toBe(ErrorCode.NONE);
      expect(responseData!.length).toBeGreaterThan(0);
      expect((await (await cluster.admin()).listTopics()).map(({ name }) => name)).toContain("carried");
    });

    it.each([
      ["nothing", () => new Uint8Array(0)],
      ["rubbish", () => Uint8Array.from({ length: 100 }, (_, n) => (n * 37) & 0xff)],
      ["half a request", () => createTopics("half").subarray(0, 30)],
      [
        "a request that is answered by any broker",
        () => frame(produceApi, 9, { acks: 1, timeoutMs: 1, topicData: [] }),
      ],
      ["another envelope", () => frame(envelopeApi, 0, enveloped(createTopics("nested")))],
      ["what brokers say to each other", () => frame(brokerHeartbeatApi, 1, beat(leaderId, 1))],
      ["a version that there is not", () => withVersion(createTopics("x"), 99)],
    ])("with %s in it is refused", async (_, content) => {
      const sent = send(cluster.controllerId, envelopeApi, 0, enveloped(content()));
      // Refused, or, where it cannot be read at all, the end of the connection that it came by.
      const outcome = await sent.then(
        ({ errorCode }) => errorCode,
        (error: { code: string }) => error.code,
      );
      expect([ErrorCode.INVALID_REQUEST, ErrorCode.UNSUPPORTED_VERSION, "NETWORK_EXCEPTION"]).toContain(outcome);
      const names = (await (await cluster.admin()).listTopics()).map(({ name }) => name);
      expect(names).not.toContain("half");
      expect(names).not.toContain("nested");
    });
  });
});

/** A request as a client sends it, without its size. */
function frame<Api extends ApiDefinition>(api: Api, version: number, body: RequestInput<Api>): Uint8Array {
  const chunks = encodeRequest(api, version, { correlationId: 1, clientId: "a stranger" }, body as never);
  return Uint8Array.from(chunks.flatMap((chunk) => [...chunk])).subarray(4);
}

function createTopics(name: string): Uint8Array {
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
  return frame(createTopicsApi, 7, { topics, timeoutMs: 1_000 });
}

function withVersion(request: Uint8Array, version: number): Uint8Array {
  const changed = request.slice();
  new DataView(changed.buffer).setInt16(2, version);
  return changed;
}

function enveloped(requestData: Uint8Array) {
  return { requestData, requestPrincipal: null, clientHostAddress: new Uint8Array(4) };
}
