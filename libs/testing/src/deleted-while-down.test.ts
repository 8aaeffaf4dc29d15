import { Producer } from "@ottla/producer";
import { afterEach, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";
import { until } from "./test-support/until.ts";

let cluster: TestCluster;
afterEach(() => cluster?.close());

const replicaOn = (brokerId: number, topic: string) =>
  cluster.broker(brokerId).broker.services.partitions.get(topic, 0);

it.each(["stop", "kill"] as const)(
  "topics deleted while a broker was down (%s) are gone from it, and one that was created anew is the new one",
  async (end) => {
    cluster = await startCluster({
      // A producer that looks for its leaders again would have the topic made again.
      config: { "replica.lag.time.max.ms": 2_000, "auto.create.topics.enable": false },
    });
    const admin = await cluster.admin();
    await admin.createTopics(["gone", "anew"].map((name) => ({ name, partitions: 2 })));
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, deliveryTimeoutMs: 60_000 });
    for (const topic of ["gone", "anew"])
      await producer.send(Array.from({ length: 10 }, (_, n) => ({ topic, partition: 0, value: `old ${n}` })));
    await until("broker 3 has all", () => replicaOn(3, "anew")?.log.highWatermark === 10);
    const oldId = replicaOn(3, "anew")!.topicId;
    await cluster[end](3);
    await admin.deleteTopics(["gone", "anew"]);
    const [created] = await admin.createTopics([{ name: "anew", assignments: [[1, 2, 3]] }]);
    await producer.send([0, 1, 2].map((n) => ({ topic: "anew", partition: 0, value: `new ${n}` })));
    await cluster.start(3);
    await until("broker 3 has the new one", () => replicaOn(3, "anew")?.log.logEndOffset === 3);
    const log = replicaOn(3, "anew")!.log;
    expect([log.topicId, log.logStartOffset]).toEqual([created!.topicId, 0]);
    expect(log.topicId).not.toBe(oldId);
    expect(replicaOn(3, "gone")).toBeUndefined();
    const { replicas } = (await admin.describeLogDirs({ brokers: [3] }))[0]!;
    expect(replicas.map(({ topic, partition }) => `${topic}-${partition}`)).toEqual(["anew-0"]);
  },
  60_000,
);
