import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { ClusterProcesses } from "../harness/cluster-processes.ts";
import { zooKeeperClassPath } from "../harness/external.ts";
import { until } from "../harness/until.ts";

describe.skipIf(zooKeeperClassPath === null)("three broker processes on ZooKeeper", { timeout: 60_000 }, () => {
  let cluster: ClusterProcesses;
  let admin: Admin;
  beforeAll(async () => {
    cluster = await ClusterProcesses.start();
    admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
  }, 90_000);
  afterAll(async () => {
    await admin?.close();
    await cluster?.stop();
  });

  const partitionsOf = async (topic: string) => (await admin.describeTopics([topic]))[0]!.partitions;
  /** The controller's broker knows a new topic when it has been made; any of the others, which may be asked next, soon after. */
  const isKnown = (topic: string) =>
    until(`all brokers know ${topic}`, async () => {
      const seen = cluster.brokerIds.map(async (brokerId) => {
        await using one = new Admin({ bootstrapServers: `localhost:${cluster.portOf(brokerId)}` });
        return (await one.listTopics()).some(({ name }) => name === topic);
      });
      return (await Promise.all(seen)).every(Boolean);
    });

  it("serve as one cluster", async () => {
    const { brokers, controllerId } = await admin.describeCluster();
    expect(brokers.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
    expect([1, 2, 3]).toContain(controllerId);
    await admin.createTopics([{ name: "orders", partitions: 3 }]);
    await isKnown("orders");
    for (const { replicas, inSyncReplicas } of await partitionsOf("orders")) {
      expect([...replicas].sort()).toEqual([1, 2, 3]);
      expect([...inSyncReplicas].sort()).toEqual([1, 2, 3]);
    }
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, acks: "all" });
    await producer.send(Array.from({ length: 30 }, (_, n) => ({ topic: "orders", key: `k${n}`, value: `v${n}` })));
    await using consumer = new Consumer({
      bootstrapServers: cluster.bootstrapServers,
      groupId: "readers",
      topics: "orders",
      autoOffsetReset: "earliest",
    });
    const seen: (string | null)[] = [];
    for await (const record of consumer) {
      seen.push(record.value);
      if (seen.length === 30) break;
    }
    expect(new Set(seen).size).toBe(30);
  });

  it("leadership moves when a leader is killed, and comes back in sync after its restart", async () => {
    const victim = (await partitionsOf("orders"))[0]!.leader;
    await cluster.killBroker(victim);
    await until("others lead", async () =>
      (await partitionsOf("orders")).every(({ leader }) => leader !== victim && leader > 0),
    );
    await cluster.startBroker(victim);
    await until("it is in sync again", async () =>
      (await partitionsOf("orders")).every(({ inSyncReplicas }) => inSyncReplicas.length === 3),
    );
  });

  describe("a broker that cannot belong says so in one line, and ends", () => {
    const start = (nodeId: number, connect: string, dataDirectory: string | undefined, settings: string[] = []) =>
      BrokerProcess.start({
        ...(dataDirectory !== undefined && { dataDirectory }),
        args: [`node.id=${nodeId}`, `zookeeper.connect=${connect}`, ...settings].flatMap((one) => ["--set", one]),
      });

    /** What a start that fails tells the user: it is no more than what is expected here. */
    async function complaintsOf(starting: Promise<BrokerProcess>): Promise<string[]> {
      const told = await starting.then(
        () => "it started",
        (error: Error) => error.message,
      );
      return told.split("\n").filter((line) => /^ottla: |^\s+at |it started/.test(line));
    }

    it("another broker is alive under its id, and does not end as one that was killed would", async () => {
      const soon = ["zookeeper.session.timeout.ms=500", "broker.session.timeout.ms=500"];
      expect(await complaintsOf(start(1, cluster.connect, undefined, soon))).toEqual([
        expect.stringMatching(/broker id 1 is in use: a broker with another/),
      ]);
      expect((await admin.describeCluster()).brokers).toHaveLength(3);
    });

    it("its data directory is that of another cluster", async () => {
      const elsewhere = cluster.connect.replace("/ottla", "/elsewhere");
      await using other = await start(7, elsewhere, undefined);
      expect(other.output).toContain("broker 7 of cluster");
      await cluster.stopBroker(3);
      const directory = cluster.dataDirectoryOf(3);
      expect(await complaintsOf(start(3, elsewhere, directory))).toEqual([
        expect.stringMatching(/belongs to cluster .+, and the metadata is that of/),
      ]);
      await cluster.startBroker(3);
      await until("all are in sync again", async () =>
        (await partitionsOf("orders")).every(({ inSyncReplicas }) => inSyncReplicas.length === 3),
      );
    });
  });
});
