import { supportedFeatures } from "@ottla/broker/internal";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { ErrorCode, updateFeaturesApi } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector, parseBootstrap } from "@ottla/transport";
import { afterEach, expect, it } from "vitest";
import { startClusterOf, type TestCluster } from "./test-cluster.ts";
import { until } from "./test-support/until.ts";

let cluster: TestCluster;
afterEach(() => cluster?.close());

const FORMAT = "metadata.version";
const ELR = "eligible.leader.replicas.version";
const format = supportedFeatures.get(FORMAT)!.maxVersion;

/** A version that knows no eligible leader replicas yet, and one after ours, which could write the metadata anew. */
const OLD = new Map([...supportedFeatures, [ELR, { minVersion: 0, maxVersion: 0 }]]);
const NEW = new Map([...supportedFeatures, [FORMAT, { minVersion: format, maxVersion: format + 1 }]]);

const UPGRADE = 1;

/** What `kafka-features upgrade --feature name=level` sends: the error code, and which feature's broker is in the way. */
async function raise(name: string, level: number): Promise<{ errno: number; message: string | null }> {
  const runtime = createSystemRuntime();
  const [address] = parseBootstrap(cluster.bootstrapServers);
  const connector = createDefaultConnector(runtime);
  const connection = await BrokerConnection.open({ connector, address: address!, runtime, clientId: "an operator" });
  try {
    const featureUpdates = [{ feature: name, maxVersionLevel: level, upgradeType: UPGRADE }];
    const body = { timeoutMs: 10_000, featureUpdates, validateOnly: false };
    const { errorCode, errorMessage } = await connection.request(updateFeaturesApi, body, { timeoutMs: 10_000 });
    return { errno: errorCode, message: errorMessage };
  } finally {
    connection.close();
  }
}

const levels = () => {
  const { image } = cluster.broker(cluster.controllerId).broker.services;
  return [image.features.get(FORMAT) ?? 0, image.features.get(ELR) ?? 0];
};

const isWhole = (topic: string) =>
  cluster.brokers.every(({ isRunning, broker }) => {
    if (!isRunning) return false;
    const partitions = broker.services.image.topicsByName.get(topic)?.partitions ?? [];
    return partitions.every(({ isr, leader }) => leader >= 0 && isr.length === cluster.brokers.length);
  });

it("brokers of two versions serve side by side; levels go up when all can run at them, and who cannot is refused", {
  timeout: 60_000,
}, async () => {
  const upgraded = new Set<number>();
  cluster = await startClusterOf(
    { config: { "replica.lag.time.max.ms": 2_000, "offsets.topic.num.partitions": 1 } },
    { supportedFeatures: (brokerId) => (upgraded.has(brokerId) ? NEW : OLD) },
  );
  const admin = await cluster.admin();
  await admin.createTopics([{ name: "orders", partitions: 3 }]);
  expect(levels()).toEqual([format, 0]);
  expect((await raise(ELR, 1)).message).toContain("only supports versions 0-0");

  const producer = new Producer({ bootstrapServers: cluster.bootstrapServers, deliveryTimeoutMs: 60_000 });
  let sent = 0;
  let isOver = false;
  const sending = (async () => {
    while (!isOver) {
      await producer.send({ topic: "orders", key: "one", value: String(sent) });
      sent++;
    }
  })();
  const { bootstrapServers } = cluster;
  const consumer = new Consumer({ bootstrapServers, groupId: "readers", autoOffsetReset: "earliest" });
  consumer.subscribe(["orders"]);
  const read: number[] = [];
  const reading = (async () => {
    for await (const { value } of consumer) read.push(Number(value));
  })();

  // The controller last, so that one of the old version decides for as long as there is one, and a new one after it.
  const order = [...cluster.brokers.map(({ brokerId }) => brokerId)].sort(
    (a, b) => Number(a === cluster.controllerId) - Number(b === cluster.controllerId),
  );
  for (const brokerId of order) {
    const before = sent;
    await cluster.stop(brokerId);
    upgraded.add(brokerId);
    await cluster.start(brokerId);
    await until("all replicas in sync", () => isWhole("orders"));
    await until("records go on", () => sent > before + 50);
    expect(levels(), "no level goes up by itself").toEqual([format, 0]);
    const isLast = brokerId === order.at(-1);
    if (!isLast) expect((await raise(FORMAT, format + 1)).errno).toBe(ErrorCode.INVALID_UPDATE_VERSION);
  }
  expect(await raise(FORMAT, format + 1)).toEqual({ errno: ErrorCode.NONE, message: null });
  expect(await raise(ELR, 1)).toEqual({ errno: ErrorCode.NONE, message: null });
  await until("the levels of today", () => levels().join() === `${format + 1},1`);

  const last = order[0]!;
  await cluster.stop(last);
  upgraded.delete(last);
  await expect(cluster.start(last)).rejects.toThrow(
    `does not support finalized version ${format + 1} of ${FORMAT}. The broker wants a version between ${format} and ${format}`,
  );
  upgraded.add(last);
  await cluster.start(last);
  await until("all replicas in sync", () => isWhole("orders"));

  isOver = true;
  await sending;
  await until("all is read", () => read.length >= sent);
  await consumer.close();
  await reading;
  await producer.close();
  expect(read).toEqual(Array.from({ length: sent }, (_, number) => number));
});
