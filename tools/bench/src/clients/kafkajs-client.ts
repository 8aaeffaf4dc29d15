import { randomUUID } from "node:crypto";
import { CompressionTypes, type Consumer, Kafka, logLevel, type Producer } from "kafkajs";
import { type BenchClient, type ClientSettings, inFlight, inWaves, RECORD_KEY, RECORD_VALUE } from "./bench-client.ts";
import { messagesOf, readBatches } from "./eachbatch-calls.ts";

/** kafkajs has no accumulator: a send is a request. It reads only in groups. */
export async function createKafkajsClient(
  bootstrapServers: string,
  { acks, compression }: ClientSettings,
): Promise<BenchClient> {
  const kafka = new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING });
  if (compression !== "none" && compression !== "gzip") throw new Error(`kafkajs brings no ${compression}`);
  const options = {
    acks: acks === "all" ? -1 : acks,
    compression: compression === "gzip" ? CompressionTypes.GZIP : CompressionTypes.None,
  };
  const producer: Producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const consumers: Consumer[] = [];
  const read = async (topic: string, fromBeginning: boolean): Promise<Consumer> => {
    const consumer = kafka.consumer({ groupId: randomUUID(), maxBytesPerPartition: 1024 * 1024 });
    consumers.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning });
    return consumer;
  };
  return {
    async produceBatches({ topics, calls, recordsPerCall, callsInFlight, recordBytes }) {
      const messages = messagesOf(recordsPerCall, recordBytes);
      await inFlight(calls, callsInFlight, (call) =>
        producer.send({ topic: topics[call % topics.length]!, messages, ...options }),
      );
    },
    produceSingles(task) {
      const messages = [{ key: RECORD_KEY, value: RECORD_VALUE }];
      return inWaves(task, () => producer.send({ topic: task.topic, messages, ...options }));
    },
    async consume({ topic, records }) {
      const consumer = await read(topic, true);
      let startedMs = 0;
      consumer.on(consumer.events.FETCH_START, () => {
        startedMs ||= performance.now();
      });
      await readBatches((eachBatch) => consumer.run({ eachBatch }), records);
      const endedMs = performance.now();
      await consumer.disconnect();
      return { startedMs, endedMs };
    },
    async follow(topic, onRecord) {
      const consumer = await read(topic, false);
      const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
      await consumer.run({ eachMessage: async ({ message }) => onRecord(message.value ?? "") });
      await joined;
      return () => consumer.disconnect();
    },
    async produceOne(topic, value) {
      await producer.send({ topic, messages: [{ value }], ...options });
    },
    async close() {
      await Promise.all([producer.disconnect(), ...consumers.map((consumer) => consumer.disconnect())]);
    },
  };
}
