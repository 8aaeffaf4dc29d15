import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { encodeRecordBatch } from "@ottla/protocol";
import { createSystemRuntime, type Runtime } from "@ottla/runtime";
import { createNodeDisk } from "@ottla/runtime/node";
import {
  defaultLogConfig,
  type LogConfig,
  type LogManager,
  type LogManagerOptions,
  openLogManager,
  type PartitionLog,
} from "@ottla/storage";

export const KIBIBYTE = 1024;
export const MEGABYTE = 1e6;
export const TOPIC = "measured";
/** Any will do. */
const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAQ";

export const systemRuntime: Runtime = createSystemRuntime();

/** A directory that goes when it is removed, and nobody else knows. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "ottla-bench-storage-"));
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

export function openLogs(directory: string, options: Partial<LogManagerOptions> = {}): Promise<LogManager> {
  return openLogManager({
    disk: createNodeDisk(directory),
    directory: "/",
    runtime: systemRuntime,
    cleaner: null,
    ...options,
  });
}

export function openLog(
  logs: LogManager,
  config: Partial<LogConfig> = {},
  partition = 0,
  topic = TOPIC,
): Promise<PartitionLog> {
  return logs.openOrCreate(topic, partition, TOPIC_ID, { ...defaultLogConfig, ...config });
}

/** A batch of this size in bytes, as a producer sends it. */
export function batchOf(sizeBytes: number, key = "key"): Uint8Array {
  const timestampMs = systemRuntime.clock.nowMs();
  const record = (valueBytes: number) => [{ key, value: new Uint8Array(valueBytes).fill(7), timestampMs }];
  const overheadBytes = encodeRecordBatch({ records: record(sizeBytes) }).length - sizeBytes;
  return encodeRecordBatch({ records: record(sizeBytes - overheadBytes) });
}

const BATCHES_A_TURN = 32;

/** Appends the batch `count` times; each becomes one record of its own. */
export async function fillLog(log: PartitionLog, batch: Uint8Array, count: number): Promise<void> {
  for (let done = 0; done < count; done += BATCHES_A_TURN) {
    const appends = Array.from({ length: Math.min(BATCHES_A_TURN, count - done) }, () =>
      log.appendAsLeader(batch.slice(), { leaderEpoch: 0, origin: "client" }),
    );
    await Promise.all(appends.map(({ written }) => written));
  }
  log.setHighWatermark(log.logEndOffset);
}

/** Paths of a partition's segments, in order. */
export function segmentsOf(directory: string, partition = 0): string[] {
  const partitionDirectory = join(directory, `${TOPIC}-${partition}`);
  const names = readdirSync(partitionDirectory).filter((name) => name.endsWith(".log"));
  return names.sort().map((name) => join(partitionDirectory, name));
}

/** What the log has deleted is removed in the background: freeing the pages of a large file takes a core for a while. */
export async function untilDeletedAreGone(directory: string, partition = 0): Promise<void> {
  const partitionDirectory = join(directory, `${TOPIC}-${partition}`);
  while (readdirSync(partitionDirectory).some((name) => name.endsWith(".deleted"))) await delay(1);
}
