import "./with-resolvers.ts";
import { randomUUID } from "node:crypto";
import { Consumer, MessagesStreamModes, ProduceAcks, Producer, stringSerializers } from "@platformatic/kafka";
import {
  type BenchClient,
  type ClientSettings,
  inFlight,
  inWaves,
  RECORD_KEY,
  RECORD_VALUE,
  recordValues,
} from "./bench-client.ts";

/** @platformatic/kafka has no accumulator: a send is a request. It reads only in groups. */
export function createPlatformaticClient(
  bootstrapServers: string,
  fetchMaxBytes: number,
  settings: ClientSettings,
): BenchClient {
  const base = { clientId: "bench", bootstrapBrokers: [bootstrapServers] };
  const producer = new Producer({ ...base, serializers: stringSerializers, compression: settings.compression });
  const acks = { 0: ProduceAcks.NO_RESPONSE, 1: ProduceAcks.LEADER, all: ProduceAcks.ALL }[settings.acks];
  const consumers: Consumer[] = [];
  const read = async (topic: string, mode: "earliest" | "latest") => {
    const consumer = new Consumer({ ...base, groupId: randomUUID(), maxBytes: fetchMaxBytes });
    consumers.push(consumer);
    return await consumer.consume({ topics: [topic], mode, maxWaitTime: 100, autocommit: false });
  };
  return {
    async produceBatches({ topics, calls, recordsPerCall, callsInFlight, recordBytes }) {
      const values = recordValues(recordBytes, recordsPerCall);
      const messages = Array.from({ length: recordsPerCall }, (_, i) => ({
        topic: topics[i % topics.length]!,
        key: RECORD_KEY,
        value: values[i % values.length]!,
      }));
      await inFlight(calls, callsInFlight, () => producer.send({ messages, acks }));
    },
    produceSingles(task) {
      const messages = [{ topic: task.topic, key: RECORD_KEY, value: RECORD_VALUE }];
      return inWaves(task, () => producer.send({ messages, acks }));
    },
    async consume({ topic, records }) {
      const stream = await read(topic, MessagesStreamModes.EARLIEST);
      const startedMs = performance.now();
      let seen = 0;
      for await (const { key, value } of stream) {
        seen += key !== null && value !== null ? 1 : 0;
        if (seen >= records) break;
      }
      const endedMs = performance.now();
      await consumers.pop()?.close(true);
      return { startedMs, endedMs };
    },
    async follow(topic, onRecord) {
      const stream = await read(topic, MessagesStreamModes.LATEST);
      void (async () => {
        for await (const { value } of stream) onRecord(value);
      })();
      return async () => {
        await consumers.pop()?.close(true);
      };
    },
    async produceOne(topic, value) {
      await producer.send({ messages: [{ topic, value }], acks });
    },
    async close() {
      await Promise.all([producer.close(), ...consumers.map((consumer) => consumer.close(true))]);
    },
  };
}
