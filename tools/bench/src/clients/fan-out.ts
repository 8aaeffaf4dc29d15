import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { RECORD_KEY, recordValues } from "./bench-client.ts";
import type { FanOutTask } from "./protocol.ts";

const RECORDS_PER_CALL = 100;

/**
 * Consumers of our own that all wait at the end of one partition while records are written. The time in ms from the
 * first record written until all have all of them.
 */
export async function fanOut(bootstrapServers: string, { topic, consumers, records }: FanOutTask): Promise<number> {
  const partition = { topic, partition: 0 };
  const readers = Array.from(
    { length: consumers },
    () => new Consumer({ bootstrapServers, autoOffsetReset: "latest", prefetchMaxBytes: 1024 * 1024 }),
  );
  await using producer = new Producer({ bootstrapServers });
  try {
    await Promise.all(
      readers.map(async (reader) => {
        reader.assign([partition]);
        await reader.position(partition);
      }),
    );
    const startedMs = performance.now();
    const reading = readers.map((reader) => readAll(reader, records));
    const values = recordValues(100);
    const batch = values.slice(0, RECORDS_PER_CALL).map((value) => ({ ...partition, key: RECORD_KEY, value }));
    for (let sent = 0; sent < records; sent += batch.length) await producer.send(batch.slice(0, records - sent));
    await Promise.all(reading);
    return performance.now() - startedMs;
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
}

async function readAll(reader: Consumer, records: number): Promise<void> {
  let seen = 0;
  for await (const batch of reader.batches()) {
    for (const record of batch) seen += record.valueBytes === null ? 0 : 1;
    if (seen >= records) return;
  }
}
