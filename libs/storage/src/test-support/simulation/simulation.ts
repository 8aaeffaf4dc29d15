import {
  createSimulatedDisk,
  createSimulatedRuntime,
  type Random,
  type SimulatedDisk,
  type SimulatedDiskOptions,
  type SimulatedRuntime,
  seededRandom,
} from "@ottla/runtime";
import type { SegmentedLog } from "../../log/segmented-log.ts";
import { defaultLogConfig, type LogConfig } from "../../log-config.ts";
import type { DirectoryLogManager } from "../../manager/directory-log-manager.ts";
import { openLogManager } from "../../manager/open-log-manager.ts";
import { DIRECTORY, START_MS, TOPIC_ID } from "../fixture.ts";
import { LogModel } from "./log-model.ts";

/** A log directory on a simulated disk, and what is known of it. */
export class Simulation {
  readonly random: Random;
  readonly runtime: SimulatedRuntime;
  readonly config: LogConfig;
  readonly leader = new LogModel("leader");
  readonly follower = new LogModel("follower");
  /** A topic that comes and goes: whether it may be there, must be there, or must not. */
  passing: "absent" | "present" | "either" = "absent";
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
  }

  logOf(model: LogModel): SegmentedLog {
    return this.manager.get(model.name, 0)!;
  }

  get models(): readonly LogModel[] {
    return [this.leader, this.follower];
  }

  async open(): Promise<void> {
    const { disk, runtime, config } = this;
    const options = { disk, runtime, directory: DIRECTORY, configOf: () => config };
    this.manager = (await openLogManager({ ...options, tailMemoryBytes: 0 })) as DirectoryLogManager;
    for (const { name } of this.models) await this.manager.openOrCreate(name, 0, TOPIC_ID, config);
  }
}
