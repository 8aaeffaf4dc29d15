import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterProcesses } from "../harness/cluster-processes.ts";
import { zooKeeperClassPath } from "../harness/external.ts";
import { until } from "../harness/until.ts";

const TOPIC = "ledger";
const PARTITIONS = 3;
/** Enough for records to be under way whenever something happens. */
const PAUSE_MS = 5;

/** Writes numbered records one after another, and remembers which were acknowledged. */
class Writer {
  readonly acknowledged: number[] = [];
  readonly failures: unknown[] = [];
  readonly #producer: Producer;
  #running: Promise<void> | null = null;
  #stopped = false;
  #next = 0;

  constructor(bootstrapServers: string) {
    this.#producer = new Producer({ bootstrapServers, acks: "all", idempotence: true, deliveryTimeoutMs: 60_000 });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Waits until this many more records were acknowledged. */
  async more(count: number): Promise<void> {
    const wanted = this.acknowledged.length + count;
    await until(`${wanted} records are acknowledged`, () => this.acknowledged.length >= wanted, 60_000);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#producer.close();
  }

  async #run(): Promise<void> {
    const sent: Promise<unknown>[] = [];
    while (!this.#stopped) {
      const number = this.#next++;
      const record = { topic: TOPIC, partition: number % PARTITIONS, value: String(number) };
      sent.push(
        this.#producer.send(record).then(
          () => this.acknowledged.push(number),
          (error) => this.failures.push(error),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    await Promise.all(sent);
  }
}

/** All that is in the topic, by partition. */
async function readBack(bootstrapServers: string, count: number): Promise<Map<number, number[]>> {
  await using consumer = new Consumer({
    bootstrapServers,
    groupId: "judge",
    topics: TOPIC,
    autoOffsetReset: "earliest",
  });
  const values = new Map<number, number[]>();
  let read = 0;
  for await (const { partition, value } of consumer) {
    const inPartition = values.get(partition) ?? [];
    values.set(partition, inPartition);
    inPartition.push(Number(value));
    if (++read >= count) break;
  }
  return values;
}

describe.skipIf(zooKeeperClassPath === null)("a cluster of processes under load", { timeout: 180_000 }, () => {
  let cluster: ClusterProcesses;
  let admin: Admin;
  let writer: Writer;

  beforeAll(async () => {
    cluster = await ClusterProcesses.start();
    admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
    await admin.createTopics([{ name: TOPIC, partitions: PARTITIONS }]);
    writer = new Writer(cluster.bootstrapServers);
    writer.start();
    await writer.more(50);
  }, 120_000);
  afterAll(async () => {
    await writer?.stop();
    await admin?.close();
    await cluster?.stop();
  });

  const partitions = async () => (await admin.describeTopics([TOPIC]))[0]!.partitions;
  const allInSync = () =>
    until(
      "all replicas are in sync",
      async () => (await partitions()).every(({ inSyncReplicas }) => inSyncReplicas.length === 3),
      60_000,
    );
  const leaderOf = async (partition: number) => (await partitions())[partition]!.leader;
  const controllerId = async () => (await admin.describeCluster()).controllerId;
  const anotherThan = (brokerId: number) => cluster.brokerIds.find((id) => id !== brokerId)!;

  it("goes on when a leader is killed", async () => {
    const victim = await leaderOf(0);
    await cluster.killBroker(victim);
    await until("another leads", async () => ![victim, -1].includes(await leaderOf(0)));
    await writer.more(50);
    await cluster.startBroker(victim);
    await allInSync();
  });

  it("goes on when the controller is killed, and another one has the office", async () => {
    const victim = await controllerId();
    await cluster.killBroker(victim);
    await until("there is another controller", async () => ![victim, -1].includes(await controllerId()));
    await admin.createTopics([{ name: "made-by-the-next-controller", partitions: 2, replicationFactor: 2 }]);
    await writer.more(50);
    await cluster.startBroker(victim);
    await allInSync();
  });

  it("fences a broker that stood still, and takes it back when it goes on", async () => {
    const zombie = await leaderOf(1);
    cluster.pauseBroker(zombie);
    const others = new Admin({ bootstrapServers: `localhost:${cluster.portOf(anotherThan(zombie))}` });
    await until("another leads", async () => {
      const [topic] = await others.describeTopics([TOPIC]);
      return ![zombie, -1].includes(topic!.partitions[1]!.leader);
    });
    await writer.more(50);
    cluster.resumeBroker(zombie);
    await others.close();
    await allInSync();
  });

  it("has lost nothing that was acknowledged, has nothing twice, and everything in order", async () => {
    await writer.stop();
    expect(writer.failures).toEqual([]);
    const values = await readBack(cluster.bootstrapServers, writer.acknowledged.length);
    const all = [...values.values()].flat();
    expect(all.length).toBe(writer.acknowledged.length);
    expect(new Set(all).size, "each once").toBe(all.length);
    const missing = writer.acknowledged.filter((number) => !new Set(values.get(number % PARTITIONS)).has(number));
    expect(missing, "acknowledged, and not there").toEqual([]);
    for (const [partition, inPartition] of values) {
      expect(inPartition, `partition ${partition} in order`).toEqual([...inPartition].sort((a, b) => a - b));
    }
  });
});
