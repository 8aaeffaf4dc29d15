import type { ClientRequest } from "../clients/protocol.ts";
import type { Effort, Row, Scenario } from "../harness/scenario.ts";
import { type BenchBroker, BrokerUnderTest } from "../processes/broker.ts";
import {
  type ClientUnderTest,
  clientContestant,
  JAVA,
  JAVA_TUNED,
  KAFKAJS,
  KCAT,
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

const CLIENTS = [JAVA, JAVA_TUNED, KCAT, OTTLA_TCP, KAFKAJS, PLATFORMATIC];

/** What a client in JavaScript that is several times slower is given, so that it does not take most of the time. */
const isSlow = ({ kind }: ClientUnderTest) => kind === "kafkajs" || kind === "platformatic";

/**
 * Half a consumer's CPU time is Java's compilers' at first, whatever it reads from. A dozen rounds, a second and more, leave a
 * third of that.
 */
const JAVA_CONSUMER_WARM_UPS = 12;

const isJava = ({ kind }: ClientUnderTest) => kind === "java" || kind === "java-tuned";

/** Neither Java nor a codec in C of librdkafka is for these to have. */
const canDo = (client: ClientUnderTest, { compression }: Workload) => client !== KAFKAJS || compression === "none";

async function* rows(effort: Effort): AsyncIterable<Row> {
  const chosen = effort.quick ? [JAVA, KCAT, OTTLA_TCP] : CLIENTS;
  const clients = present(chosen);
  if (!hasKafka()) console.error("  SKIPPED: Apache Kafka's jars or Java are absent: our broker stands alone");
  const ottla = await BrokerUnderTest.start();
  const kafka = hasKafka() ? await KafkaUnderTest.start() : null;
  const brokers: BenchBroker[] = kafka === null ? [ottla] : [ottla, kafka];
  try {
    for (const workload of effort.quick ? [BASE] : WORKLOADS) {
      // Slow clients and batch sizes do not differ by workload: the base case shows them.
      const asked = workload === BASE ? clients : clients.filter((client) => !isSlow(client) && client !== JAVA_TUNED);
      yield* workloadRows(
        asked.filter((client) => canDo(client, workload)),
        brokers,
        workload,
        effort,
      );
    }
  } finally {
    await Promise.all(brokers.map((broker) => broker.stop()));
  }
}

async function* workloadRows(
  clients: readonly ClientUnderTest[],
  brokers: readonly BenchBroker[],
  workload: Workload,
  { quick }: Effort,
): AsyncIterable<Row> {
  const { partitions, recordBytes, acks, compression } = workload;
  const title = `${recordBytes} B, ${partitions} partition(s), acks=${acks}, ${compression}`;
  const id = `${recordBytes}-${partitions}-${acks}-${compression}`;
  const records = Math.round((quick ? 150_000 : 250_000) / (recordBytes / 100 > 1 ? 5 : 1));
  for (const broker of brokers) {
    await createTopic(broker, `produce-${id}`, partitions);
    await fillTopic(broker, `consume-${id}`, partitions, records, { recordBytes, compression });
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
  for (const [verb, request] of [
    ["produce", produce],
    ["consume", consume],
  ] as const) {
    for (const client of clients) {
      const configured = { ...client, settings: { acks, compression } };
      yield {
        name: `${verb} with ${client.name}: ${title}`,
        unit: "records/s",
        baseline: brokers.at(-1)!.name,
        recordBytes,
        repetitions: 5,
        warmUps: verb === "consume" && isJava(client) ? JAVA_CONSUMER_WARM_UPS : 1,
        contestants: brokers.map((broker) => clientContestant(configured, broker, request, { name: broker.name })),
      };
    }
  }
}

const scenario: Scenario = {
  name: "brokers",
  description: "our broker beside Apache Kafka (1 GB heap) under the same clients: Java, librdkafka, JavaScript, ours",
  quietSeconds: { quick: 35, full: 316 },
  rows,
};
export default scenario;
