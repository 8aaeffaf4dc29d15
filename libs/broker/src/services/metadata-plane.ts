import {
  Controller,
  type ControllerPolicy,
  LocalMetadataLog,
  METADATA_TOPIC,
  METADATA_TOPIC_ID,
  type MetadataFollower,
  type MetadataLog,
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
  readonly runtime: Runtime;
  readonly policy: () => ControllerPolicy;
  readonly snapshotIntervalBytes: number;
}

/** A broker's view of the cluster's metadata, and its way to change it. */
export interface MetadataPlane {
  readonly log: MetadataLog;
  readonly follower: MetadataFollower;
  readonly controller: Controller;
}

/** Where the metadata of a broker on its own is. */
export interface LocalMetadata {
  /** The logs of the directory that holds it. */
  readonly logs: LogManager;
  readonly disk: Disk;
  readonly directory: string;
  readonly runtime: Runtime;
}

/** Opens the metadata log in the broker's own data directory. */
export async function openLocalMetadataLog({ logs, disk, directory, runtime }: LocalMetadata): Promise<MetadataLog> {
  return new LocalMetadataLog({
    log: await logs.openOrCreate(METADATA_TOPIC, 0, METADATA_TOPIC_ID, METADATA_LOG_CONFIG),
    disk,
    directory: joinPath(directory, `${METADATA_TOPIC}-0`),
    clock: runtime.clock,
  });
}

/** A metadata log with its follower, which tells nobody yet, and a controller for it. */
export function createMetadataPlane(
  { log, follower }: Pick<MetadataPlane, "log" | "follower">,
  options: MetadataPlaneOptions,
  closers: Closers,
): MetadataPlane {
  const { nodeId, runtime, policy, snapshotIntervalBytes } = options;
  closers.add(() => follower.stop());
  const controller = new Controller({ brokerId: nodeId, log, follower, policy, runtime, snapshotIntervalBytes });
  closers.add(() => controller.close());
  return { log, follower, controller };
}
