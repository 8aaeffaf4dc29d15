import {
  Controller,
  type ControllerPolicy,
  LocalMetadataLog,
  METADATA_TOPIC,
  METADATA_TOPIC_ID,
  MetadataFollower,
} from "@ottla/metadata";
import type { Disk, Runtime } from "@ottla/runtime";
import { defaultLogConfig, type LogConfig, type LogManager } from "@ottla/storage";
import type { Closers } from "./closers.ts";
import { joinPath } from "./data-directory.ts";

/** The metadata is kept for good: snapshots, not retention, take its beginning away. */
export const METADATA_LOG_CONFIG: LogConfig = {
  ...defaultLogConfig,
  retentionMs: -1,
  retentionBytes: -1,
  maxMessageBytes: 16 * 1024 * 1024,
};

export interface MetadataPlaneOptions {
  readonly nodeId: number;
  readonly logs: LogManager;
  readonly disk: Disk;
  readonly directory: string;
  readonly runtime: Runtime;
  readonly policy: () => ControllerPolicy;
  readonly snapshotIntervalBytes: number;
}

/** A broker's view of the cluster's metadata, and its way to change it. */
export interface MetadataPlane {
  readonly log: LocalMetadataLog;
  readonly follower: MetadataFollower;
  readonly controller: Controller;
}

/** Opens the metadata log in the broker's own data directory. Nothing is replayed yet. */
export async function openMetadataPlane(options: MetadataPlaneOptions, closers: Closers): Promise<MetadataPlane> {
  const { logs, disk, directory, runtime, nodeId } = options;
  const partitionLog = await logs.openOrCreate(METADATA_TOPIC, 0, METADATA_TOPIC_ID, METADATA_LOG_CONFIG);
  const log = new LocalMetadataLog({
    log: partitionLog,
    disk,
    directory: joinPath(directory, `${METADATA_TOPIC}-0`),
    clock: runtime.clock,
  });
  closers.add(() => log.close());
  const follower = new MetadataFollower(log, runtime);
  closers.add(() => follower.stop());
  const { policy, snapshotIntervalBytes } = options;
  const controller = new Controller({ brokerId: nodeId, log, follower, policy, runtime, snapshotIntervalBytes });
  closers.add(() => controller.close());
  return { log, follower, controller };
}
