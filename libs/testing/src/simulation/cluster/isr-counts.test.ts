import { Admin } from "@ottla/admin";
import { ErrorCode, encodeRecordBatch, produceApi } from "@ottla/protocol";
import { afterEach, expect, it } from "vitest";
import { SimulatedCluster } from "../simulated-cluster.ts";
import { SimulatedWorld } from "../simulated-world.ts";
import { Tally } from "../tally.ts";
import { onConnectionTo } from "./operator-requests.ts";

const TOPIC = "orders";
const STEPS_MAX = 300;

let world: SimulatedWorld;
let cluster: SimulatedCluster;
afterEach(() => {
  world.operator.kill();
  cluster.killAll();
});

it("a leader counts the followers that fall behind, and those that are back, and so do its metrics", async () => {
  /** Whose fetches do not get through; its heartbeats do. */
  let deaf: number | null = null;
  world = new SimulatedWorld({
    ...{ seed: 1, tally: new Tally() },
    fateOf: ({ apiName, client }) => (apiName === "Fetch" && client.name === `broker-${deaf}` ? "lost" : "arrives"),
  });
  const config = { "replica.lag.time.max.ms": 2_000, "auto.leader.rebalance.enable": false };
  cluster = new SimulatedCluster({ world, brokers: 3, config });
  await world.settle(cluster.start());
  const admin = new Admin(world.operatorClient(cluster.bootstrapServers));
  await world.settle(admin.createTopics([{ name: TOPIC, partitions: 1 }]));
  const brokerOf = (id: number) => cluster.brokers[id - 1]!.broker!;
  const partition = () => brokerOf(1).services.image.topicsByName.get(TOPIC)!.partitions[0]!;
  const until = async (what: string, condition: () => boolean): Promise<void> => {
    for (let steps = 0; !condition(); steps++) {
      if (steps === STEPS_MAX) throw new Error(`it never came to pass: ${what}`);
      await world.step();
    }
  };
  const { leader } = partition();
  const produce = async () => {
    const records = encodeRecordBatch({ records: [{ value: new Uint8Array(10) }], timestampMs: 1 });
    const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
    const { runtime } = world.operator;
    const options = { connector: world.network.connectorOf(world.operator), runtime, clientId: "client" };
    const request = onConnectionTo(`broker-${leader}`, options, (connection) =>
      connection.request(produceApi, { acks: 1, timeoutMs: 1_000, topicData }, { version: 10, timeoutMs: 2_000 }),
    );
    const { responses } = await world.settle(request);
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE);
  };
  const counts = async (): Promise<Record<string, number>> => {
    const found: Record<string, number> = {};
    for (const family of await brokerOf(leader).metrics()) {
      const name = /^kafka_server_replicamanager_(\w*isr\w+_total)$/.exec(family?.name ?? "")?.[1];
      if (name !== undefined) for (const { value } of family!.samples) found[name] = value;
    }
    return found;
  };
  expect(await counts()).toEqual({ isrshrinks_total: 0, isrexpands_total: 0, failedisrupdates_total: 0 });
  const follower = partition().replicas.find((id) => id !== leader)!;
  world.isFaulty = true;
  deaf = follower;
  await produce();
  await until("the follower has left the ISR", () => !partition().isr.includes(follower));
  await until("nothing is on its way", () => brokerOf(leader).services.replication.counters.isrShrinks > 0);
  expect(await counts()).toEqual({ isrshrinks_total: 1, isrexpands_total: 0, failedisrupdates_total: 0 });
  deaf = null;
  await until("the follower is back", () => partition().isr.includes(follower));
  await until("nothing is on its way", () => brokerOf(leader).services.replication.counters.isrExpands > 0);
  expect(await counts()).toEqual({ isrshrinks_total: 1, isrexpands_total: 1, failedisrupdates_total: 0 });
  expect(partition()).toMatchObject({ leader, leaderEpoch: 0 });
});
