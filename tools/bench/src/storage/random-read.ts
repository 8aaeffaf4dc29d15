import { openSync, read as readCallback } from "node:fs";
import { promisify } from "node:util";
import type { Contestant, Row } from "../harness/scenario.ts";
import { summarize } from "../harness/statistics.ts";
import {
  batchOf,
  fillLog,
  KIBIBYTE,
  openLog,
  openLogs,
  removeDirectory,
  segmentsOf,
  temporaryDirectory,
} from "./temporary-log.ts";

const readFile = promisify(readCallback);

const LOG_BYTES = 256 * 1024 * KIBIBYTE;
const BATCH_BYTES = 16 * KIBIBYTE;
const BATCHES = LOG_BYTES / BATCH_BYTES;
const READS = 2_000;

/** The median time of many reads, one after the other, in microseconds. `readAt` is given the number of a batch. */
async function medianMicroseconds(readAt: (batch: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < READS; i++) {
    const batch = Math.floor(Math.random() * BATCHES);
    const startedMs = performance.now();
    await readAt(batch);
    times.push((performance.now() - startedMs) * 1000);
  }
  return summarize(times).median;
}

export async function randomReadRow(): Promise<Row> {
  const directory = temporaryDirectory();
  const logs = await openLogs(directory, { tailMemoryBytes: 0 });
  const log = await openLog(logs, { segmentBytes: 64 * 1024 * KIBIBYTE });
  await fillLog(log, batchOf(BATCH_BYTES), BATCHES);
  const segments = segmentsOf(directory);
  const file = openSync(segments[0]!, "r");
  const inFirst = Math.floor(BATCHES / segments.length) - 1;
  const buffer = new Uint8Array(BATCH_BYTES);
  const bare: Contestant = {
    name: "fs.read of a batch whose place is known",
    async measure() {
      const readAt = (batch: number) => readFile(file, buffer, 0, BATCH_BYTES, (batch % inFirst) * BATCH_BYTES);
      return { figure: await medianMicroseconds(readAt) };
    },
  };
  const ottla: Contestant = {
    name: "ottla, by offset through the index",
    async measure() {
      const readAt = async (offset: number) => {
        const found = await log.read(offset, { maxBytes: 1, minOneBatch: true, limit: "logEnd" });
        if (found.sizeBytes !== BATCH_BYTES) throw new Error(`${found.sizeBytes} bytes at ${offset}`);
        found.release();
      };
      return { figure: await medianMicroseconds(readAt) };
    },
    async close() {
      await logs.close();
      removeDirectory(directory);
    },
  };
  return {
    name: "random read of a 16 KiB batch, not in our memory, in the page cache, median (the bound is 50 us)",
    unit: "us",
    better: "less",
    baseline: bare.name,
    contestants: [bare, ottla],
  };
}
