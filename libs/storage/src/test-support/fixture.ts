import { createMemoryDisk, createSimulatedRuntime, type Disk, type SimulatedRuntime } from "@ottla/runtime";
import { defaultLogConfig, type LogConfig } from "../log-config.ts";
import type { DirectoryLogManager } from "../manager/directory-log-manager.ts";
import { type LogManagerOptions, openLogManager } from "../manager/open-log-manager.ts";
import type { LogReadOptions, PartitionLog } from "../partition-log.ts";
import { concat } from "./batches.ts";

export const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAQ";
export const DIRECTORY = "/data";

/** The tests' clock starts where the tests' records are. */
export const START_MS = 1_700_000_000_000;

export interface Fixture {
  readonly disk: Disk;
  readonly runtime: SimulatedRuntime;
  readonly manager: DirectoryLogManager;
  readonly config: LogConfig;
}

export type FixtureOptions = Partial<LogManagerOptions> & {
  readonly config?: Partial<LogConfig>;
  readonly disk?: Disk;
};

/** A log manager on a memory disk and virtual time, unless told otherwise. */
export async function openFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const { config: overrides, ...managerOptions } = options;
  const disk = options.disk ?? createMemoryDisk();
  const runtime = (options.runtime as SimulatedRuntime) ?? createSimulatedRuntime(1, { startMs: START_MS });
  const config = { ...defaultLogConfig, ...overrides };
  const manager = await openLogManager({
    configOf: () => config,
    ...managerOptions,
    disk,
    runtime,
    directory: DIRECTORY,
  });
  return { disk, runtime, manager: manager as DirectoryLogManager, config };
}

export function openLog(fixture: Fixture, topic = "topic", partition = 0) {
  return fixture.manager.openOrCreate(topic, partition, TOPIC_ID, fixture.config);
}

export const READ_ALL: LogReadOptions = { maxBytes: 100 * 1024 * 1024, minOneBatch: true, limit: "logEnd" };

/** Appends as the leader of epoch 0 and waits until it is written. */
export async function append(log: PartitionLog, bytes: Uint8Array, leaderEpoch = 0) {
  const appended = log.appendAsLeader(bytes, { leaderEpoch, origin: "client" });
  await appended.written;
  return appended;
}

/** Reads from `offset` to the limit, over as many reads as it takes. */
export async function readAll(log: PartitionLog, offset = log.logStartOffset, options: Partial<LogReadOptions> = {}) {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const read = await log.read(offset, { ...READ_ALL, ...options });
    const bytes = concat(read.chunks);
    read.release();
    if (bytes.length === 0) return concat(chunks);
    chunks.push(bytes);
    offset = endOffsetOf(bytes);
  }
}

function endOffsetOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 0;
  let endOffset = -1;
  while (position < bytes.length) {
    endOffset = Number(view.getBigInt64(position)) + view.getInt32(position + 23) + 1;
    position += view.getInt32(position + 8) + 12;
  }
  return endOffset;
}
