import type { ClientRequest } from "../clients/protocol.ts";
import type { Effort, Row, Scenario } from "../harness/scenario.ts";
import { type BenchBroker, BrokerUnderTest } from "../processes/broker.ts";
import {
  type ClientUnderTest,
  clientContestant,
  isSlow,
  JAVA,
  JAVA_TUNED,
  KAFKAJS,
  KCAT,
  KeptClient,
  OTTLA_TCP,
  PLATFORMATIC,
  present,
} from "../processes/client-contestant.ts";
import { hasKafka, KafkaUnderTest } from "../processes/kafka.ts";
import { createTopic, fillTopic } from "../processes/topics.ts";

/** One thing that is asked of each client on each broker. */
interface Workload {
  readonly partitions: number;
  readonly recordBytes: number;
  readonly acks: 1 | "all";
  readonly compression: "none" | "lz4";
}

const BASE: Workload = { partitions: 6, recordBytes: 100, acks: "all", compression: "none" };

const WORKLOADS: readonly Workload[] = [
  BASE,
  { ...BASE, partitions: 1 },
  { ...BASE, acks: 1 },
  { ...BASE, compression: "lz4" },
  { ...BASE, recordBytes: 1_000 },
];

const idOf = ({ recordBytes, partitions, acks, compression }: Workload) =>
  `${recordBytes}-${partitions}-${acks}-${compression}`;

/** Larger ones are fewer. */
const BASE_RECORDS = 250_000;

const CLIENTS = [JAVA, JAVA_TUNED, KCAT, OTTLA_TCP, KAFKAJS, PLATFORMATIC];

/**
 * Half a consumer's CPU time is Java's compilers' at first, whatever it reads from. A dozen rounds, a second and more, leave a
 * third of that. What one has compiled for the first row serves the later ones: consumers are kept from row to row.
 */
const JAVA_CONSUMER_WARM_UPS = 12;

const isJava = ({ kind }: ClientUnderTest) => kind === "java" || kind === "java-tuned";

/** The clients that consume, by name and broker: what they are told of acks and codecs is for producers. */
class Consumers {
  readonly #kept = new Map<string, KeptClient>();

  /** Whether it has not run yet. */
  isNew(client: ClientUnderTest, broker: BenchBroker): boolean {
    return !this.#kept.has(keyOf(client, broker));
  }

  of(client: ClientUnderTest, broker: BenchBroker): KeptClient {
    const key = keyOf(client, broker);
    const kept = this.#kept.get(key) ?? new KeptClient(client, broker);
    this.#kept.set(key, kept);
    return kept;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#kept.values()].map((client) => client.close()));
  }
}

const keyOf = (client: ClientUnderTest, broker: BenchBroker) => `${client.name} on ${broker.name}`;

/** Slow clients and batch sizes do not differ by workload: the base case shows them. Of ours large records say something more. */
const isAskedMore = (client: ClientUnderTest, { recordBytes }: Workload) =>
  !isSlow(client) && client !== JAVA_TUNED && (client !== OTTLA_TCP || recordBytes > BASE.recordBytes);

/** Neither Java nor a codec in C of librdkafka is for these to have. */
const canDo = (client: ClientUnderTest, { compression }: Workload) => client !== KAFKAJS || compression === "none";

async function* rows(effort: Effort): AsyncIterable<Row> {
  const chosen = effort.quick ? [JAVA, KCAT] : CLIENTS;
  const clients = present(chosen);
  if (!hasKafka()) console.error("  SKIPPED: Apache Kafka's jars or Java are absent: our broker stands alone");
  const ottla = await BrokerUnderTest.start();
  const kafka = hasKafka() ? await KafkaUnderTest.start() : null;
  const brokers: BenchBroker[] = kafka === null ? [ottla] : [ottla, kafka];
  const consumers = new Consumers();
  try {
    for (const workload of effort.quick ? [BASE] : WORKLOADS) {
      const asked = workload === BASE ? clients : clients.filter((client) => isAskedMore(client, workload));
      yield* workloadRows(
        asked.filter((client) => canDo(client, workload)),
        { brokers, consumers },
        workload,
        effort,
      );
    }
    if (!effort.quick) yield* fromDiskRows(present([KCAT]), brokers);
  } finally {
    try {
      await consumers.close();
    } finally {
      await Promise.all(brokers.map((broker) => broker.stop()));
    }
  }
}

async function* workloadRows(
  clients: readonly ClientUnderTest[],
  { brokers, consumers }: { readonly brokers: readonly BenchBroker[]; readonly consumers: Consumers },
  workload: Workload,
  { quick }: Effort,
): AsyncIterable<Row> {
  const { partitions, recordBytes, acks, compression } = workload;
  const title = `${recordBytes} B, ${partitions} partition(s), acks=${acks}, ${compression}`;
  const id = idOf(workload);
  const records = Math.round((quick ? 150_000 : BASE_RECORDS) / (recordBytes / 100 > 1 ? 5 : 1));
  for (const broker of brokers) {
    await createTopic(broker, `produce-${id}`, partitions);
    if (acks === BASE.acks) await fillTopic(broker, `consume-${id}`, partitions, records, { recordBytes, compression });
  }
  const produce = (client: ClientUnderTest): ClientRequest => ({
    kind: "produceBatches",
    topics: [`produce-${id}`],
    calls: records / 1_000 / (isSlow(client) ? 5 : 1),
    recordsPerCall: 1_000,
    callsInFlight: 4,
    recordBytes,
  });
  const consume = (): ClientRequest => ({ kind: "consume", topic: `consume-${id}`, partitions, records, recordBytes });
  const asked = { recordBytes, unit: "records/s", baseline: brokers.at(-1)!.name, repetitions: 5 };
  const isMain = (client: ClientUnderTest) => workload === BASE && (client === JAVA || client === KCAT);
  for (const client of clients) {
    const configured = { ...client, settings: { acks, compression } };
    yield {
      ...asked,
      name: `produce with ${client.name}: ${title}`,
      isMain: isMain(client),
      contestants: brokers.map((broker) => clientContestant(configured, broker, produce, { name: broker.name })),
    };
  }
  // What is read does not differ by what its producer waited for.
  for (const client of acks === BASE.acks ? clients : []) {
    const isNew = consumers.isNew(client, brokers[0]!);
    yield {
      ...asked,
      name: `consume with ${client.name}: ${title}`,
      isMain: isMain(client),
      warmUps: isNew && isJava(client) ? JAVA_CONSUMER_WARM_UPS : 1,
      contestants: brokers.map((broker) =>
        clientContestant(client, broker, consume, { name: broker.name, kept: consumers.of(client, broker) }),
      ),
    };
  }
}

/** What the base case's consumers read, once more: of brokers that have started since, from the page cache. */
async function* fromDiskRows(clients: readonly ClientUnderTest[], brokers: readonly BenchBroker[]): AsyncIterable<Row> {
  if (clients.length === 0) return;
  for (const broker of brokers) await broker.restart?.();
  const { partitions, recordBytes } = BASE;
  const topic = `consume-${idOf(BASE)}`;
  const request = (): ClientRequest => ({ kind: "consume", topic, partitions, records: BASE_RECORDS, recordBytes });
  for (const client of clients) {
    yield {
      name: `consume with ${client.name}, from disk after a restart: ${recordBytes} B, ${partitions} partition(s)`,
      unit: "records/s",
      baseline: brokers.at(-1)!.name,
      recordBytes,
      repetitions: 5,
      contestants: brokers.map((broker) => clientContestant(client, broker, request, { name: broker.name })),
    };
  }
}

const scenario: Scenario = {
  name: "brokers",
  description: "our broker beside Apache Kafka (1 GB heap) under the same clients: Java, librdkafka, JavaScript, ours",
  quietSeconds: { quick: 30, full: 225 },
  rows,
};
export default scenario;
