import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { createSystemRuntime } from "@ottla/runtime";
import { freePort } from "@ottla/transport/node";
import { afterEach, expect, it } from "vitest";
import { readTopic } from "./read-topic.ts";
import { startCluster, type TestCluster } from "./test-cluster.ts";
import { until } from "./test-support/until.ts";

let cluster: TestCluster;
afterEach(() => cluster?.close());

it("brokers that reach each other over WebSocket only replicate, forward and fail over", async () => {
  const ports = [await freePort(), await freePort(), await freePort()];
  cluster = await startCluster({
    config: { "replica.lag.time.max.ms": 2_000, "inter.broker.listener.name": "WS" },
    brokerConfig: (brokerId) => ({
      listeners: `PLAINTEXT://localhost:0,WS://localhost:${ports[brokerId - 1]}`,
      "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,WS:PLAINTEXT",
      "advertised.listeners": `WS=ws://localhost:${ports[brokerId - 1]}/kafka`,
    }),
  });
  const admin = await cluster.admin();
  await admin.createTopics([{ name: "orders", partitions: 3 }]);
  const partitionsOf = () =>
    cluster.broker(cluster.controllerId).broker.services.image.topicsByName.get("orders")!.partitions;
  const isWhole = (size: number) => partitionsOf().every(({ isr, leader }) => leader > 0 && isr.length === size);
  await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, deliveryTimeoutMs: 60_000 });
  const send = (round: string) =>
    Promise.all(
      [0, 1, 2].map((partition) => producer.send({ topic: "orders", partition, value: `${round} ${partition}` })),
    );
  await send("before");

  const connections = cluster.brokers.flatMap(({ broker }) => [...broker.connections()]);
  const ofBrokers = connections.filter(({ traffic }) => /^broker-\d+-/.test(traffic.clientId));
  expect(ofBrokers.length, "each fetches from both others").toBeGreaterThanOrEqual(6);
  expect(new Set(ofBrokers.map(({ kind, listenerName }) => `${kind} ${listenerName}`))).toEqual(
    new Set(["websocket WS"]),
  );

  const killed = partitionsOf()[0]!.leader;
  await cluster.kill(killed);
  await send("while");
  await until("others lead", () => isWhole(2));
  await cluster.start(killed);
  await until("all are in sync again", () => isWhole(3));
  await send("after");
  await using consumer = new Consumer({ bootstrapServers: cluster.bootstrapServers });
  const records = await readTopic(consumer, "orders", { count: 9, timeoutMs: 30_000 }, createSystemRuntime().clock);
  const wanted = ["after", "before", "while"].flatMap((round) => [0, 1, 2].map((partition) => `${round} ${partition}`));
  expect(records.map(({ value }) => value).sort()).toEqual(wanted);
}, 90_000);
