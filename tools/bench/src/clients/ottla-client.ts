import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import {
  type BenchClient,
  type ClientSettings,
  inFlight,
  inWaves,
  RECORD_KEY,
  RECORD_VALUE,
  recordValues,
} from "./bench-client.ts";

/** Our SDKs. `readBy` chooses how records are read: one by one, or in batches. */
export function createOttlaClient(
  bootstrapServers: string,
  readBy: "record" | "batch",
  settings: ClientSettings,
): BenchClient {
  const producer = new Producer({ bootstrapServers, ...settings });
  const others: Producer[] = [];
  return {
    async produceBatches({ topics, calls, recordsPerCall, callsInFlight, recordBytes, connections = 1 }) {
      while (others.length < connections - 1) others.push(new Producer({ bootstrapServers, ...settings }));
      const producers = [producer, ...others];
      const values = recordValues(recordBytes, recordsPerCall);
      const records = Array.from({ length: recordsPerCall }, (_, i) => ({
        topic: topics[i % topics.length]!,
        key: RECORD_KEY,
        value: values[i % values.length]!,
      }));
      await inFlight(calls, callsInFlight, (call) => producers[call % connections]!.send(records));
    },
    produceSingles(task) {
      const record = { topic: task.topic, key: RECORD_KEY, value: RECORD_VALUE };
      return inWaves(task, () => producer.send(record));
    },
    async consume({ topic, partitions, records, recordBytes }) {
      await using consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
      await consumer.partitionsFor(topic); // connects
      const startedMs = performance.now();
      consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition })));
      await (readBy === "batch" ? readBatches : readRecords)(consumer, records, recordBytes);
      return { startedMs, endedMs: performance.now() };
    },
    async follow(topic, onRecord) {
      const consumer = new Consumer({ bootstrapServers, autoOffsetReset: "latest" });
      consumer.assign([{ topic, partition: 0 }]);
      await consumer.position({ topic, partition: 0 });
      void (async () => {
        for await (const record of consumer) onRecord(record.value ?? "");
      })();
      return () => consumer.close();
    },
    async produceOne(topic, value) {
      await producer.send({ topic, value });
    },
    async close() {
      await Promise.all([producer, ...others].map((each) => each.close()));
    },
  };
}

async function readBatches(consumer: Consumer, records: number, recordBytes: number): Promise<void> {
  let seen = 0;
  let touched = 0;
  for await (const batch of consumer.batches()) {
    for (const record of batch) {
      touched += (record.keyBytes?.length ?? 0) + (record.valueBytes?.length ?? 0);
      seen++;
    }
    if (seen >= records) break;
  }
  checkTouched(touched, seen * recordBytes);
}

async function readRecords(consumer: Consumer, records: number, recordBytes: number): Promise<void> {
  let seen = 0;
  let touched = 0;
  for await (const record of consumer) {
    touched += (record.keyBytes?.length ?? 0) + (record.valueBytes?.length ?? 0);
    if (++seen >= records) break;
  }
  checkTouched(touched, seen * recordBytes);
}

function checkTouched(touched: number, expected: number): void {
  if (touched !== expected) throw new Error("not all bytes were read");
}
