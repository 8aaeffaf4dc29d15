import { once } from "node:events";
import { Consumer } from "@ottla/consumer";
import WebSocket from "ws";
import type { Contestant, Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { createTopic } from "../processes/topics.ts";

const SETTLE_MS = 2_000;
/** A broker that has just begun still compiles what it has begun to use: that is over by then. */
const WARM_MS = 10_000;
const PARTITIONS = 1_000;
const CONSUMERS = 100;
/** Connections that are opened at once. */
const OPENED_AT_ONCE = 100;

/** What the broker uses of one core while nothing happens but waiting. */
function idleCpu(name: string, partitions: number, consumers: number): Contestant {
  let broker: BrokerUnderTest | undefined;
  let waiting: readonly Consumer[] = [];
  const begin = async (settleMs: number) => {
    const begun = await BrokerUnderTest.start();
    broker = begun;
    const bootstrapServers = `127.0.0.1:${begun.port}`;
    if (partitions > 0) await createTopic(begun, "idle", partitions);
    waiting = Array.from({ length: consumers }, (_, i) => waitingConsumer(bootstrapServers, i, partitions));
    await delay(settleMs);
    return begun;
  };
  return {
    name,
    async measure({ quick }) {
      const idle = broker ?? (await begin(quick ? 2 * SETTLE_MS : WARM_MS));
      const beforeMs = idle.cpuMs() ?? Number.NaN;
      const startedMs = performance.now();
      await delay(quick ? 3_000 : 6_000);
      const figure = ((idle.cpuMs() ?? Number.NaN) - beforeMs) / (performance.now() - startedMs);
      return { figure: figure * 100 };
    },
    async close() {
      await Promise.all(waiting.map((consumer) => consumer.close()));
      await broker?.stop();
    },
  };
}

/** A consumer that reads its share of the partitions, where nothing comes. */
function waitingConsumer(bootstrapServers: string, index: number, partitions: number): Consumer {
  const consumer = new Consumer({ bootstrapServers, autoOffsetReset: "latest" });
  const share = partitions / CONSUMERS;
  consumer.assign(Array.from({ length: share }, (_, i) => ({ topic: "idle", partition: index * share + i })));
  void (async () => {
    for await (const _ of consumer) throw new Error("nothing was written");
  })().catch(() => {}); // closed under it
  return consumer;
}

/** What a connection without requests costs the broker's memory. */
function idleConnections(connections: number): Contestant {
  return {
    name: `${connections.toLocaleString("en")} WebSocket connections`,
    async measure() {
      const broker = await BrokerUnderTest.start(["--set", `max.connections=${connections * 2}`]);
      await delay(SETTLE_MS);
      const beforeBytes = broker.residentBytes() ?? Number.NaN;
      const sockets: WebSocket[] = [];
      while (sockets.length < connections) {
        const opened = Array.from({ length: OPENED_AT_ONCE }, () => new WebSocket(`ws://127.0.0.1:${broker.port}`));
        await Promise.all(opened.map((socket) => once(socket, "open")));
        sockets.push(...opened);
      }
      await delay(SETTLE_MS);
      const bytes = (broker.residentBytes() ?? Number.NaN) - beforeBytes;
      for (const socket of sockets) socket.terminate();
      await broker.stop();
      return { figure: bytes / connections / 1024 };
    },
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function* rows({ quick }: Effort): Iterable<Row> {
  const bare = idleCpu("no partitions, no consumers", 0, 0);
  const busy = idleCpu(`${PARTITIONS} partitions, ${CONSUMERS} consumers waiting`, PARTITIONS, CONSUMERS);
  const unit = "% of a core";
  const contestants = [bare, busy];
  yield {
    name: "an idle broker (the bound is 1%)",
    unit,
    better: "less",
    baseline: busy.name,
    repetitions: quick ? 1 : 2,
    warmUps: 0,
    contestants,
  };
  const connections = idleConnections(quick ? 2_000 : 10_000);
  yield {
    name: "resident memory of an idle connection (the bound is 15 KB)",
    unit: "KB",
    better: "less",
    baseline: connections.name,
    repetitions: 1,
    warmUps: 0,
    contestants: [connections],
  };
}

const scenario: Scenario = {
  name: "idle",
  description: "what waiting costs: CPU time with everybody waiting, memory of connections that say nothing",
  quietSeconds: { quick: 22, full: 52 },
  inQuick: false,
  rows,
};
export default scenario;
