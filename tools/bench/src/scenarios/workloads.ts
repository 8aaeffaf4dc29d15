import type { ClientSettings } from "../clients/bench-client.ts";
import type { ClientRequest } from "../clients/protocol.ts";
import type { Contestant, Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { clientContestant, OTTLA_TCP } from "../processes/client-contestant.ts";
import { createTopic, fillTopic } from "../processes/topics.ts";

/** A case differs from the base case in one thing. */
interface Case {
  readonly name: string;
  readonly partitions: number;
  readonly topics: number;
  readonly recordBytes: number;
  readonly settings: Partial<ClientSettings>;
  readonly transport: "tcp" | "websocket";
}

const BASE: Case = { name: "base case", partitions: 6, topics: 1, recordBytes: 100, settings: {}, transport: "tcp" };

const PRODUCE_FACTORS: readonly (readonly [name: string, cases: readonly Case[], quick: boolean])[] = [
  ["partitions", [1, 100, 1_000].map((partitions) => ({ ...BASE, name: `${partitions}`, partitions })), true],
  ["topics", [{ ...BASE, name: "100 of 6 partitions", topics: 100 }], false],
  ["record size", [{ ...BASE, name: "1 KB", recordBytes: 1_000 }], false],
  ["acks", ([0, 1] as const).map((acks) => ({ ...BASE, name: `${acks}`, settings: { acks } })), false],
  [
    "compression",
    (["gzip", "snappy", "lz4", "zstd"] as const).map((compression) => ({
      ...BASE,
      name: compression,
      settings: { compression },
    })),
    true,
  ],
  ["transport", [{ ...BASE, name: "WebSocket", transport: "websocket" }], false],
];

async function* rows(effort: Effort): AsyncIterable<Row> {
  const broker = await BrokerUnderTest.start();
  try {
    for (const [factor, cases, isQuick] of PRODUCE_FACTORS) {
      if (isQuick || !effort.quick) yield await produceRow(broker, factor, [BASE, ...cases], effort);
    }
    yield await singlesRow(broker, effort);
    yield await consumeRow(effort);
    yield await fanOutRow(broker, effort);
  } finally {
    await broker.stop();
  }
}

async function produceRow(
  broker: BrokerUnderTest,
  factor: string,
  cases: readonly Case[],
  { quick }: Effort,
): Promise<Row> {
  const contestants: Contestant[] = [];
  for (const { name, partitions, topics, recordBytes, settings, transport } of cases) {
    const names = Array.from({ length: topics }, (_, i) => `${factor}-${name}-${i}`.replaceAll(" ", "-"));
    for (const topic of names) await createTopic(broker, topic, partitions);
    const request = (): ClientRequest => ({
      kind: "produceBatches",
      topics: names,
      calls: (quick ? 100 : 200) / (recordBytes > 100 ? 5 : 1),
      recordsPerCall: 1_000,
      callsInFlight: 4,
      recordBytes,
    });
    contestants.push(clientContestant({ ...OTTLA_TCP, settings, transport }, broker, request, { name, recordBytes }));
  }
  return factorRow(`produce arrays, by ${factor}`, contestants);
}

async function singlesRow(broker: BrokerUnderTest, { quick }: Effort): Promise<Row> {
  const topic = await createTopic(broker, "singles", 6);
  const contestants = [1, 100, 1_000, 10_000].map((concurrency) => {
    const records = (concurrency === 1 ? 4_000 : 200_000) * (quick ? 0.25 : 1);
    const request = (): ClientRequest => ({ kind: "produceSingles", topic, records, concurrency });
    return clientContestant(OTTLA_TCP, broker, request, { name: `${concurrency.toLocaleString("en")} at a time` });
  });
  return factorRow("single sends, by how many are awaited at a time", contestants, "1,000 at a time");
}

/** Memory: what a broker that has just been written to still has of it. Disk: the same after it was started again. */
async function consumeRow({ quick }: Effort): Promise<Row> {
  const records = quick ? 200_000 : 500_000;
  const partitions = 6;
  const brokers: BrokerUnderTest[] = [];
  const contestant = async (name: string, recordBytes: number, isRestarted: boolean): Promise<Contestant> => {
    const broker = await BrokerUnderTest.start();
    brokers.push(broker);
    const topic = await fillTopic(broker, "read", partitions, records, { recordBytes });
    if (isRestarted) await broker.restart();
    const request = (): ClientRequest => ({ kind: "consume", topic, partitions, records, recordBytes });
    const asked = clientContestant({ ...OTTLA_TCP, kind: "ottla-batches" }, broker, request, { name, recordBytes });
    return {
      ...asked,
      async close() {
        await asked.close?.();
        await broker.stop();
      },
    };
  };
  return factorRow("consume batches, by where they lie", [
    await contestant("base case", 100, false),
    await contestant("from disk", 100, true),
    ...(quick ? [] : [await contestant("1 KB from memory", 1_000, false)]),
  ]);
}

/** All consumers together get as many records in each case. */
async function fanOutRow(broker: BrokerUnderTest, { quick }: Effort): Promise<Row> {
  const deliveries = quick ? 100_000 : 400_000;
  const contestants: Contestant[] = [];
  for (const consumers of quick ? [1, 100] : [1, 10, 100, 1_000]) {
    const topic = await createTopic(broker, `fan-out-${consumers}`, 1);
    const request = (): ClientRequest => ({ kind: "fanOut", topic, consumers, records: deliveries / consumers });
    const options = { name: `${consumers} consumers`, hasTraffic: true };
    contestants.push(clientContestant(OTTLA_TCP, broker, request, options));
  }
  return factorRow("records delivered to consumers of one partition, by consumers", contestants, "1 consumers");
}

function factorRow(name: string, contestants: readonly Contestant[], baseline = BASE.name): Row {
  return { name, unit: "records/s", baseline, recordBytes: BASE.recordBytes, repetitions: 5, contestants };
}

const scenario: Scenario = {
  name: "workloads",
  description: "our client on our broker; each row varies one thing of the base case (100 B, 6 partitions, acks=all)",
  quietSeconds: { quick: 24, full: 101 },
  inQuick: false,
  rows,
};
export default scenario;
