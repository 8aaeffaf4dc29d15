import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { systemClock } from "@ottla/runtime";
import { afterEach, expect, it } from "vitest";
import { readTopic } from "./read-topic.ts";
import { startCluster, type TestCluster } from "./test-cluster.ts";
import { until } from "./test-support/until.ts";

const SELECTOR = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
const RECORDS = 200;
const SIZE_BYTES = 1_000;

let cluster: TestCluster;
afterEach(() => cluster?.close());

/** What consumers have read of the topic on a broker. */
async function bytesOut(brokerId: number): Promise<number> {
  for (const family of await cluster.broker(brokerId).broker.metrics()) {
    if (family?.name !== "kafka_server_brokertopicmetrics_bytesout_total") continue;
    for (const { labels, value } of family.samples) if (labels.topic === "orders") return value;
  }
  return 0;
}

/** A broker in each of three racks; broker 1 leads the one partition, which is full of records. */
async function start(): Promise<void> {
  cluster = await startCluster({
    config: { "replica.selector.class": SELECTOR, "broker.session.timeout.ms": 600 },
    brokerConfig: (brokerId) => ({ "broker.rack": `rack-${brokerId}` }),
  });
  const admin = await cluster.admin();
  await admin.createTopics([{ name: "orders", assignments: [[1, 2, 3]] }]);
  await send();
  // A leader names nobody who has not told it yet how far it has come.
  await until("everybody knows what is committed", () =>
    cluster.brokers.every(({ broker }) => broker.services.partitions.get("orders", 0)!.log.highWatermark === RECORDS),
  );
}

async function send(): Promise<void> {
  await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, acks: "all" });
  const value = "x".repeat(SIZE_BYTES);
  await producer.send(Array.from({ length: RECORDS }, () => ({ topic: "orders", value })));
}

it("a consumer reads from the replica in its rack, and from the leader when that is gone", async () => {
  await start();
  await using consumer = new Consumer({
    bootstrapServers: cluster.bootstrapServers,
    clientRack: "rack-3",
    autoOffsetReset: "earliest",
  });
  consumer.assign([{ topic: "orders", partition: 0 }]);
  const offsets: number[] = [];
  const reading = (async () => {
    for await (const { offset } of consumer) offsets.push(offset);
  })();
  await until("all is read", () => offsets.length === RECORDS);
  expect(await bytesOut(3)).toBeGreaterThan(RECORDS * SIZE_BYTES);
  expect([await bytesOut(1), await bytesOut(2)]).toEqual([0, 0]);

  await cluster.kill(3);
  await send();
  await until("reading goes on", () => offsets.length === 2 * RECORDS);
  expect(offsets).toEqual(Array.from({ length: 2 * RECORDS }, (_, offset) => offset));
  expect(await bytesOut(1)).toBeGreaterThan(RECORDS * SIZE_BYTES);
  await consumer.close();
  await reading;
});

it("without a rack it reads from the leader", async () => {
  await start();
  await using consumer = new Consumer({ bootstrapServers: cluster.bootstrapServers });
  await readTopic(consumer, "orders", { count: RECORDS }, systemClock);
  expect(await bytesOut(1)).toBeGreaterThan(RECORDS * SIZE_BYTES);
  expect([await bytesOut(2), await bytesOut(3)]).toEqual([0, 0]);
});
