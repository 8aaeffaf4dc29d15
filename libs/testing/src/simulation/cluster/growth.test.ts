import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { expect, test } from "vitest";
import { SimulatedCluster } from "../simulated-cluster.ts";
import { SimulatedWorld, STEP_MS } from "../simulated-world.ts";
import { Tally } from "../tally.ts";

/** With `OTTLA_TEST_DEEP=1` all of them: what is printed then is the table in docs/cluster.md. */
const SIZES = [3, 5, 7, 9];
const PARTITIONS_PER_BROKER = 4;
const PHASE_MS = 10_000;

interface Cost {
  readonly messages: number;
  readonly bytes: number;
  readonly zooKeeper: number;
}

/** What a cluster of so many brokers costs in ten seconds each: at rest, under load, and while a broker dies. */
async function costsOf(brokers: number): Promise<Readonly<Record<"rest" | "load" | "failover", Cost>>> {
  const world = new SimulatedWorld({ seed: 1, tally: new Tally() });
  world.isFaulty = false;
  const cluster = new SimulatedCluster({ world, brokers, config: {} });
  await world.settle(cluster.start());
  const client = world.operatorClient(cluster.bootstrapServers);
  const partitions = PARTITIONS_PER_BROKER * brokers;
  await world.settle(new Admin(client).createTopics([{ name: "orders", partitions }], { timeoutMs: 30_000 }));
  const producer = new Producer({ ...client, lingerMs: 0 });
  let isOver = false;
  let sent = 0;
  const measure = async (each: () => void): Promise<Cost> => {
    const operations = () => Object.values(cluster.zooKeeper!.operations).reduce((sum, count) => sum + count, 0);
    const [messages, bytes, zooKeeper] = [world.trace.messages, world.trace.bytes, operations()];
    for (let ms = 0; ms < PHASE_MS; ms += STEP_MS) {
      each();
      await world.step();
    }
    return {
      messages: world.trace.messages - messages,
      bytes: world.trace.bytes - bytes,
      zooKeeper: operations() - zooKeeper,
    };
  };
  /** One record to each broker in each step: the load grows with the cluster. */
  const send = () => {
    for (let broker = 0; broker < brokers && !isOver; broker++) {
      const record = { topic: "orders", partition: sent % partitions, value: String(sent++) };
      producer.send(record).catch((error: unknown) => world.violated(error));
    }
  };
  await measure(() => {});
  const rest = await measure(() => {});
  const load = await measure(send);
  const { controllerId } = cluster.running[0]!.services.controller;
  // Not the controller, or its successor's start would be counted in some sizes and not in others.
  const victim = controllerId === brokers ? brokers - 1 : brokers;
  cluster.kill(cluster.brokers[victim - 1]!, "process", 2 * PHASE_MS);
  const failover = await measure(() => {});
  isOver = true;
  world.operator.kill();
  cluster.killAll();
  return { rest, load, failover };
}

test("what a cluster says to itself and to ZooKeeper grows no faster than its pairs of brokers", {
  timeout: 300_000,
}, async () => {
  const sizes = process.env.OTTLA_TEST_DEEP === undefined ? [SIZES[0]!, SIZES.at(-1)!] : SIZES;
  const rows: string[] = [];
  const costs = [];
  for (const size of sizes) {
    const cost = await costsOf(size);
    costs.push(cost);
    const cells = [cost.rest, cost.load, cost.failover].flatMap(({ messages, bytes, zooKeeper }) => [
      ...[String(messages), String(Math.round(bytes / 1_000)), String(zooKeeper)],
    ]);
    rows.push(`| ${[size, PARTITIONS_PER_BROKER * size, ...cells].join(" | ")} |`);
  }
  console.info(rows.join("\n"));
  const [least, most] = [costs[0]!, costs.at(-1)!];
  for (const phase of ["rest", "load", "failover"] as const) {
    const dead = phase === "failover" ? 1 : 0;
    const pairsGrowth = pairs(sizes.at(-1)! - dead) / pairs(sizes[0]! - dead);
    expect(least[phase].messages).toBeGreaterThan(0);
    expect(most[phase].messages / least[phase].messages).toBeLessThanOrEqual(pairsGrowth);
    expect(most[phase].bytes / least[phase].bytes).toBeLessThanOrEqual(pairsGrowth);
  }
  // ZooKeeper hears of each broker that is alive alike, however many others there are.
  for (const phase of ["rest", "load", "failover"] as const) {
    const dead = phase === "failover" ? 1 : 0;
    const brokersGrowth = (sizes.at(-1)! - dead) / (sizes[0]! - dead);
    expect(most[phase].zooKeeper / least[phase].zooKeeper).toBeLessThanOrEqual(brokersGrowth);
  }
});

function pairs(brokers: number): number {
  return brokers * (brokers - 1);
}
