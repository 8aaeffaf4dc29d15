import { Producer } from "@ottla/producer";
import {
  type ApiDefinition,
  createTopicsApi,
  ErrorCode,
  encodeRecordBatch,
  fetchApi,
  initProducerIdApi,
  produceApi,
  type RequestInput,
  type ResponseOf,
} from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector, parseAddress } from "@ottla/transport";
import { afterEach, describe, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";
import { until } from "./test-support/until.ts";

const TIMEOUT_MS = 60_000;
const PATIENT = { timeout: 20_000 };
const QUICK = { "replica.lag.time.max.ms": 2_000, "auto.create.topics.enable": false };
const runtime = createSystemRuntime();
const connector = createDefaultConnector(runtime);

let cluster: TestCluster;
afterEach(() => cluster?.close());

/** What one broker answers to a request that was made by hand. */
async function ask<Api extends ApiDefinition>(
  brokerId: number,
  api: Api,
  version: number,
  body: RequestInput<Api>,
): Promise<ResponseOf<Api>> {
  const address = parseAddress(cluster.broker(brokerId).bootstrapServers);
  const connection = await BrokerConnection.open({ address, connector, runtime, clientId: "by hand" });
  try {
    return await connection.request(api, body, { version });
  } finally {
    connection.destroy();
  }
}

const otherThan = (brokerId: number) => cluster.brokers.find((each) => each.brokerId !== brokerId)!.brokerId;

describe("a broker that loses its replica", () => {
  it.each([
    ["while it runs", false],
    ["while it is down", true],
  ])(
    "%s serves it no more and keeps nothing of it; the others have all",
    async (_when, isDown) => {
      cluster = await startCluster({ brokers: 3, config: QUICK });
      const admin = await cluster.admin();
      const [created] = await admin.createTopics([{ name: "moved", assignments: [[3, 2, 1]] }]);
      await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, acks: "all" });
      await producer.send(Array.from({ length: 10 }, (_, n) => ({ topic: "moved", value: `${n}` })));
      if (isDown) await cluster.kill(3);
      await admin.alterPartitionReassignments([{ topic: "moved", partition: 0, replicas: [1, 2] }]);
      const partition = async () => (await admin.describeTopics(["moved"]))[0]!.partitions[0]!;
      await expect.poll(async () => (await partition()).replicas, PATIENT).toEqual([1, 2]);
      if (isDown) await cluster.start(3);

      const logs = async () => (await admin.describeLogDirs({ brokers: [3] }))[0]!.replicas;
      await expect.poll(logs, PATIENT).toEqual([]);
      const topicId = created!.topicId;
      const records = encodeRecordBatch({ records: [{ value: "x" }], timestampMs: 1 });
      const topicData = [{ name: "moved", partitionData: [{ index: 0, records }] }];
      const produced = await ask(3, produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData });
      expect(produced.responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
      const topics = [{ topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }] }];
      const fetched = await ask(3, fetchApi, 13, { replicaId: -1, maxWaitMs: 0, minBytes: 0, topics });
      expect(fetched.responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);

      expect([...(await partition()).inSyncReplicas].sort()).toEqual([1, 2]);
      const [end] = await admin.listOffsets([{ topic: "moved", partition: 0, spec: "latest" }]);
      expect(end!.offset).toBe(10);
      await producer.send({ topic: "moved", value: "on two" });
    },
    TIMEOUT_MS,
  );
});

it(
  "topics are created through any broker while the controller dies, and its successor decides",
  async () => {
    cluster = await startCluster({ brokers: 3, config: QUICK });
    for (const round of [0, 1, 2]) {
      const controllerId = cluster.controllerId;
      const topic = { name: `topic-${round}`, numPartitions: 1, replicationFactor: 2, assignments: [], configs: [] };
      const [answer] = await Promise.all([
        ask(otherThan(controllerId), createTopicsApi, 7, { topics: [topic], timeoutMs: 20_000 }),
        cluster.kill(controllerId),
      ]);
      expect(answer.topics[0]!.errorCode).toBe(ErrorCode.NONE);
      await until("another controller", () => ![-1, controllerId].includes(cluster.controllerId));
      await cluster.start(controllerId);
    }
    const admin = await cluster.admin();
    expect((await admin.listTopics()).map(({ name }) => name).sort()).toEqual(["topic-0", "topic-1", "topic-2"]);
  },
  TIMEOUT_MS,
);

it(
  "no producer id is given out twice, whichever broker is asked, and whoever dies meanwhile",
  async () => {
    cluster = await startCluster({ brokers: 3, config: QUICK });
    const ids: number[] = [];
    const request = { transactionalId: null, transactionTimeoutMs: 1_000 };
    /** More than a block of them. */
    const takeFrom = async (brokerId: number) => {
      const address = parseAddress(cluster.broker(brokerId).bootstrapServers);
      const connection = await BrokerConnection.open({ address, connector, runtime, clientId: "by hand" });
      for (let taken = 0; taken < 1_100; taken += 100) {
        const answers = Array.from({ length: 100 }, () =>
          connection.request(initProducerIdApi, request, { version: 4 }),
        );
        for (const { errorCode, producerId } of await Promise.all(answers))
          if (errorCode === ErrorCode.NONE) ids.push(producerId);
      }
      connection.destroy();
    };
    for (const victimOf of [() => cluster.controllerId, () => otherThan(cluster.controllerId)]) {
      const victim = victimOf();
      await Promise.all(cluster.brokers.map(({ brokerId }) => takeFrom(brokerId)));
      await cluster.kill(victim);
      const living = cluster.brokers.filter(({ isRunning }) => isRunning);
      await until("there is a controller", () => ![-1, victim].includes(cluster.controllerId));
      await Promise.all(living.map(({ brokerId }) => takeFrom(brokerId)));
      await cluster.start(victim);
    }
    await Promise.all(cluster.brokers.map(({ brokerId }) => takeFrom(brokerId)));
    expect(ids.length).toBeGreaterThan(10_000);
    expect(new Set(ids).size).toBe(ids.length);
  },
  TIMEOUT_MS,
);

it(
  "replicas are in racks of their own, of new topics and of partitions that are added",
  async () => {
    const rackOf = (brokerId: number) => `rack-${brokerId % 2}`;
    cluster = await startCluster({ brokers: 4, config: QUICK, brokerConfig: (id) => ({ "broker.rack": rackOf(id) }) });
    const admin = await cluster.admin();
    await admin.createTopics([{ name: "spread", partitions: 8, replicationFactor: 2 }]);
    await admin.createPartitions([{ topic: "spread", count: 20 }]);
    const partitions = async () => (await admin.describeTopics(["spread"]))[0]!.partitions;
    await expect.poll(async () => (await partitions()).length, PATIENT).toBe(20);
    const replicas = (await partitions()).map((each) => each.replicas);
    for (const [a, b] of replicas) expect(rackOf(a!)).not.toBe(rackOf(b!));
    const leaders = [1, 2, 3, 4].map((id) => replicas.filter(([preferred]) => preferred === id).length);
    expect(Math.max(...leaders) - Math.min(...leaders)).toBeLessThanOrEqual(2);
  },
  TIMEOUT_MS,
);
