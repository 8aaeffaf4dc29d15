import { Admin } from "@ottla/admin";
import { type Broker, BrokerConfig, bootstrapServersOf, settingsFromObject, startBroker } from "@ottla/broker";
import { ClusterClient } from "@ottla/client/internal";
import { Consumer } from "@ottla/consumer";
import { MemoryMetadataStore, type MetadataLog } from "@ottla/metadata";
import { Producer } from "@ottla/producer";
import { alterPartitionReassignmentsApi, initProducerIdApi } from "@ottla/protocol";
import { createMemoryDisk, type Disk, systemClock } from "@ottla/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { ProcessLife } from "./process-life.ts";
import { readTopic } from "./read-topic.ts";

const running: Broker[] = [];

afterEach(async () => {
  for (const broker of running.splice(0).reverse()) await broker.shutdown();
});

/** Starts a broker on a disk; alone, or in the cluster of a store. */
async function start(
  disk: Disk,
  nodeId: number,
  openMetadataLog: (() => Promise<MetadataLog>) | null = null,
): Promise<Broker> {
  const { runtime, disk: own, connector, startServer } = new ProcessLife([disk], undefined);
  const broker = await startBroker({
    config: BrokerConfig.fromSettings(
      settingsFromObject({
        "node.id": nodeId,
        listeners: "PLAINTEXT://localhost:0",
        "offsets.topic.num.partitions": 2,
        "offsets.topic.replication.factor": 1,
        "broker.heartbeat.interval.ms": 100,
      }),
    ),
    directories: [{ disk: own, path: "/", name: `the disk of broker ${nodeId}` }],
    runtime,
    connector,
    startServer,
    ...(openMetadataLog !== null && { openMetadataLog }),
  });
  running.push(broker);
  return broker;
}

const joining = (store: MemoryMetadataStore) => async () => store.connect();

async function stop(broker: Broker): Promise<void> {
  running.splice(running.indexOf(broker), 1);
  await broker.shutdown();
}

const serversOf = (broker: Broker) => bootstrapServersOf(broker.listeners[0]!);

/** A broker on its own with a topic, records, a committed offset and a producer id; stopped again. */
async function standAlone(disk: Disk, nodeId = 1) {
  const broker = await start(disk, nodeId);
  const bootstrapServers = serversOf(broker);
  await using admin = new Admin({ bootstrapServers });
  await admin.createTopics([{ name: "orders", partitions: 2, configs: { "retention.ms": 123_456_789 } }]);
  await using producer = new Producer({ bootstrapServers, idempotence: true, acks: "all" });
  await producer.send(Array.from({ length: 20 }, (_, n) => ({ topic: "orders", partition: n % 2, value: `v${n}` })));
  await admin.alterGroupOffsets("billing", [{ topic: "orders", partition: 0, offset: 7 }]);
  const [topic] = await admin.describeTopics(["orders"]);
  const producerId = await nextProducerId(bootstrapServers);
  await stop(broker);
  return { topicId: topic!.topicId, clusterId: broker.clusterId, producerId };
}

async function nextProducerId(bootstrapServers: string): Promise<number> {
  await using client = new ClusterClient(
    { bootstrapServers },
    { component: "the test", allowAutoTopicCreation: false },
  );
  const request = { transactionalId: null, transactionTimeoutMs: 1000 };
  return (await client.ask("any", initProducerIdApi, request)).producerId;
}

async function valuesIn(bootstrapServers: string): Promise<string[]> {
  await using consumer = new Consumer({ bootstrapServers });
  const records = await readTopic(consumer, "orders", { count: 20 }, systemClock);
  return records.map(({ value }) => String(value)).sort();
}

const VALUES = Array.from({ length: 20 }, (_, n) => `v${n}`).sort();

describe("a broker that was alone, in a cluster", () => {
  it("brings topics with their ids, configs, records, committed offsets and producer ids; its topics gain replicas", async () => {
    const [disk, store] = [createMemoryDisk(), new MemoryMetadataStore()];
    const before = await standAlone(disk);
    const broker = await start(disk, 1, joining(store));
    expect(broker.clusterId).toBe(before.clusterId);
    expect(store.clusterId).toBe(before.clusterId);
    const bootstrapServers = serversOf(broker);
    await using admin = new Admin({ bootstrapServers });
    const [topic] = await admin.describeTopics(["orders"]);
    expect(topic).toMatchObject({ topicId: before.topicId, partitions: [{ leader: 1 }, { leader: 1 }] });
    const [configs] = await admin.describeConfigs([{ type: "topic", name: "orders", keys: ["retention.ms"] }]);
    expect(configs!.entries[0]!.value).toBe("123456789");
    expect(await valuesIn(bootstrapServers)).toEqual(VALUES);
    expect(await admin.listGroupOffsets("billing")).toMatchObject([{ topic: "orders", partition: 0, offset: 7 }]);
    expect(await nextProducerId(bootstrapServers)).toBeGreaterThan(before.producerId);
    expect((await disk.list("/")).map(({ name }) => name)).not.toContain("__cluster_metadata-0");

    await start(createMemoryDisk(), 2, joining(store));
    await using client = new ClusterClient(
      { bootstrapServers },
      { component: "the test", allowAutoTopicCreation: false },
    );
    const topics = ["orders", "__consumer_offsets"].map((name) => {
      return { name, partitions: [0, 1].map((partitionIndex) => ({ partitionIndex, replicas: [1, 2] })) };
    });
    await client.ask("any", alterPartitionReassignmentsApi, { topics, timeoutMs: 10_000 });
    await expect
      .poll(
        async () => {
          const described = await admin.describeTopics(["orders", "__consumer_offsets"]);
          return described.flatMap(({ partitions }) => partitions.map(({ inSyncReplicas }) => inSyncReplicas.length));
        },
        { timeout: 10_000 },
      )
      .toEqual([2, 2, 2, 2]);
  });

  it.each(["before", "after"])("goes on where it was stopped %s the metadata were in the cluster", async (moment) => {
    const [disk, store] = [createMemoryDisk(), new MemoryMetadataStore()];
    const before = await standAlone(disk);
    const dying = async (): Promise<MetadataLog> => {
      const log = store.connect();
      const adopt = log.adopt.bind(log);
      log.adopt = async (snapshot, origin) => {
        if (moment === "after") await adopt(snapshot, origin);
        throw new Error("the process died");
      };
      return log;
    };
    await expect(start(disk, 1, dying)).rejects.toThrow("the process died");
    const broker = await start(disk, 1, joining(store));
    await using admin = new Admin({ bootstrapServers: serversOf(broker) });
    expect((await admin.describeTopics(["orders"]))[0]!.topicId).toBe(before.topicId);
    expect(await valuesIn(serversOf(broker))).toEqual(VALUES);
  });

  it("is refused, and keeps all it has, where the cluster has begun without it", async () => {
    const [disk, store] = [createMemoryDisk(), new MemoryMetadataStore()];
    const before = await standAlone(disk);
    store.clusterId = before.clusterId;
    await start(createMemoryDisk(), 2, joining(store));
    await expect(start(disk, 1, joining(store))).rejects.toThrow(
      /^the disk of broker 1 has metadata of its own, .* nothing was removed; .*$/,
    );
    expect(await valuesIn(serversOf(await start(disk, 1)))).toEqual(VALUES);
  });

  it("is refused where another one's metadata are in the cluster", async () => {
    const [first, second, store] = [createMemoryDisk(), createMemoryDisk(), new MemoryMetadataStore()];
    await standAlone(first);
    const other = await standAlone(second, 2);
    const { clusterId } = await start(first, 1, joining(store));
    await expect(start(second, 2, joining(store))).rejects.toThrow(
      `the disk of broker 2 belongs to cluster ${other.clusterId}, and the metadata is that of cluster ${clusterId}; check zookeeper.connect`,
    );
    expect(await valuesIn(serversOf(await start(second, 2)))).toEqual(VALUES);
  });
});

describe("a broker of a cluster whose zookeeper.connect leads to an empty place", () => {
  it.each(["the first to come", "after another broker has come"])("is refused, and loses nothing: %s", async (when) => {
    const [disk, store] = [createMemoryDisk(), new MemoryMetadataStore()];
    const before = await standAlone(disk);
    await stop(await start(disk, 1, joining(store)));
    const empty = new MemoryMetadataStore();
    if (when !== "the first to come") await start(createMemoryDisk(), 9, joining(empty));
    await expect(start(disk, 1, joining(empty))).rejects.toThrow(
      `the disk of broker 1 belongs to cluster ${before.clusterId}, and the metadata is that of cluster `,
    );
    expect(await valuesIn(serversOf(await start(disk, 1, joining(store))))).toEqual(VALUES);
  });

  it("does not begin alone either, without zookeeper.connect: its topics would be unknown", async () => {
    const [disk, store] = [createMemoryDisk(), new MemoryMetadataStore()];
    await standAlone(disk);
    await stop(await start(disk, 1, joining(store)));
    await expect(start(disk, 1)).rejects.toThrow(/no metadata that speaks of any topic/);
    expect(await valuesIn(serversOf(await start(disk, 1, joining(store))))).toEqual(VALUES);
  });
});
