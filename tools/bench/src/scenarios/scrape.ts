import { prometheusText } from "@ottla/broker";
import { startCluster } from "@ottla/testing";
import type { Contestant, Effort, Row, Scenario } from "../harness/scenario.ts";

const TOPICS = 10;
const PARTITIONS_PER_TOPIC = 1_000;
const PARTITIONS = TOPICS * PARTITIONS_PER_TOPIC;
/** The code is warm from then on. */
const WARM_UP_SCRAPES = 5;

type Cluster = Awaited<ReturnType<typeof startCluster>>;

async function brokerWithPartitions(): Promise<Cluster> {
  const cluster = await startCluster({ brokers: 1 });
  const admin = await cluster.admin();
  for (let i = 0; i < TOPICS; i++) {
    await admin.createTopics([{ name: `topic-${i}`, partitions: PARTITIONS_PER_TOPIC }]);
  }
  return cluster;
}

/**
 * What each piece of a scrape takes, in CPU time, so that other programs do not count: nothing else runs meanwhile, and
 * everything runs before the next.
 */
async function pieceTimesMs(cluster: Cluster): Promise<number[]> {
  const times: number[] = [];
  const pieces = prometheusText(await cluster.brokers[0]!.broker.metrics());
  for (;;) {
    const before = process.cpuUsage();
    const { done } = pieces.next();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1_000);
    if (done) return times;
  }
}

function contestant(name: string, cluster: Cluster, figureOf: (timesMs: readonly number[]) => number): Contestant {
  return { name, measure: async () => ({ figure: figureOf(await pieceTimesMs(cluster)) }) };
}

async function* rows({ quick }: Effort): AsyncIterable<Row> {
  const cluster = await brokerWithPartitions();
  try {
    for (let i = 0; i < WARM_UP_SCRAPES; i++) await pieceTimesMs(cluster);
    const longest = contestant("ottla, its longest piece", cluster, (times) => Math.max(...times));
    const whole = contestant("ottla, all pieces", cluster, (times) => times.reduce((sum, time) => sum + time, 0));
    yield {
      name: `what /metrics with ${PARTITIONS} partitions holds up a produce by at most (the bound is 5 ms)`,
      unit: "CPU ms",
      better: "less",
      baseline: longest.name,
      repetitions: quick ? 11 : 31,
      contestants: [longest, whole],
    };
  } finally {
    await cluster.close();
  }
}

const scenario: Scenario = {
  name: "scrape",
  description: "how long a scrape of /metrics with 10,000 partitions holds up a produce",
  quietSeconds: { quick: 10, full: 5 },
  inQuick: false,
  rows,
};
export default scenario;
