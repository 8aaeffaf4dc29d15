import { randomUUID } from "node:crypto";
import { type Consumer, Kafka, logLevel, type Producer } from "kafkajs";
import { type BenchClient, inFlight, RECORD_KEY, RECORD_VALUE } from "./bench-client.ts";

const ACKS_ALL = -1;

/** kafkajs has no accumulator: a send is a request. It reads only in groups. */
export async function createKafkajsClient(bootstrapServers: string): Promise<BenchClient> {
  const kafka = new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING });
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
    async produceBatches({ topic, calls, recordsPerCall, callsInFlight }) {
      const messages = Array.from({ length: recordsPerCall }, () => ({ key: RECORD_KEY, value: RECORD_VALUE }));
      await inFlight(calls, callsInFlight, () => producer.send({ topic, messages, acks: ACKS_ALL }));
    },
    async produceSingles({ topic, records, concurrency }) {
      const messages = [{ key: RECORD_KEY, value: RECORD_VALUE }];
      for (let sent = 0; sent < records; sent += concurrency) {
        const sends = Array.from({ length: concurrency }, () => producer.send({ topic, messages, acks: ACKS_ALL }));
        await Promise.all(sends);
      }
    },
    async consume({ topic, records }) {
      const consumer = await read(topic, true);
      const first = await new Promise<{ firstAtMs: number; firstCount: number }>((resolve) => {
        let seen = 0;
        let begun = { firstAtMs: 0, firstCount: 0 };
        void consumer.run({
          eachBatch: async ({ batch: { messages } }) => {
            if (seen === 0) begun = { firstAtMs: performance.now(), firstCount: messages.length };
            for (const { key, value } of messages) seen += key !== null && value !== null ? 1 : 0;
            if (seen >= records) resolve(begun);
          },
        });
      });
      const endedMs = performance.now();
      await consumer.disconnect();
      return { ...first, endedMs };
    },
    async follow(topic, onRecord) {
      const consumer = await read(topic, false);
      const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
      await consumer.run({ eachMessage: async ({ message }) => onRecord(message.value ?? "") });
      await joined;
    },
    async produceOne(topic, value) {
      await producer.send({ topic, messages: [{ value }], acks: ACKS_ALL });
    },
    async close() {
      await Promise.all([producer.disconnect(), ...consumers.map((consumer) => consumer.disconnect())]);
    },
  };
}
