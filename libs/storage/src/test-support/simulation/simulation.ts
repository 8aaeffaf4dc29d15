import {
  createSimulatedDisk,
  createSimulatedRuntime,
  type Random,
  type SimulatedDisk,
  type SimulatedDiskOptions,
  type SimulatedRuntime,
  seededRandom,
} from "@ottla/runtime";
import { cleanLog } from "../../compaction/clean-log.ts";
import { OFFSET_MAP_ENTRY_BYTES } from "../../compaction/offset-map.ts";
import type { SegmentedLog } from "../../log/segmented-log.ts";
import { defaultLogConfig, type LogConfig } from "../../log-config.ts";
import type { DirectoryLogManager } from "../../manager/directory-log-manager.ts";
import { openLogManager } from "../../manager/open-log-manager.ts";
import { DIRECTORY, START_MS, TOPIC_ID } from "../fixture.ts";
import { LogModel } from "./log-model.ts";
import { TableModel } from "./table-model.ts";

/** Longer than any run. */
const NEVER_MS = 2 ** 31 - 1;

/** A log directory on a simulated disk, and what is known of it. */
export class Simulation {
  readonly random: Random;
  readonly runtime: SimulatedRuntime;
  readonly config: LogConfig;
  readonly leader = new LogModel("leader");
  readonly follower = new LogModel("follower");
  /** A compacted topic. */
  readonly table: TableModel;
  readonly tableConfig: LogConfig;
  /** Of the cleaner's map: some take no more than a few keys. */
  readonly #dedupeBufferBytes: number;
  /** What compaction has done. */
  readonly compaction = new Map<string, number>();
  /** A topic that comes and goes: whether it may be there, must be there, or must not. */
  passing: "absent" | "present" | "either" = "absent";
  /** Whether it was synced, if it is there: a power cut may take it otherwise. */
  isPassingSynced = false;
  disk: SimulatedDisk;
  manager!: DirectoryLogManager;

  constructor(seed: number, options: Partial<SimulatedDiskOptions>) {
    this.random = seededRandom(seed);
    this.runtime = createSimulatedRuntime(seed + 1, { startMs: START_MS });
    this.disk = createSimulatedDisk({ ...this.runtime, random: seededRandom(seed + 2), ...options });
    this.config = {
      ...defaultLogConfig,
      segmentBytes: 600 + this.random.nextInt(600),
      indexIntervalBytes: 100 + this.random.nextInt(200),
      flushMessages: [1, 3, Number.POSITIVE_INFINITY][this.random.nextInt(3)]!,
      flushMs: [100, Number.POSITIVE_INFINITY][this.random.nextInt(2)]!,
      retentionMs: -1,
      retentionBytes: 2000,
      fileDeleteDelayMs: 1000,
    };
    this.table = new TableModel("table", this.random);
    this.tableConfig = {
      ...this.config,
      cleanupPolicy: this.random.nextInt(4) === 0 ? ["compact", "delete"] : ["compact"],
      minCleanableDirtyRatio: 0,
      deleteRetentionMs: [0, 0, 500, 90_000][this.random.nextInt(4)]!,
      minCompactionLagMs: [0, 0, 30_000][this.random.nextInt(3)]!,
      retentionBytes: 4000,
    };
    this.#dedupeBufferBytes = OFFSET_MAP_ENTRY_BYTES * [3, 6, 1000][this.random.nextInt(3)]!;
  }

  logOf(model: LogModel): SegmentedLog {
    return this.manager.get(model.name, 0)!;
  }

  get models(): readonly LogModel[] {
    return [this.leader, this.follower, this.table];
  }

  configOf(topic: string): LogConfig {
    return topic === this.table.name ? this.tableConfig : this.config;
  }

  async open(): Promise<void> {
    const { disk, runtime } = this;
    this.manager = (await openLogManager({
      disk,
      runtime,
      directory: DIRECTORY,
      configOf: (topic) => this.configOf(topic),
      tailMemoryBytes: 0,
      // What it deletes the model has to know at once: a step of its own looks for what is old.
      retentionCheckIntervalMs: NEVER_MS,
      cleaner: () => ({ dedupeBufferBytes: this.#dedupeBufferBytes }),
      compactionExecutor: async (job, swap, signal) => {
        this.table.compactionBegins(job);
        const result = await cleanLog(disk, runtime, job, swap, signal);
        if (result.cleanedEndOffset < job.endOffset) this.count("pass ended by a full map");
        return result;
      },
    })) as DirectoryLogManager;
    for (const { name } of this.models) await this.manager.openOrCreate(name, 0, TOPIC_ID, this.configOf(name));
  }

  /** Counts something that compaction has done. */
  count(what: string): void {
    this.compaction.set(what, (this.compaction.get(what) ?? 0) + 1);
  }
}
