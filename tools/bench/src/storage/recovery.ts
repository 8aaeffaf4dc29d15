import { closeSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { crc32c } from "@ottla/protocol";
import type { Contestant, Measurement, Row } from "../harness/scenario.ts";
import {
  batchOf,
  fillLog,
  KIBIBYTE,
  MEGABYTE,
  openLog,
  openLogs,
  removeDirectory,
  segmentsOf,
  temporaryDirectory,
} from "./temporary-log.ts";

const LOG_BYTES = 256 * 1024 * KIBIBYTE;
const BATCH_BYTES = 16 * KIBIBYTE;
const BLOCK_BYTES = 1024 * KIBIBYTE;
/** Small logs, as many brokers have them. */
const SMALL_LOGS = 64;
const SMALL_LOG_BYTES = 512 * KIBIBYTE;
/** What tells a start that nothing needs recovery, and where it would begin. */
const PROMISES = [".kafka_cleanshutdown", "recovery-point-offset-checkpoint"];

async function timed(megabytes: number, action: () => unknown): Promise<Measurement> {
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  await action();
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    figure: (megabytes * 1000) / (performance.now() - startedMs),
    perCpuSecond: (megabytes * 1e6) / (user + system),
  };
}

/** Reads the file and computes checksums over it, whatever it holds. */
function readAndChecksum(path: string): void {
  const file = openSync(path, "r");
  const block = new Uint8Array(BLOCK_BYTES);
  for (let count = readSync(file, block); count > 0; count = readSync(file, block)) crc32c(block.subarray(0, count));
  closeSync(file);
}

/** Recovers everything in the directory: nothing tells up to where it was synced. */
async function timedRecovery(directory: string, sizeBytes: number, logsAtOnce = 2): Promise<Measurement> {
  for (const name of PROMISES) rmSync(join(directory, name), { force: true });
  let opened: Awaited<ReturnType<typeof openLogs>> | undefined;
  const measurement = await timed(sizeBytes / MEGABYTE, async () => {
    opened = await openLogs(directory, { tailMemoryBytes: 0, recoveryParallelism: () => logsAtOnce });
  });
  await opened?.close();
  return measurement;
}

/** What `num.recovery.threads.per.data.dir` is worth: batches are checked by one thread, however many logs wait for it. */
export async function recoveryThreadsRow(): Promise<Row> {
  const directory = temporaryDirectory();
  const logs = await openLogs(directory, { tailMemoryBytes: 0 });
  for (let partition = 0; partition < SMALL_LOGS; partition++) {
    await fillLog(await openLog(logs, {}, partition), batchOf(BATCH_BYTES), SMALL_LOG_BYTES / BATCH_BYTES);
  }
  await logs.close();
  const atOnce = (count: number): Contestant => ({
    name: `ottla, ${count} logs at a time`,
    measure: () => timedRecovery(directory, SMALL_LOGS * SMALL_LOG_BYTES, count),
    close: () => removeDirectory(directory),
  });
  const contestants = [2, 8].map(atOnce);
  return {
    name: `recovery of ${SMALL_LOGS} logs of 512 KiB, by num.recovery.threads.per.data.dir`,
    unit: "MB/s",
    baseline: contestants[0]!.name,
    contestants,
  };
}

export async function recoveryRow(): Promise<Row> {
  const directory = temporaryDirectory();
  const logs = await openLogs(directory, { tailMemoryBytes: 0 });
  await fillLog(await openLog(logs), batchOf(BATCH_BYTES), LOG_BYTES / BATCH_BYTES);
  await logs.close();
  const bare: Contestant = {
    name: "bare loop of readSync and CRC-32C",
    measure: () =>
      timed(LOG_BYTES / MEGABYTE, () =>
        segmentsOf(directory)
          .filter((path) => statSync(path).size > 0)
          .forEach(readAndChecksum),
      ),
  };
  const recovery: Contestant = {
    name: "ottla, recovery from the start of the log",
    measure: () => timedRecovery(directory, LOG_BYTES),
    close: () => removeDirectory(directory),
  };
  return {
    name: "recovery scan of 256 MiB in batches of 16 KiB, indexes and all (the bound is 500 MB/s a core)",
    unit: "MB/s",
    baseline: bare.name,
    contestants: [bare, recovery],
  };
}
