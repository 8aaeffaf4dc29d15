import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { benchmarkPrograms } from "../../../fetch/external-programs.mjs";
import { type BenchClient, type ClientSettings, inFlight, inWaves, RECORD_KEY, RECORD_VALUE } from "./bench-client.ts";
import { type Message, messagesOf, readBatches } from "./eachbatch-calls.ts";

/** What is used of @confluentinc/kafka-javascript's promises: kafkajs's calls, with settings at the producer and the consumer. */
interface Producer {
  connect(): Promise<void>;
  send(record: { readonly topic: string; readonly messages: readonly Message[] }): Promise<unknown>;
  disconnect(): Promise<void>;
}
interface Consumer {
  connect(): Promise<void>;
  subscribe(subscription: { readonly topic: string }): Promise<void>;
  run(options: {
    eachBatch?(payload: { readonly batch: { readonly messages: readonly Message[] } }): Promise<void>;
    eachMessage?(payload: { readonly message: Message }): Promise<void>;
  }): Promise<void>;
  disconnect(): Promise<void>;
}
interface ConfluentModule {
  readonly KafkaJS: {
    readonly Kafka: new (
      options: object,
    ) => { producer(options: object): Producer; consumer(options: object): Consumer };
    readonly logLevel: { readonly NOTHING: number };
  };
}

/** How often a record is written to see whether it is read. */
const PROBE_MS = 50;

/** librdkafka in Node.js: it has an accumulator, which its documentation wants without linger where each send is awaited. It reads only in groups. */
export async function createConfluentClient(bootstrap: string, settings: ClientSettings): Promise<BenchClient> {
  const directory = benchmarkPrograms.confluentClient.find();
  if (directory === null) throw new Error("@confluentinc/kafka-javascript is absent");
  const { KafkaJS } = createRequire(import.meta.url)(directory) as ConfluentModule;
  const kafka = new KafkaJS.Kafka({ kafkaJS: { brokers: [bootstrap], logLevel: KafkaJS.logLevel.NOTHING } });
  const producer = kafka.producer({
    kafkaJS: { acks: settings.acks === "all" ? -1 : settings.acks, compression: settings.compression },
    "linger.ms": 0,
  });
  await producer.connect();
  const consumers: Consumer[] = [];
  const read = async (topic: string, fromBeginning: boolean, onAssigned = () => {}): Promise<Consumer> => {
    const consumer = kafka.consumer({
      kafkaJS: { groupId: randomUUID(), fromBeginning, autoCommit: false },
      // By default batches are of 32 records. As they come they would be all that there is.
      "js.consumer.max.batch.size": 1_000,
      rebalance_cb: onAssigned,
    });
    consumers.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topic });
    return consumer;
  };
  return {
    async produceBatches({ topics, calls, recordsPerCall, callsInFlight, recordBytes }) {
      const messages = messagesOf(recordsPerCall, recordBytes);
      await inFlight(calls, callsInFlight, (call) => producer.send({ topic: topics[call % topics.length]!, messages }));
    },
    produceSingles(task) {
      const messages = [{ key: RECORD_KEY, value: RECORD_VALUE }];
      return inWaves(task, () => producer.send({ topic: task.topic, messages }));
    },
    async consume({ topic, records }) {
      let startedMs = 0;
      const consumer = await read(topic, true, () => {
        startedMs ||= performance.now();
      });
      await readBatches((eachBatch) => consumer.run({ eachBatch }), records);
      const endedMs = performance.now();
      consumers.splice(consumers.indexOf(consumer), 1);
      await consumer.disconnect();
      return { startedMs, endedMs };
    },
    async follow(topic, onRecord) {
      const consumer = await read(topic, false);
      let hasRead = false;
      await consumer.run({
        async eachMessage({ message }) {
          hasRead = true;
          onRecord(message.value ?? "");
        },
      });
      // It has its partitions before it has asked where they end: it reads once it has read something.
      while (!hasRead) {
        await producer.send({ topic, messages: [{ value: "probe" }] });
        await new Promise((resolve) => setTimeout(resolve, PROBE_MS));
      }
      return () => consumer.disconnect();
    },
    async produceOne(topic, value) {
      await producer.send({ topic, messages: [{ value }] });
    },
    async close() {
      await Promise.all([producer.disconnect(), ...consumers.map((consumer) => consumer.disconnect())]);
    },
  };
}
