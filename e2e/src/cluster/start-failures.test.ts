import { Admin } from "@ottla/admin";
import { createSystemRuntime } from "@ottla/runtime";
import { createDefaultConnector } from "@ottla/transport";
import { ZooKeeperClient } from "@ottla/zookeeper";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { zooKeeperClassPath } from "../harness/external.ts";
import { until } from "../harness/until.ts";
import { ZooKeeperEnsemble } from "../harness/zookeeper-process.ts";

const SNAPSHOT: [string, RegExp][] = [
  ["/metadata/snapshots", /the znode \/Z\/metadata\/snapshots\/\S+\/000000 does not hold a part of a snapshot/],
];

describe.skipIf(zooKeeperClassPath === null)(
  "a broker whose ZooKeeper is not as it should be",
  { timeout: 60_000 },
  () => {
    let ensemble: ZooKeeperEnsemble;
    let client: ZooKeeperClient;
    beforeAll(async () => {
      ensemble = await ZooKeeperEnsemble.start(1);
      const runtime = createSystemRuntime();
      const connector = createDefaultConnector(runtime);
      client = new ZooKeeperClient({ servers: ensemble.addresses, sessionTimeoutMs: 10_000, connector, runtime });
      await client.connected(10_000);
    }, 60_000);
    afterAll(async () => {
      await client?.close();
      await ensemble?.stop();
    });

    const start = (root: string, set: readonly string[] = []) => {
      const { host, port } = ensemble.addresses[0]!;
      const settings = ["node.id=1", `zookeeper.connect=${host}:${port}${root}`, ...set];
      return BrokerProcess.start({ args: settings.flatMap((setting) => ["--set", setting]) });
    };
    const text = (value: string) => new TextEncoder().encode(value);

    it.each<[string, RegExp]>([
      ["/metadata/head", /the znode \/Z\/metadata\/head does not hold what a broker writes there: rubbish/],
      ["/cluster/id", /the znode \/Z\/cluster\/id does not hold what a broker writes there: rubbish/],
      [
        "/metadata/entries/00000000000000000000",
        /the znode \/Z\/metadata\/entries\/0{20} does not hold .* metadata log/,
      ],
      // In the long form alone: `libs/metadata` does it without a process.
      ...(process.env.OTTLA_TEST_DEEP ? SNAPSHOT : []),
    ])("says in one line that %s is corrupt, and starts when it is whole again", async (znode, message) => {
      const root = `/corrupt${znode.replaceAll("/", "-")}`;
      // A snapshot takes the place of the entries that it stands for.
      const set = znode === "/metadata/snapshots" ? ["metadata.log.max.record.bytes.between.snapshots=1"] : [];
      await (await start(root, set)).stop();
      const [snapshot] = set.length > 0 ? await client.children(`${root}${znode}`) : [];
      const path = snapshot === undefined ? `${root}${znode}` : `${root}${znode}/${snapshot}/000000`;
      const { data } = await client.get(path);
      await client.set(path, text("rubbish"), -1);
      const failure = await start(root).then(
        () => "",
        (error: Error) => error.message,
      );
      const lines = failure.split("\n").filter((line) => line.startsWith("ottla: "));
      expect(lines).toEqual([expect.stringMatching(new RegExp(message.source.replace("\\/Z", root)))]);
      await client.set(path, data, -1);
      await using broker = await start(root);
      expect(broker.output).toContain("broker 1 of cluster");
    });

    it("waits while /controller_epoch is corrupt, says so in one line, and starts when it is whole again", async () => {
      await (await start("/epoch")).stop();
      const path = "/epoch/controller_epoch";
      const { data } = await client.get(path);
      await client.set(path, text("NaN"), -1);
      const starting = start("/epoch");
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      expect(new TextDecoder().decode((await client.get(path)).data)).toBe("NaN");
      await client.set(path, data, -1);
      await using broker = await starting;
      const message = "the znode /epoch/controller_epoch does not hold what a broker writes there: NaN";
      expect(broker.output.split(message)).toHaveLength(2);
    });

    it("goes on serving while the head is corrupt, and creates topics again when it is whole", async () => {
      const path = "/running/metadata/head";
      await using broker = await start("/running");
      await using admin = new Admin({ bootstrapServers: broker.bootstrapServers, defaultApiTimeoutMs: 20_000 });
      await admin.createTopics([{ name: "before", partitions: 1, replicationFactor: 1 }]);
      const { data } = await client.get(path);
      await client.set(path, text("rubbish"), -1);
      await until("it is told of", () => broker.output.includes("the metadata log cannot be followed"), 10_000);
      expect((await admin.listTopics()).map(({ name }) => name)).toEqual(["before"]);
      await client.set(path, data, -1);
      await until(
        "topics can be created",
        () =>
          admin.createTopics([{ name: "after", partitions: 1, replicationFactor: 1 }], { timeoutMs: 3_000 }).then(
            () => true,
            () => false,
          ),
        30_000,
      );
    });

    it("goes on serving, and deciding, while what it has announced is corrupt, and says so once where it reads it", async () => {
      await using broker = await start("/announced");
      await using admin = new Admin({ bootstrapServers: broker.bootstrapServers, defaultApiTimeoutMs: 20_000 });
      const create = (name: string) => admin.createTopics([{ name, partitions: 1, replicationFactor: 1 }]);
      for (const znode of ["/controller", "/brokers/ids/1"]) {
        const path = `/announced${znode}`;
        const { data } = await client.get(path);
        await client.set(path, text("rubbish"), -1);
        await create(`while${znode.replaceAll("/", "-")}`);
        await client.set(path, data, -1);
        await create(`after${znode.replaceAll("/", "-")}`);
      }
      expect(await admin.listTopics()).toHaveLength(4);
      const { brokers } = await admin.describeCluster({ includeFencedBrokers: true });
      expect(brokers).toMatchObject([{ id: 1, isFenced: false }]);
      for (const path of ["/announced/controller", "/announced/brokers/ids/1"])
        expect(broker.output.split(`the znode ${path} does not hold`).length).toBeLessThanOrEqual(2);
    });

    it("announces itself again when somebody removes its znode, and goes on serving", async () => {
      await using broker = await start("/removed");
      await using admin = new Admin({ bootstrapServers: broker.bootstrapServers, defaultApiTimeoutMs: 20_000 });
      await admin.createTopics([{ name: "before", partitions: 1, replicationFactor: 1 }]);
      await client.remove("/removed/brokers/ids/1", -1);
      await until("it is fenced", async () => broker.output.includes("a broker is fenced"));
      await until("it is announced", async () => (await client.exists("/removed/brokers/ids/1")) !== null);
      await until("it is unfenced, and leads", async () => {
        const { brokers } = await admin.describeCluster({ includeFencedBrokers: true });
        const [topic] = await admin.describeTopics(["before"]);
        return brokers[0]?.isFenced === false && topic?.partitions[0]?.leader === 1;
      });
      await admin.createTopics([{ name: "after", partitions: 1, replicationFactor: 1 }]);
    });

    it("without a ZooKeeper server says so, goes on trying, and starts when there is one", async () => {
      await ensemble.killServer(1);
      const starting = start("/late", ["zookeeper.connection.timeout.ms=500"]);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      ensemble.startServer(1);
      await using broker = await starting;
      expect(broker.output).toMatch(/; trying again until one answers \(zookeeper\.connect\)/);
    });
  },
);
