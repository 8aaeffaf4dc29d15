import { ClusterClient } from "@ottla/client/internal";
import { alterClientQuotasApi, createTopicsApi, ErrorCode, encodeRecordBatch, produceApi } from "@ottla/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";

const BROKERS = [1, 2, 3];

/** Quotas are the cluster's: whichever broker is told, all of them hold clients to them. */
describe("client quotas in a cluster", () => {
  let cluster: TestCluster;
  const clients: ClusterClient[] = [];
  beforeAll(async () => {
    cluster = await startCluster({ brokers: BROKERS.length });
    const admin = await cluster.admin();
    await admin.createTopics([{ name: "t", assignments: BROKERS.map((broker) => [broker]) }]);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
  });
  afterAll(() => cluster?.close());

  /** A client that asks the brokers it is told to, be they the controller or not. */
  const clientNamed = async (clientId: string) => {
    const { bootstrapServers } = cluster;
    const component = { component: "The client", allowAutoTopicCreation: false };
    const client = new ClusterClient({ bootstrapServers, clientId }, component);
    clients.push(client);
    await client.metadata.refresh(client.deadline("Metadata"));
    return client;
  };
  const setQuota = async (broker: number, clientId: string, key: string, value: number) => {
    const operator = await clientNamed("an operator");
    const entity = [{ entityType: "client-id", entityName: clientId }];
    const entries = [{ entity, ops: [{ key, value, remove: false }] }];
    await operator.ask({ broker }, alterClientQuotasApi, { entries, validateOnly: false });
    await untilAllHave(clientId);
  };
  /** Brokers follow the metadata one after the other. */
  const untilAllHave = async (clientId: string) => {
    const knows = (broker: number) =>
      [...cluster.broker(broker).broker.services.image.clientQuotas.values()].some(
        ({ entity }) => entity.get("client-id") === clientId,
      );
    while (!BROKERS.every(knows)) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  /** Whose connections a broker has not read from for a while, those of other brokers too. */
  const waitingClients = (broker: number) =>
    [...cluster.broker(broker).broker.connections()].flatMap(({ traffic: { clientId, throttledUntilMs } }) =>
      throttledUntilMs > 0 ? [clientId] : [],
    );
  const create = async (client: ClusterClient, broker: number, name: string, numPartitions: number, maxVersion = 7) => {
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }];
    const request = { topics, timeoutMs: 10_000, validateOnly: false };
    const answer = await client.ask({ broker }, createTopicsApi, request, { maxVersion, errorOf: () => 0 });
    return { errorCode: answer.topics[0]!.errorCode, throttleTimeMs: answer.throttleTimeMs };
  };

  it("that are altered at one broker hold at each of the others", async () => {
    await setQuota(1, "slow", "producer_byte_rate", 1_000);
    for (const broker of BROKERS) {
      const produce = async (clientId: string) => {
        const client = await clientNamed(clientId);
        const records = encodeRecordBatch({ records: [{ value: new Uint8Array(12_000) }], timestampMs: Date.now() });
        const topicData = [{ name: "t", partitionData: [{ index: broker - 1, records }] }];
        const request = { acks: 1, timeoutMs: 10_000, topicData };
        return await client.ask({ broker }, produceApi, request, { maxVersion: 9 });
      };
      const { responses, throttleTimeMs } = await produce("slow");
      expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE);
      expect(throttleTimeMs).toBeGreaterThan(0);
      expect((await produce("fast")).throttleTimeMs).toBe(0);
    }
  });

  it("on changes of topics count at the controller for the client that asks, whichever broker it asks", async () => {
    await setQuota(2, "mutating", "controller_mutation_rate", 0.1);
    const outcomes = [];
    for (const broker of BROKERS) outcomes.push(await create(await clientNamed("mutating"), broker, `m-${broker}`, 2));
    expect(outcomes[0]).toEqual({ errorCode: ErrorCode.NONE, throttleTimeMs: 0 });
    for (const refused of outcomes.slice(1)) {
      expect(refused.errorCode).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
      expect(refused.throttleTimeMs).toBeGreaterThan(5_000);
    }
    expect(await create(await clientNamed("another"), 2, "of-another", 2)).toMatchObject({ errorCode: ErrorCode.NONE });
  });

  it.each(BROKERS)("who asked broker %i for too much waits there, and nobody else does", async (broker) => {
    const name = `patient-${broker}`;
    await setQuota(3, name, "controller_mutation_rate", 1);
    const [patient, hasty] = [await clientNamed(name), await clientNamed("hasty")];
    const { errorCode, throttleTimeMs } = await create(patient, broker, `${name}-large`, 12, 5);
    expect({ errorCode, isToWait: throttleTimeMs > 500 }).toEqual({ errorCode: ErrorCode.NONE, isToWait: true });
    expect(waitingClients(broker)).toEqual([name]);
    for (const other of BROKERS) {
      const done = await create(hasty, other, `${name}-hasty-${other}`, 1);
      expect(done).toEqual({ errorCode: ErrorCode.NONE, throttleTimeMs: 0 });
      if (other !== broker) expect(waitingClients(other)).toEqual([]);
    }
  });
});
