import { Producer } from "@ottla/producer";
import { ErrorCode, encodeRecordBatch, findCoordinatorApi, initProducerIdApi, produceApi } from "@ottla/protocol";
import type { BrokerConnection } from "@ottla/transport";
import { connectTo } from "../clients/group-member.ts";
import type { Contestant, Effort, Measurement, Row, Scenario } from "../harness/scenario.ts";
import { type BenchBroker, BrokerUnderTest } from "../processes/broker.ts";
import { hasKafka, KafkaUnderTest } from "../processes/kafka.ts";
import { createTopic } from "../processes/topics.ts";

const TOPIC = "transacted";
const PARTITIONS = 6;
const KILOBYTE = 1024;
const SETTLE_MS = 2_000;
const VALUE = "v".repeat(100);
/** Sends of one call, and calls under way at a time. */
const RECORDS_PER_CALL = 1_000;
const CALLS_IN_FLIGHT = 4;
/** Requests under way at a time, where ids are made by hand. */
const CONCURRENCY = 50;

interface Load {
  readonly producers: number;
  /** 0: no transactions. */
  readonly recordsPerTransaction: number;
  /** Of each producer. */
  readonly records: number;
}

/** Producers of the SDK at one broker; in transactions, or idempotent without. */
class Producing implements Contestant {
  readonly name: string;
  readonly #broker: BenchBroker;
  readonly #load: Load;
  #producers: Producer[] = [];

  constructor(name: string, broker: BenchBroker, load: Load) {
    this.name = name;
    this.#broker = broker;
    this.#load = load;
  }

  async measure(): Promise<Measurement> {
    if (this.#producers.length === 0) this.#open();
    const { records, recordsPerTransaction } = this.#load;
    const brokerCpuMs = this.#broker.cpuMs() ?? Number.NaN;
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    await Promise.all(this.#producers.map((producer) => this.#produce(producer)));
    const elapsedMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    const spentMs = (user + system) / 1000 + (this.#broker.cpuMs() ?? Number.NaN) - brokerCpuMs;
    const isByRecord = recordsPerTransaction !== 1;
    const amount = this.#producers.length * records;
    return {
      figure: (amount * 1000) / elapsedMs,
      ...(isByRecord && Number.isFinite(spentMs) && { perCpuSecond: (amount * 1000) / spentMs }),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#producers.map((producer) => producer.close()));
  }

  #open(): void {
    const isTransactional = this.#load.recordsPerTransaction > 0;
    this.#producers = Array.from({ length: this.#load.producers }, (_, index) => {
      const transactionalId = `${this.name}-${this.#load.recordsPerTransaction}-${index}`;
      const bootstrapServers = `127.0.0.1:${this.#broker.port}`;
      return new Producer({ bootstrapServers, ...(isTransactional && { transactionalId }) });
    });
  }

  async #produce(producer: Producer): Promise<void> {
    const { records, recordsPerTransaction } = this.#load;
    if (recordsPerTransaction === 0) {
      await sendAll(records, (batch) => producer.send(batch));
      return;
    }
    for (let sent = 0; sent < records; sent += recordsPerTransaction) {
      await producer.transaction((tx) => sendAll(recordsPerTransaction, (batch) => tx.send(batch)));
    }
  }
}

type Batch = { readonly topic: string; readonly partition: number; readonly value: string }[];

async function sendAll(records: number, send: (batch: Batch) => Promise<unknown>): Promise<void> {
  let left = records;
  const worker = async () => {
    while (left > 0) {
      const length = Math.min(RECORDS_PER_CALL, left);
      left -= length;
      await send(Array.from({ length }, (_, i) => ({ topic: TOPIC, partition: i % PARTITIONS, value: VALUE })));
    }
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_IN_FLIGHT, Math.ceil(records / RECORDS_PER_CALL)) }, worker));
}

/** Memory that so many transactional ids add to a broker of its own: at rest, or each with an open transaction. */
function memoryOf(name: string, start: () => Promise<BenchBroker>, ids: number, isOpen: boolean): Contestant {
  return {
    name,
    async measure() {
      const broker = await start();
      try {
        await createTopic(broker, TOPIC, 1);
        const connections = await Promise.all(Array.from({ length: CONCURRENCY }, () => connectTo(broker.port)));
        // Which brings the topic of the transactions into being.
        await connections[0]!.request(findCoordinatorApi, { keyType: 1, coordinatorKeys: [name] }, { version: 4 });
        await makeIds(connections, "warm-up", CONCURRENCY, isOpen);
        await settle();
        const before = broker.residentBytes() ?? Number.NaN;
        await makeIds(connections, "id", ids, isOpen);
        await settle();
        const after = broker.residentBytes() ?? Number.NaN;
        for (const connection of connections) void connection.close();
        return { figure: (after - before) / KILOBYTE / ids };
      } finally {
        await broker.stop();
      }
    },
  };
}

async function makeIds(connections: readonly BrokerConnection[], prefix: string, count: number, isOpen: boolean) {
  const make = async (connection: BrokerConnection, first: number) => {
    for (let index = first; index < count; index += connections.length) {
      const transactionalId = `${prefix}-${index}`;
      const identity = await initialize(connection, transactionalId);
      if (isOpen) await begin(connection, transactionalId, identity);
    }
  };
  await Promise.all(connections.map(make));
}

interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** The coordinator may still be loading, or the transaction's topic be new. */
async function initialize(connection: BrokerConnection, transactionalId: string): Promise<Identity> {
  for (;;) {
    const request = { transactionalId, transactionTimeoutMs: 900_000, producerId: -1, producerEpoch: -1 };
    const answer = await connection.request(initProducerIdApi, request);
    if (answer.errorCode === ErrorCode.NONE) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function begin(connection: BrokerConnection, transactionalId: string, identity: Identity): Promise<void> {
  const { producerId, producerEpoch } = identity;
  const sequence = { producerId, producerEpoch, baseSequence: 0, isTransactional: true };
  const records = encodeRecordBatch({ records: [{ value: VALUE }], timestampMs: Date.now(), ...sequence });
  const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
  const body = { transactionalId, acks: -1, timeoutMs: 10_000, topicData };
  const { responses } = await connection.request(produceApi, body, { version: 12 });
  const { errorCode } = responses[0]!.partitionResponses[0]!;
  if (errorCode !== ErrorCode.NONE) throw new Error(`the transaction does not begin: error ${errorCode}`);
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

async function* rows({ quick }: Effort): AsyncIterable<Row> {
  const ottla = await BrokerUnderTest.start();
  const kafka = hasKafka() ? await KafkaUnderTest.start() : null;
  if (kafka === null) console.error("  SKIPPED: Apache Kafka's jars or Java are absent: our broker stands alone");
  const brokers: readonly (readonly [string, BenchBroker])[] = [
    ["ottla broker", ottla],
    ...(kafka === null ? [] : [["Apache Kafka", kafka] as const]),
  ];
  try {
    for (const [, broker] of brokers) await createTopic(broker, TOPIC, PARTITIONS);
    const loads = [
      { title: "one producer, 10,000 records a transaction", producers: 1, recordsPerTransaction: 10_000 },
      { title: "eight producers, 1,000 records a transaction", producers: 8, recordsPerTransaction: 1_000 },
    ];
    for (const { title, ...load } of loads) {
      const records = (quick ? 100_000 : 200_000) / load.producers;
      yield {
        name: title,
        unit: "records/s",
        baseline: "plain idempotent produce",
        recordBytes: VALUE.length,
        repetitions: 5,
        contestants: [
          new Producing("ottla, in transactions", ottla, { ...load, records }),
          new Producing("plain idempotent produce", ottla, { ...load, recordsPerTransaction: 0, records }),
        ],
      };
    }
    const small = { producers: 8, recordsPerTransaction: 1, records: quick ? 200 : 1_000 };
    yield {
      name: "transactions of one record, eight producers, our client on both brokers",
      unit: "commits/s",
      baseline: brokers.at(-1)![0],
      repetitions: 5,
      contestants: brokers.map(([name, broker]) => new Producing(name, broker, small)),
    };
  } finally {
    await Promise.all(brokers.map(([, broker]) => broker.stop()));
  }
  const ids = quick ? 2_000 : 10_000;
  const kinds: readonly (readonly [string, () => Promise<BenchBroker>])[] = [
    ["ottla broker", () => BrokerUnderTest.start()],
    ...(kafka === null ? [] : [["Apache Kafka", () => KafkaUnderTest.start()] as const]),
  ];
  for (const isOpen of [false, true]) {
    yield {
      name: `resident memory for each of ${ids.toLocaleString("en")} transactional ids ${isOpen ? "with an open transaction" : "at rest"}`,
      unit: "kB",
      better: "less",
      baseline: kinds.at(-1)![0],
      repetitions: quick ? 1 : 2,
      warmUps: 0,
      contestants: kinds.map(([name, start]) => memoryOf(name, start, ids, isOpen)),
    };
  }
}

const scenario: Scenario = {
  name: "transactions",
  description:
    "100-byte records, 6 partitions: what transactions cost beside plain idempotent produce, and commits a second",
  quietSeconds: { quick: 40, full: 120 },
  inQuick: false,
  inFull: false,
  rows,
};
export default scenario;
