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
/** What tells a start that nothing needs recovery, and where it would begin. */
const PROMISES = [".kafka_cleanshutdown", "recovery-point-offset-checkpoint"];

async function timed(action: () => unknown): Promise<Measurement> {
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  await action();
  const { user, system } = process.cpuUsage(cpuBefore);
  const megabytes = LOG_BYTES / MEGABYTE;
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

export async function recoveryRow(): Promise<Row> {
  const directory = temporaryDirectory();
  const logs = await openLogs(directory, { tailMemoryBytes: 0 });
  await fillLog(await openLog(logs), batchOf(BATCH_BYTES), LOG_BYTES / BATCH_BYTES);
  await logs.close();
  const bare: Contestant = {
    name: "bare loop of readSync and CRC-32C",
    measure: () =>
      timed(() =>
        segmentsOf(directory)
          .filter((path) => statSync(path).size > 0)
          .forEach(readAndChecksum),
      ),
  };
  const recovery: Contestant = {
    name: "ottla, recovery from the start of the log",
    async measure() {
      for (const name of PROMISES) rmSync(join(directory, name), { force: true });
      let opened: Awaited<ReturnType<typeof openLogs>> | undefined;
      const measurement = await timed(async () => {
        opened = await openLogs(directory, { tailMemoryBytes: 0 });
      });
      await opened?.close();
      return measurement;
    },
    close: () => removeDirectory(directory),
  };
  return {
    name: "recovery scan of 256 MiB in batches of 16 KiB, indexes and all (the bound is 500 MB/s a core)",
    unit: "MB/s",
    baseline: bare.name,
    contestants: [bare, recovery],
  };
}
