import { Admin } from "@ottla/admin";
import {
  type ApiDefinition,
  describeClusterApi,
  ErrorCode,
  encodeRecordBatch,
  fetchApi,
  findCoordinatorApi,
  heartbeatApi,
  listOffsetsApi,
  metadataApi,
  produceApi,
  type RequestInput,
  type ResponseOf,
} from "@ottla/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SimulatedCluster } from "../simulated-cluster.ts";
import { SimulatedWorld } from "../simulated-world.ts";
import { Tally } from "../tally.ts";
import { OperatorRequests, onConnectionTo } from "./operator-requests.ts";

const TOPIC = "orders";
const GROUPS = Array.from({ length: 30 }, (_, number) => `group-${number}`);
const STEPS_MAX = 300;
/** Long before the fenced broker would be given up. */
const REQUEST_TIMEOUT_MS = 2_000;

/** What clients are told by a broker that is fenced and runs on: as Apache Kafka's, it goes by the metadata that it has. */
describe("a broker that is fenced, and runs", () => {
  let world: SimulatedWorld;
  let cluster: SimulatedCluster;
  let admin: Admin;
  let topicId: string;
  /** Leads the topic and coordinates the group until it is fenced. */
  let victim: number;
  let groupId: string;
  /** Whose heartbeats do not get through. */
  let silenced: number | null = null;

  beforeEach(async () => {
    silenced = null;
    world = new SimulatedWorld({
      ...{ seed: 1, tally: new Tally() },
      fateOf: ({ apiName, client }) =>
        apiName === "BrokerHeartbeat" && client.name === `broker-${silenced}` ? "lost" : "arrives",
    });
    const config = { "offsets.topic.num.partitions": 6, "auto.leader.rebalance.enable": false };
    cluster = new SimulatedCluster({ world, brokers: 3, config });
    await world.settle(cluster.start());
    admin = new Admin(world.operatorClient(cluster.bootstrapServers));
    await world.settle(admin.createTopics([{ name: TOPIC, partitions: 1 }]));
    await allKnow(TOPIC);
    const [topic] = await world.settle(admin.describeTopics([TOPIC]));
    topicId = topic!.topicId;
    // The controller stays where it is: this is about a broker.
    const controllerId = cluster.running[0]!.services.controller.controllerId;
    victim = [1, 2, 3].find((id) => id !== controllerId)!;
    await moveLeadershipTo(victim);
    expect((await produce(victim, -1)).errorCode).toBe(ErrorCode.NONE);
    groupId = await groupOf(victim);
  });
  afterEach(() => {
    world.operator.kill();
    cluster.killAll();
  });

  const otherThan = (brokerId: number) => cluster.brokers.findIndex((_, index) => index + 1 !== brokerId) + 1;
  const imageAt = (brokerId: number) => cluster.brokers[brokerId - 1]!.broker!.services.image;
  const partitionAt = (brokerId: number) => imageAt(brokerId).topicsByName.get(TOPIC)!.partitions[0]!;
  const isFencedAt = (brokerId: number) => imageAt(brokerId).brokers.get(String(victim))!.fenced;

  async function until(what: string, condition: () => boolean): Promise<void> {
    for (let steps = 0; !condition(); steps++) {
      if (steps === STEPS_MAX) throw new Error(`it never came to pass: ${what}`);
      await world.step();
    }
  }

  /** The controller answers when it knows; the others hear of it. */
  const allKnow = (topic: string) =>
    until(`all know ${topic}`, () => [1, 2, 3].every((id) => imageAt(id).topicsByName.has(topic)));

  async function ask<Api extends ApiDefinition>(
    brokerId: number,
    api: Api,
    version: number,
    body: RequestInput<Api>,
  ): Promise<ResponseOf<Api>> {
    const { runtime } = world.operator;
    const options = { connector: world.network.connectorOf(world.operator), runtime, clientId: "client" };
    const request = onConnectionTo(`broker-${brokerId}`, options, (connection) =>
      connection.request(api as never, body as never, { version, timeoutMs: REQUEST_TIMEOUT_MS }),
    );
    return (await world.settle(request)) as ResponseOf<Api>;
  }

  async function moveLeadershipTo(brokerId: number): Promise<void> {
    const replicas = [brokerId, ...[1, 2, 3].filter((id) => id !== brokerId)];
    const { runtime } = world.operator;
    const connector = world.network.connectorOf(world.operator);
    const operator = new OperatorRequests({ connector, runtime, clientId: "operator" });
    await world.settle(operator.reassign(`broker-${brokerId}`, TOPIC, 0, replicas));
    await until("it is preferred", () => partitionAt(brokerId).replicas[0] === brokerId);
    if (partitionAt(brokerId).leader !== brokerId)
      await world.settle(operator.electPreferred(`broker-${brokerId}`, TOPIC, [0]));
    await until("it leads", () => partitionAt(brokerId).leader === brokerId);
  }

  async function groupOf(brokerId: number): Promise<string> {
    for (;;) {
      const { coordinators } = await ask(brokerId, findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: GROUPS });
      const found = coordinators.find(({ errorCode, nodeId }) => errorCode === ErrorCode.NONE && nodeId === brokerId);
      if (found !== undefined) return found.key;
      await world.step();
    }
  }

  const oneRecord = () => {
    const records = encodeRecordBatch({ records: [{ value: new Uint8Array(10) }], timestampMs: 1 });
    return [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
  };

  /** With acks=0. Whether the connection goes on to be of use: there is no answer that could tell of an error. */
  async function isTakenUnanswered(brokerId: number): Promise<boolean> {
    const { runtime } = world.operator;
    const options = { connector: world.network.connectorOf(world.operator), runtime, clientId: "client" };
    const produced = onConnectionTo(`broker-${brokerId}`, options, async (connection) => {
      const body = { acks: 0, timeoutMs: 1_000, topicData: oneRecord() };
      await connection.requestWithoutResponse(produceApi, body, { version: 10 });
      await connection.request(metadataApi, { topics: [{ name: TOPIC }] }, { version: 12 });
    });
    return await world.settle(
      produced.then(
        () => true,
        () => false,
      ),
    );
  }

  async function produce(brokerId: number, acks: number) {
    const topicData = oneRecord();
    const { responses, nodeEndpoints } = await ask(brokerId, produceApi, 10, { acks, timeoutMs: 1_000, topicData });
    return { ...responses[0]!.partitionResponses[0]!, nodeEndpoints };
  }

  async function fetch(brokerId: number, currentLeaderEpoch: number, rackId = "") {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000, currentLeaderEpoch }];
    const topics = [{ topicId, partitions }];
    const { responses } = await ask(brokerId, fetchApi, 16, {
      ...{ replicaId: -1, maxWaitMs: 10, minBytes: 0, topics, rackId },
    });
    return responses[0]!.partitions[0]!;
  }

  const heartbeat = (brokerId: number) =>
    ask(brokerId, heartbeatApi, 4, { groupId, generationId: 1, memberId: "nobody" });

  /** Its heartbeats get lost; the metadata gets through to it. */
  async function silence(): Promise<void> {
    world.isFaulty = true;
    silenced = victim;
    await until("it is fenced, and all know", () => [1, 2, 3].every(isFencedAt));
    await until("another leads", () => ![victim, -1].includes(partitionAt(victim).leader));
  }

  it("sends producers, consumers and members of groups to those that have its place", async () => {
    const { leaderEpoch: earlier } = partitionAt(victim);
    await silence();
    const { leader, leaderEpoch } = partitionAt(victim);
    expect(leaderEpoch).toBeGreaterThan(earlier);
    for (const acks of [1, -1]) {
      expect(await produce(victim, acks)).toMatchObject({
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        currentLeader: { leaderId: leader, leaderEpoch },
        nodeEndpoints: [{ nodeId: leader, host: `broker-${leader}`, port: 9092 }],
      });
    }
    expect(await fetch(victim, earlier, "here")).toMatchObject({
      errorCode: ErrorCode.FENCED_LEADER_EPOCH,
      currentLeader: { leaderId: leader, leaderEpoch },
    });
    expect(await fetch(victim, -1)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    // It is still a replica, for consumers that want the closest one, or know who leads.
    expect(await fetch(victim, leaderEpoch)).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 1 });
    expect(await fetch(victim, leaderEpoch, "here")).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 1 });
    const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
    const offsets = await ask(victim, listOffsetsApi, 7, { replicaId: -1, topics });
    expect(offsets.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect((await heartbeat(victim)).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    const { coordinators } = await ask(victim, findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: GROUPS });
    expect(coordinators.map(({ errorCode }) => errorCode)).toEqual(GROUPS.map(() => ErrorCode.NONE));
    expect(coordinators.map(({ nodeId }) => nodeId)).not.toContain(victim);
    const { nodeId } = coordinators.find(({ key }) => key === groupId)!;
    expect((await heartbeat(nodeId)).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await isTakenUnanswered(victim)).toBe(false);
    expect(await isTakenUnanswered(leader)).toBe(true);
  });

  it("is in no list of brokers, its own neither, and an offline replica", async () => {
    await silence();
    const others = [1, 2, 3].filter((id) => id !== victim);
    for (const brokerId of [1, 2, 3]) {
      const { brokers, topics } = await ask(brokerId, metadataApi, 12, { topics: [{ name: TOPIC }] });
      expect(brokers.map(({ nodeId }) => nodeId)).toEqual(others);
      const [partition] = topics[0]!.partitions;
      expect(partition).toMatchObject({ errorCode: ErrorCode.NONE, offlineReplicas: [victim] });
      expect([...partition!.isrNodes].sort()).toEqual(others);
      const described = await ask(brokerId, describeClusterApi, 1, { includeClusterAuthorizedOperations: false });
      expect(described.brokers.map(({ brokerId: id }) => id)).toEqual(others);
      const all = await ask(brokerId, describeClusterApi, 2, {
        ...{ includeClusterAuthorizedOperations: false, includeFencedBrokers: true },
      });
      expect(all.brokers.filter(({ isFenced }) => isFenced).map(({ brokerId: id }) => id)).toEqual([victim]);
    }
  });

  it("leads and coordinates nothing that is new, and is a replica only where there are not enough others", async () => {
    await silence();
    const replicas = async (name: string, replicationFactor: number) => {
      await world.settle(admin.createTopics([{ name, partitions: 4, replicationFactor }]));
      await allKnow(name);
      const [topic] = await world.settle(admin.describeTopics([name]));
      return topic!.partitions;
    };
    for (const each of await replicas("on-two", 2)) expect(each.replicas).not.toContain(victim);
    for (const each of await replicas("on-three", 3)) {
      expect(each.replicas).toContain(victim);
      expect(each.leader).not.toBe(victim);
      expect(each.inSyncReplicas).not.toContain(victim);
    }
    expect(await produce(partitionAt(otherThan(victim)).leader, -1)).toMatchObject({ errorCode: ErrorCode.NONE });
  });

  it("is back in everything when its heartbeats get through again", async () => {
    await silence();
    silenced = null;
    await until("it is unfenced", () => ![1, 2, 3].some(isFencedAt));
    await until("it is in sync", () => partitionAt(victim).isr.includes(victim));
    const { brokers } = await ask(victim, metadataApi, 12, { topics: [] });
    expect(brokers.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3]);
    await moveLeadershipTo(victim);
    expect((await produce(victim, -1)).errorCode).toBe(ErrorCode.NONE);
  });

  it("serves nobody when it cannot see the metadata and hears from others that it is fenced", async () => {
    cluster.sessionOf(cluster.brokers[victim - 1])!.partition();
    await until("another leads", () => ![victim, -1].includes(partitionAt(otherThan(victim)).leader));
    const answers = () =>
      produce(victim, 1).then(
        ({ errorCode }) => errorCode,
        () => null,
      );
    for (let steps = 0; (await answers()) !== null; steps++) expect(steps, "it still answers").toBeLessThan(STEPS_MAX);
    await expect(ask(victim, metadataApi, 12, { topics: [] })).rejects.toThrow();
    cluster.sessionOf(cluster.brokers[victim - 1])!.heal();
    await until("it is back in sync", () => partitionAt(otherThan(victim)).isr.includes(victim));
    expect(await produce(victim, 1)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
  });

  it("commits nothing and reads out nothing new when it reaches nobody, and loses what it took with acks=1", async () => {
    cluster.sessionOf(cluster.brokers[victim - 1])!.partition();
    for (const other of [1, 2, 3].filter((id) => id !== victim)) {
      world.network.block(`broker-${victim}`, `broker-${other}`);
      world.network.block(`broker-${other}`, `broker-${victim}`);
    }
    await until("another leads", () => ![victim, -1].includes(partitionAt(otherThan(victim)).leader));
    expect(await produce(victim, 1)).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
    expect((await produce(victim, -1)).errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
    expect(await fetch(victim, -1)).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 1 });
    const { leader } = partitionAt(otherThan(victim));
    expect(await produce(leader, -1)).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
    cluster.heal();
    await until("it is back in sync", () => partitionAt(leader).isr.includes(victim));
    const { log } = cluster.brokers[victim - 1]!.broker!.services.partitions.get(TOPIC, 0)!;
    expect([log.logEndOffset, log.highWatermark]).toEqual([2, 2]);
  });
});
