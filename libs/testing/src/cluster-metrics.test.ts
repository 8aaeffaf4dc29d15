import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";

const SIZE_BYTES = 1_000;
const RECORDS = 50;

describe("what the brokers of a cluster tell of replication", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster({
      config: {
        "broker.session.timeout.ms": 600,
        "replica.lag.time.max.ms": 1_000,
        "replica.fetch.max.bytes": 10 * SIZE_BYTES,
      },
    });
    const admin = await cluster.admin();
    await admin.createTopics([{ name: "orders", partitions: 3 }]);
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, acks: "all" });
    await producer.send(
      Array.from({ length: RECORDS }, (_, n) => ({ topic: "orders", partition: n % 3, value: "x".repeat(SIZE_BYTES) })),
    );
  });
  afterAll(() => cluster?.close());

  /** The first sample of a series of a broker: that of the whole broker. */
  async function valueOn(brokerId: number, name: string): Promise<number | undefined> {
    for (const family of await cluster.broker(brokerId).broker.metrics()) {
      if (family?.name === name) for (const { value } of family.samples) return value;
    }
    return undefined;
  }
  async function sum(name: string): Promise<number> {
    const running = cluster.brokers.filter(({ isRunning }) => isRunning);
    const values = await Promise.all(running.map(({ brokerId }) => valueOn(brokerId, name)));
    return values.reduce<number>((total, value) => total + (value ?? 0), 0);
  }
  const eventually = (name: string) => expect.poll(() => sum(name), { timeout: 10_000 });

  it("each record goes out to two followers, and comes in there", async () => {
    const replicatedBytes = RECORDS * SIZE_BYTES * 2;
    expect(await sum("kafka_server_brokertopicmetrics_replicationbytesin_total")).toBeGreaterThan(replicatedBytes);
    expect(await sum("kafka_server_brokertopicmetrics_replicationbytesout_total")).toBe(
      await sum("kafka_server_brokertopicmetrics_replicationbytesin_total"),
    );
    await eventually("kafka_server_replicafetchermanager_maxlag").toBe(0);
    expect(await sum("kafka_controller_kafkacontroller_activecontrollercount")).toBe(1);
    expect(await sum("kafka_server_replicamanager_underreplicatedpartitions")).toBe(0);
    expect(await sum("kafka_controller_controllerstats_uncleanleaderelections_total")).toBe(0);
  });

  it("a broker that is gone costs an election and leaves partitions under-replicated; back, it joins the ISRs", async () => {
    const victim = cluster.brokers.find(({ brokerId }) => brokerId !== cluster.controllerId)!.brokerId;
    const elections = await sum("kafka_controller_controllerstats_leaderelectionrateandtimems_count");
    await cluster.kill(victim);
    await eventually("kafka_server_replicamanager_underreplicatedpartitions").toBe(3);
    expect(await sum("kafka_server_replicamanager_atminisrpartitioncount")).toBe(3);
    expect(await sum("kafka_controller_controllerstats_leaderelectionrateandtimems_count")).toBe(elections + 1);
    expect(await sum("kafka_controller_kafkacontroller_fencedbrokercount")).toBe(1);
    await cluster.start(victim);
    await eventually("kafka_server_replicamanager_underreplicatedpartitions").toBe(0);
    // The metadata may be there before a leader has the answer to its request, which it counts.
    await eventually("kafka_server_replicamanager_isrexpands_total").toBeGreaterThanOrEqual(3);
    expect(await sum("kafka_server_replicamanager_failedisrupdates_total")).toBe(0);
  });

  it("two brokers less than are needed: partitions are under min.insync.replicas, or have no leader", async () => {
    const others = cluster.brokers.filter(({ brokerId }) => brokerId !== cluster.controllerId);
    for (const { brokerId } of others) await cluster.kill(brokerId);
    await eventually("kafka_server_replicamanager_underminisrpartitioncount").toBe(3);
    for (const { brokerId } of others) await cluster.start(brokerId);
    await eventually("kafka_server_replicamanager_underminisrpartitioncount").toBe(0);
  });

  it("what only it has is offline while it is gone, and what it should lead others lead until it is preferred again", async () => {
    const [victim, ...others] = cluster.brokers
      .map(({ brokerId }) => brokerId)
      .sort((a, b) => Number(a === cluster.controllerId) - Number(b === cluster.controllerId));
    const admin = await cluster.admin();
    await admin.createTopics([
      { name: "lonely", assignments: [[victim!]] },
      { name: "led", assignments: [[victim!, ...others]] },
    ]);
    await eventually("kafka_server_replicamanager_underreplicatedpartitions").toBe(0);
    await admin.electLeaders("preferred", null);
    await eventually("kafka_controller_kafkacontroller_preferredreplicaimbalancecount").toBe(0);
    expect(await sum("kafka_controller_kafkacontroller_offlinepartitionscount")).toBe(0);
    await cluster.kill(victim!);
    await eventually("kafka_controller_kafkacontroller_offlinepartitionscount").toBe(1);
    expect(await sum("kafka_controller_kafkacontroller_preferredreplicaimbalancecount")).toBeGreaterThanOrEqual(2);
    await cluster.start(victim!);
    await eventually("kafka_controller_kafkacontroller_offlinepartitionscount").toBe(0);
    await eventually("kafka_server_replicamanager_underreplicatedpartitions").toBe(0);
    expect(await sum("kafka_controller_kafkacontroller_preferredreplicaimbalancecount")).toBeGreaterThanOrEqual(1);
    await admin.electLeaders("preferred", null);
    await eventually("kafka_controller_kafkacontroller_preferredreplicaimbalancecount").toBe(0);
  });

  it("a replica that is held back lags, by so many records and as one of its broker's", async () => {
    const [leader, follower] = cluster.brokers.map(({ brokerId }) => brokerId);
    const admin = await cluster.admin();
    const throttled = Object.fromEntries(
      ["leader", "follower"].map((side) => [`${side}.replication.throttled.replicas`, "*"]),
    );
    await admin.createTopics([{ name: "slow", assignments: [[leader!]], configs: throttled }]);
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, acks: "all", lingerMs: 0 });
    for (let n = 0; n < RECORDS; n++) await producer.send({ topic: "slow", value: "x".repeat(SIZE_BYTES) });
    const key = "leader.replication.throttled.rate";
    const broker = { type: "broker", name: String(leader) } as const;
    await admin.incrementalAlterConfigs([{ ...broker, changes: [{ key, value: SIZE_BYTES }] }]);
    await admin.alterPartitionReassignments([{ topic: "slow", partition: 0, replicas: [leader!, follower!] }]);
    const lag = async () => {
      const families = [...(await cluster.broker(follower!).broker.metrics())];
      const found = families.find((family) => family?.name === "kafka_server_fetcherlagmetrics_consumerlag");
      return [...(found?.samples ?? [])].find(({ labels }) => labels?.topic === "slow")?.value;
    };
    await expect.poll(lag, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(await valueOn(follower!, "kafka_server_replicafetchermanager_maxlag")).toBeGreaterThan(0);
    expect(await lag()).toBeLessThanOrEqual(RECORDS);
    await admin.incrementalAlterConfigs([{ ...broker, changes: [{ key, operation: "delete" }] }]);
    await expect.poll(lag, { timeout: 10_000 }).toBe(0);
    await eventually("kafka_server_replicafetchermanager_maxlag").toBe(0);
  });
});
