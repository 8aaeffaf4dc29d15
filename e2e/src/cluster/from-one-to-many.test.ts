import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { freePort } from "@ottla/transport/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { zooKeeperClassPath } from "../harness/external.ts";
import { until } from "../harness/until.ts";
import { ZooKeeperEnsemble } from "../harness/zookeeper-process.ts";

const INTERNAL = ["__consumer_offsets", "__transaction_state"];
const PARTITIONS = 2;
const PARTITION_NUMBERS = [...Array(PARTITIONS).keys()];

const SETTINGS = [
  "zookeeper.session.timeout.ms=2000",
  "broker.session.timeout.ms=3000",
  "broker.heartbeat.interval.ms=300",
  `offsets.topic.num.partitions=${PARTITIONS}`,
  `transaction.state.log.num.partitions=${PARTITIONS}`,
  "offsets.topic.replication.factor=1",
  "transaction.state.log.replication.factor=1",
  "transaction.state.log.min.isr=1",
  "auto.leader.rebalance.enable=false",
];

describe.skipIf(zooKeeperClassPath === null)("a broker on its own that becomes one of a cluster", () => {
  let ensemble: ZooKeeperEnsemble;
  let directory: string;
  let ports: number[];
  const brokers = new Map<number, BrokerProcess>();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "ottla-one-to-many-"));
    ensemble = await ZooKeeperEnsemble.start();
    ports = [await freePort(), await freePort()];
  }, 60_000);
  afterAll(async () => {
    for (const broker of brokers.values()) await broker.stop();
    await ensemble?.stop();
    await rm(directory, { recursive: true, force: true });
  }, 60_000);

  /** Starts a broker; again, if it ran already. */
  async function start(brokerId: number, settings: readonly string[]): Promise<BrokerProcess> {
    const broker = await BrokerProcess.start({
      dataDirectory: join(directory, String(brokerId)),
      port: ports[brokerId - 1]!,
      args: [`node.id=${brokerId}`, ...SETTINGS, ...settings].flatMap((setting) => ["--set", setting]),
    });
    brokers.set(brokerId, broker);
    return broker;
  }

  it("has its records, its groups and an open transaction there, and its internal topics gain replicas", {
    timeout: 120_000,
  }, async () => {
    const [server] = ensemble.addresses;
    const connect = [`zookeeper.connect=127.0.0.1:${server!.port}/ottla`];
    const alone = await start(1, []);
    const bootstrapServers = ports.map((port) => `localhost:${port}`).join(",");
    await using admin = new Admin({ bootstrapServers });
    await admin.createTopics([{ name: "orders", partitions: 1 }]);
    const [created] = await admin.describeTopics(["orders"]);
    const offsets = [{ topic: "orders", partition: 0, offset: 7, leaderEpoch: 0, metadata: "billed" }];
    await admin.alterGroupOffsets("billing", offsets);
    await using producer = new Producer({ bootstrapServers, transactionalId: "billing", deliveryTimeoutMs: 60_000 });
    await producer.transaction((tx) => tx.send({ topic: "orders", value: "alone" }));

    await producer.transaction(async (tx) => {
      await tx.send({ topic: "orders", value: "begun alone" });
      await alone.stop();
      await start(1, connect);
      await tx.send({ topic: "orders", value: "gone on with in the cluster" });
    });
    expect((await admin.describeTopics(["orders"]))[0]!.topicId).toBe(created!.topicId);
    expect(await admin.listGroupOffsets("billing")).toEqual(offsets);

    const second = await start(2, connect);
    const reassigned = INTERNAL.flatMap((topic) => PARTITION_NUMBERS.map((partition) => ({ topic, partition })));
    const replicas = [2, 1];
    await admin.alterPartitionReassignments(
      [...reassigned, { topic: "orders", partition: 0 }].map((each) => ({ ...each, replicas })),
    );
    await until("both have all", async () => {
      const described = await admin.describeTopics(["orders", ...INTERNAL]);
      return described.every(({ partitions }) => partitions.every((each) => each.inSyncReplicas.length === 2));
    });

    // What the first one had is the second one's now.
    await brokers.get(1)!.stop();
    await using others = new Admin({ bootstrapServers: second.bootstrapServers });
    expect(await others.listGroupOffsets("billing")).toEqual(offsets);
    await producer.transaction((tx) => tx.send({ topic: "orders", value: "by the second one" }));
    await using consumer = new Consumer({
      bootstrapServers: second.bootstrapServers,
      isolationLevel: "read_committed",
      autoOffsetReset: "earliest",
    });
    consumer.assign([{ topic: "orders", partition: 0 }]);
    const values: unknown[] = [];
    for await (const { value } of consumer) if (values.push(value) === 4) break;
    expect(values).toEqual(["alone", "begun alone", "gone on with in the cluster", "by the second one"]);
  });
});
