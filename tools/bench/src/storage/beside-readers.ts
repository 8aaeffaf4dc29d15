import { setTimeout as delay } from "node:timers/promises";
import type { PartitionLog } from "@ottla/storage";
import type { Contestant, Row } from "../harness/scenario.ts";
import { summarize } from "../harness/statistics.ts";
import { batchOf, fillLog, KIBIBYTE, openLog, openLogs, removeDirectory, temporaryDirectory } from "./temporary-log.ts";

const BATCH_BYTES = 16 * KIBIBYTE;
/** What is read: all of it is in the page cache, none in our memory. */
const OLD_BATCHES = 4_096;
const APPENDS = 200;
const READERS = 16;
/** Each reader, between two reads: together some thousands a second, less than half of a core. */
const READER_PAUSE_MS = 5;

/** The median time until an append is written, one after another with a pause between, in microseconds. */
async function appendMicroseconds(log: PartitionLog, batch: Uint8Array): Promise<number> {
  const times: number[] = [];
  for (let done = 0; done < APPENDS; done++) {
    await delay(1);
    const own = batch.slice();
    const startedMs = performance.now();
    await log.appendAsLeader(own, { leaderEpoch: 0, origin: "client" }).written;
    times.push((performance.now() - startedMs) * 1000);
  }
  return summarize(times).median;
}

async function readOn(log: PartitionLog, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const offset = Math.floor(Math.random() * OLD_BATCHES);
    const found = await log.read(offset, { maxBytes: 1, minOneBatch: true, limit: "logEnd" });
    if (found.sizeBytes !== BATCH_BYTES) throw new Error(`${found.sizeBytes} bytes at ${offset}`);
    found.release();
    await delay(READER_PAUSE_MS);
  }
}

/** What readers of a log, which wait for the disk all the time, do to who writes to it. */
export async function besideReadersRow(): Promise<Row> {
  const directory = temporaryDirectory();
  const logs = await openLogs(directory, { tailMemoryBytes: 0 });
  const log = await openLog(logs);
  const batch = batchOf(BATCH_BYTES);
  await fillLog(log, batch, OLD_BATCHES);
  const alone: Contestant = {
    name: "nobody reads",
    measure: async () => ({ figure: await appendMicroseconds(log, batch) }),
  };
  const beside: Contestant = {
    name: `${READERS} readers of old batches`,
    async measure() {
      const end = new AbortController();
      const readers = Array.from({ length: READERS }, () => readOn(log, end.signal));
      const figure = await appendMicroseconds(log, batch);
      end.abort();
      await Promise.all(readers);
      return { figure };
    },
    async close() {
      await logs.close();
      removeDirectory(directory);
    },
  };
  return {
    name: "append a 16 KiB batch to a log that others read, until it is written, median",
    unit: "us",
    better: "less",
    baseline: alone.name,
    contestants: [alone, beside],
  };
}
