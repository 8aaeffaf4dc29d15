import { Producer } from "@ottla/producer";
import type { Contestant, Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { createTopic } from "../processes/topics.ts";

const TOPICS = 10;
const PARTITIONS_PER_TOPIC = 1_000;
const PARTITIONS = TOPICS * PARTITIONS_PER_TOPIC;
const SETTLE_MS = 2_000;
/** Sends follow one another; every so many of them a scrape begins. */
const SENDS_PER_SCRAPE = 50;

/** What the slowest sends wait, with or without somebody scraping all partitions beside them. */
function slowestSend(name: string, scrapes: boolean): Contestant {
  return {
    name,
    async measure({ quick }) {
      const broker = await BrokerUnderTest.start();
      const topics: string[] = [];
      for (let i = 0; i < TOPICS; i++) topics.push(await createTopic(broker, `many-${i}`, PARTITIONS_PER_TOPIC));
      await delay(SETTLE_MS);
      const producer = new Producer({ bootstrapServers: `127.0.0.1:${broker.port}` });
      const value = new Uint8Array(100);
      const send = () => producer.send({ topic: topics[0]!, partition: 0, value });
      for (let i = 0; i < SENDS_PER_SCRAPE; i++) await send();
      const timesMs: number[] = [];
      let scraping: Promise<unknown> = Promise.resolve();
      for (let i = 0; i < (quick ? 10 : 40) * SENDS_PER_SCRAPE; i++) {
        if (scrapes && i % SENDS_PER_SCRAPE === 0) {
          await scraping;
          scraping = fetch(`http://127.0.0.1:${broker.port}/metrics`).then((response) => response.arrayBuffer());
        }
        const startedMs = performance.now();
        await send();
        timesMs.push(performance.now() - startedMs);
      }
      await scraping;
      await producer.close();
      await broker.stop();
      timesMs.sort((a, b) => a - b);
      return { figure: timesMs[Math.floor(timesMs.length * 0.99)]! };
    },
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function* rows({ quick }: Effort): Iterable<Row> {
  const alone = slowestSend("ottla, nobody scrapes", false);
  yield {
    name: `one send after the other, p99, while /metrics of ${PARTITIONS} partitions is read (the bound is 5 ms more)`,
    unit: "ms",
    better: "less",
    baseline: alone.name,
    repetitions: quick ? 1 : 2,
    warmUp: false,
    contestants: [alone, slowestSend("ottla, scraped", true)],
  };
}

const scenario: Scenario = {
  name: "scrape",
  description: "how long a scrape of /metrics with 10,000 partitions holds up a produce",
  quietSeconds: { quick: 20, full: 48 },
  inQuick: false,
  rows,
};
export default scenario;
