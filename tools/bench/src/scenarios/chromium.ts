import { type ClientSettings, DEFAULT_SETTINGS } from "../clients/bench-client.ts";
import type { Contestant, Effort, Measurement, Row, Scenario } from "../harness/scenario.ts";
import { BarePage } from "../processes/bare-page.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { bundleClient, hasChromium, type PageGlobals } from "../processes/browser.ts";
import { clientContestant, OTTLA_WEBSOCKET } from "../processes/client-contestant.ts";
import { createTopic, fillTopic } from "../processes/topics.ts";

/** On the page: see `bundleClient`. */
declare const bench: PageGlobals;

const IN_CHROMIUM = "ottla in Chromium";

interface PageTask {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly records: number;
  readonly settings: ClientSettings;
}

/** What a page does; it is sent there as text, so it knows nothing but its task and `bench`. */
type PageWork = (task: PageTask) => Promise<{ readonly records: number; readonly elapsedMs: number }>;

const produceOnPage: PageWork = async ({ bootstrapServers, topic, records, settings }) => {
  const client = bench.createOttlaClient(bootstrapServers, "batch", settings);
  const startedMs = performance.now();
  const arrays = { calls: records / 1_000, recordsPerCall: 1_000, callsInFlight: 4, recordBytes: 100 };
  await client.produceBatches({ topics: [topic], ...arrays });
  const elapsedMs = performance.now() - startedMs;
  await client.close();
  return { records, elapsedMs };
};

const consumeOnPage: PageWork = async ({ bootstrapServers, topic, records, settings }) => {
  const client = bench.createOttlaClient(bootstrapServers, "batch", settings);
  const { startedMs, endedMs } = await client.consume({ topic, partitions: 1, records, recordBytes: 100 });
  await client.close();
  return { records, elapsedMs: endedMs - startedMs };
};

/** A page of the broker's own origin, with our client on it. */
async function openClientPage(port: number): Promise<BarePage> {
  const page = await BarePage.open(`http://localhost:${port}/health`);
  await page.evaluate(`${await bundleClient()}; globalThis.bench = bench; 0`);
  return page;
}

function pageContestant(broker: BrokerUnderTest, page: BarePage, task: PageTask, work: PageWork): Contestant {
  return {
    name: IN_CHROMIUM,
    canDoLess: true,
    async measure({ share = 1 }): Promise<Measurement> {
      const cpuBeforeMs = broker.cpuMs() ?? Number.NaN;
      const part = { ...task, records: Math.ceil((task.records * share) / 1_000) * 1_000 };
      const { records, elapsedMs } = await page.evaluate<Awaited<ReturnType<PageWork>>>(
        `(${work})(${JSON.stringify(part)})`,
      );
      const brokerCpuMs = (broker.cpuMs() ?? Number.NaN) - cpuBeforeMs;
      return { figure: (records * 1_000) / elapsedMs, perBrokerCpuSecond: (records * 1_000) / brokerCpuMs };
    },
  };
}

async function* rows({ quick }: Effort): AsyncIterable<Row> {
  if (!hasChromium()) {
    console.error("  SKIPPED: Chromium is absent");
    return;
  }
  const broker = await BrokerUnderTest.start();
  const page = await openClientPage(broker.port);
  try {
    const records = quick ? 100_000 : 400_000;
    const settings = DEFAULT_SETTINGS;
    const bootstrapServers = `ws://localhost:${broker.port}`;
    const common = { unit: "records/s", baseline: OTTLA_WEBSOCKET.name, recordBytes: 100, repetitions: quick ? 3 : 5 };
    const produced = { bootstrapServers, topic: await createTopic(broker, "from-page", 1), records, settings };
    yield {
      ...common,
      name: "produce arrays of 1,000, 4 at a time, 1 partition (wanted: 300 k/s)",
      contestants: [
        pageContestant(broker, page, produced, produceOnPage),
        clientContestant(OTTLA_WEBSOCKET, broker, () => ({
          kind: "produceBatches",
          topics: [produced.topic],
          calls: records / 1_000,
          recordsPerCall: 1_000,
          callsInFlight: 4,
          recordBytes: 100,
        })),
      ],
    };
    const consumed = { bootstrapServers, topic: await fillTopic(broker, "to-page", 1, records), records, settings };
    const inNode = { ...OTTLA_WEBSOCKET, kind: "ottla-batches" } as const;
    yield {
      ...common,
      name: "consume batches, keys and values touched, 1 partition (wanted: 1 M/s)",
      contestants: [
        pageContestant(broker, page, consumed, consumeOnPage),
        clientContestant(inNode, broker, () => ({
          kind: "consume",
          topic: consumed.topic,
          partitions: 1,
          records,
          recordBytes: 100,
        })),
      ],
    };
  } finally {
    await page.close();
    await broker.stop();
  }
}

const scenario: Scenario = {
  name: "chromium",
  description: "our SDKs in a page of Chromium over WebSocket, beside the same in Node.js",
  quietSeconds: { quick: 10, full: 12 },
  inQuick: false,
  rows,
};
export default scenario;
