import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningBroker, startBroker } from "@ottla/broker-app";
import { ClusterClient } from "@ottla/client/internal";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { apiVersionsApi } from "@ottla/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sdkTargets } from "../harness/sdk-targets.ts";

const COMPONENT = { component: "The test", allowAutoTopicCreation: false };

describe("the connections of one client", () => {
  let broker: RunningBroker;

  beforeAll(async () => {
    broker = await startBroker({ port: 0, memory: true });
  });
  afterAll(() => broker?.close());

  async function connections(bootstrapServers: string) {
    await using client = new ClusterClient({ bootstrapServers }, COMPONENT);
    const deadline = client.deadline("test");
    await client.metadata.refresh(deadline);
    const main = await client.connection(broker.nodeId, deadline);
    const fetching = await client.connection(broker.nodeId, deadline, "fetch");
    return { main, fetching };
  }

  it("are one over WebSocket, where answers come out of order", async () => {
    const { main, fetching } = await connections(broker.webSocketUrl);
    expect(main.answersOutOfOrder).toBe(true);
    expect(fetching).toBe(main);
  });

  it("are one for each purpose over TCP", async () => {
    const { main, fetching } = await connections(broker.bootstrapServers);
    expect(main.answersOutOfOrder).toBe(false);
    expect(fetching).not.toBe(main);
  });
});

for (const target of sdkTargets) {
  describe.skipIf(target.isAbsent)(`the connections of one client to ${target.name}`, () => {
    it("are one for each purpose, unless answers may come out of order; each is used again", async () => {
      const { bootstrapServers, stop } = await target.start();
      try {
        await using client = new ClusterClient({ bootstrapServers }, COMPONENT);
        const deadline = client.deadline("test");
        await client.metadata.refresh(deadline);
        const [broker] = [...client.metadata.view.brokers.values()];
        const connect = (purpose?: string) => client.connection(broker!.id, deadline, purpose);
        const [main, fetching, again] = [await connect(), await connect("fetch"), await connect()];
        expect(main.answersOutOfOrder).toBe(bootstrapServers.startsWith("ws:"));
        expect(fetching === main).toBe(main.answersOutOfOrder);
        expect(again).toBe(main);
        // As many at once as one likes, and another when that one has gone.
        const all = await Promise.all(Array.from({ length: 20 }, () => connect()));
        expect(new Set(all)).toEqual(new Set([main]));
        await main.close();
        const next = await connect();
        expect(next).not.toBe(main);
        await client.metadata.refresh(client.deadline("test"));
      } finally {
        await stop();
      }
    });

    it("last as long as the client, and none is left open", async () => {
      const { bootstrapServers, stop } = await target.start();
      try {
        const client = new ClusterClient({ bootstrapServers }, COMPONENT);
        const deadline = client.deadline("test");
        await client.metadata.refresh(deadline);
        const [broker] = [...client.metadata.view.brokers.values()];
        const connection = await client.connection(broker!.id, deadline);
        await client.close();
        await expect(connection.request(apiVersionsApi, {})).rejects.toThrow();
        await expect(client.connection(broker!.id, client.deadline("test"))).rejects.toThrow();
      } finally {
        await stop();
      }
    });
  });
}

describe("a broker that goes away and comes back on its port", () => {
  let directory: string | undefined;

  afterEach(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  for (const transport of ["TCP", "WebSocket"] as const) {
    it(`costs a producer over ${transport} nothing, and the order is kept`, async () => {
      directory = await mkdtemp(join(tmpdir(), "ottla-restart-"));
      let broker = await startBroker({ port: 0, dataDirectory: directory, config: { "num.partitions": 2 } });
      const { port, bootstrapServers, webSocketUrl } = broker;
      const address = transport === "TCP" ? bootstrapServers : webSocketUrl;
      const producer = new Producer({ bootstrapServers: address, requestTimeoutMs: 5_000 });
      const sends: Promise<unknown>[] = [];
      const sendUntil = performance.now() + 2_500;
      const sending = (async () => {
        while (performance.now() < sendUntil) {
          for (let burst = 0; burst < 10; burst++) {
            const value = `${sends.length}`;
            sends.push(producer.send({ topic: "restarted", partition: sends.length % 2, value }));
          }
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      })();
      for (let restart = 0; restart < 2; restart++) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        await broker.close();
        await new Promise((resolve) => setTimeout(resolve, 200));
        broker = await startBroker({ port, dataDirectory: directory, config: { "num.partitions": 2 } });
      }
      await sending;
      await Promise.all(sends);
      await producer.close();
      expect(await readValues(address, sends.length)).toEqual(sends.map((_, index) => index));
      await broker.close();
    });
  }
});

/** The first `count` values of both partitions: sorted, but only if each partition had its own in order. */
async function readValues(bootstrapServers: string, count: number): Promise<number[]> {
  await using consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
  consumer.assign([0, 1].map((partition) => ({ topic: "restarted", partition })));
  const byPartition: number[][] = [[], []];
  let seen = 0;
  for await (const record of consumer) {
    byPartition[record.partition]!.push(Number(record.value));
    if (++seen === count) break;
  }
  for (const values of byPartition) expect(values).toEqual([...values].sort((a, b) => a - b));
  return byPartition.flat().sort((a, b) => a - b);
}
