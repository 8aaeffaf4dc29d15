import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { type BenchClient, inFlight, RECORD_KEY, RECORD_VALUE } from "./bench-client.ts";

/** Our SDKs. `readBy` chooses how records are read: one by one, or in batches. */
export function createOttlaClient(bootstrapServers: string, readBy: "record" | "batch"): BenchClient {
  const producer = new Producer({ bootstrapServers, acks: "all" });
  const followers: Consumer[] = [];
  return {
    async produceBatches({ topic, calls, recordsPerCall, callsInFlight }) {
      const records = Array.from({ length: recordsPerCall }, () => ({ topic, key: RECORD_KEY, value: RECORD_VALUE }));
      await inFlight(calls, callsInFlight, () => producer.send(records));
    },
    async produceSingles({ topic, records, concurrency }) {
      const record = { topic, key: RECORD_KEY, value: RECORD_VALUE };
      for (let sent = 0; sent < records; sent += concurrency) {
        await Promise.all(Array.from({ length: concurrency }, () => producer.send(record)));
      }
    },
    async consume({ topic, partitions, records }) {
      await using consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
      consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition })));
      return readBy === "batch" ? await readBatches(consumer, records) : await readRecords(consumer, records);
    },
    async follow(topic, onRecord) {
      const consumer = new Consumer({ bootstrapServers, autoOffsetReset: "latest" });
      followers.push(consumer);
      consumer.assign([{ topic, partition: 0 }]);
      await consumer.position({ topic, partition: 0 });
      void (async () => {
        for await (const record of consumer) onRecord(record.value ?? "");
      })();
    },
    async produceOne(topic, value) {
      await producer.send({ topic, value });
    },
    async close() {
      await Promise.all([producer.close(), ...followers.map((consumer) => consumer.close())]);
    },
  };
}

async function readBatches(consumer: Consumer, records: number) {
  let seen = 0;
  let first = { firstAtMs: 0, firstCount: 0 };
  let touched = 0;
  for await (const batch of consumer.batches()) {
    let count = 0;
    for (const record of batch) {
      touched += (record.keyBytes?.length ?? 0) + (record.valueBytes?.length ?? 0);
      count++;
    }
    if (seen === 0) first = { firstAtMs: performance.now(), firstCount: count };
    seen += count;
    if (seen >= records) break;
  }
  checkTouched(touched, seen);
  return { ...first, endedMs: performance.now() };
}

async function readRecords(consumer: Consumer, records: number) {
  let seen = 0;
  let first = { firstAtMs: 0, firstCount: 0 };
  let touched = 0;
  for await (const record of consumer) {
    touched += (record.keyBytes?.length ?? 0) + (record.valueBytes?.length ?? 0);
    if (seen === 0) first = { firstAtMs: performance.now(), firstCount: 1 };
    if (++seen >= records) break;
  }
  checkTouched(touched, seen);
  return { ...first, endedMs: performance.now() };
}

function checkTouched(touched: number, seen: number): void {
  if (touched !== seen * (RECORD_KEY.length + RECORD_VALUE.length)) throw new Error("not all bytes were read");
}
