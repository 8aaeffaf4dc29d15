import { Worker } from "node:worker_threads";
import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import type { Contestant, Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";

const TOPICS = 10;
const PARTITIONS_PER_TOPIC = 1_000;
const PARTITIONS = TOPICS * PARTITIONS_PER_TOPIC;
const SENDS = 500;
const SCRAPE_EVERY_MS = 250;

async function createPartitions(bootstrapServers: string): Promise<void> {
  await using admin = new Admin({ bootstrapServers });
  for (let i = 0; i < TOPICS; i++) {
    await admin.createTopics([{ name: `topic-${i}`, partitions: PARTITIONS_PER_TOPIC }]);
  }
}

/** How long each of so many sends took, one after another: whatever holds up the broker holds up one of them. */
async function sendTimesMs(producer: Producer): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < SENDS; i++) {
    const before = performance.now();
    await producer.send({ topic: "topic-0", partition: 0, value: "a record" });
    times.push(performance.now() - before);
  }
  return times.sort((a, b) => a - b);
}

/** Scrapes again and again, as several eager Prometheuses would, in a thread: what comes is not the producer's work. */
const SCRAPER = `
  const { workerData: { url, everyMs } } = require("node:worker_threads");
  const scrape = async () => {
    for await (const _ of (await fetch(url)).body);
    setTimeout(scrape, everyMs);
  };
  scrape();
`;

async function whileScraping<T>(port: number, work: () => Promise<T>): Promise<T> {
  const workerData = { url: `http://127.0.0.1:${port}/metrics`, everyMs: SCRAPE_EVERY_MS };
  const scraper = new Worker(SCRAPER, { eval: true, workerData });
  try {
    return await work();
  } finally {
    await scraper.terminate();
  }
}

/** Of the slowest of a hundred sends: the scrapes meet about so many of them. */
const p99 = (sorted: readonly number[]) => sorted[Math.floor(sorted.length * 0.99)]!;

async function* rows({ quick }: Effort): AsyncIterable<Row> {
  const broker = await BrokerUnderTest.start();
  const bootstrapServers = `127.0.0.1:${broker.port}`;
  const producer = new Producer({ bootstrapServers });
  try {
    await createPartitions(bootstrapServers);
    const alone: Contestant = {
      name: "ottla, nobody scrapes",
      measure: async () => ({ figure: p99(await sendTimesMs(producer)) }),
    };
    const scraped: Contestant = {
      name: "ottla, while /metrics is scraped",
      measure: async () => ({ figure: p99(await whileScraping(broker.port, () => sendTimesMs(producer))) }),
    };
    yield {
      name: `one send at a time on a broker with ${PARTITIONS} partitions, p99 (a scrape may add 5 ms)`,
      unit: "ms",
      better: "less",
      baseline: alone.name,
      repetitions: quick ? 3 : 7,
      contestants: [alone, scraped],
    };
  } finally {
    await producer.close();
    await broker.stop();
  }
}

const scenario: Scenario = {
  name: "scrape-beside-produce",
  description: "what scrapes of /metrics with 10,000 partitions add to a produce, over sockets",
  quietSeconds: { quick: 15, full: 25 },
  inFull: false,
  rows,
};
export default scenario;
