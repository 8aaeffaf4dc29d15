import type { Disk, DiskError, Runtime } from "@ottla/runtime";
import type { CompactionExecutor } from "../compaction/compaction-job.ts";
import type { LogCleanerOptions } from "../compaction/log-cleaner.ts";
import type { LogConfig } from "../log-config.ts";
import type { LogManager, LogObserver } from "../log-manager.ts";
import type { LogMemory } from "../memory/log-memory.ts";
import { DirectoryLogManager } from "./directory-log-manager.ts";

export interface LogManagerOptions {
  readonly disk: Disk;
  /** The log directory (`log.dirs` has one of these per entry) as a path of `disk`. It is created where absent. */
  readonly directory: string;
  readonly runtime: Runtime;
  /**
   * The configuration of a topic whose log is found in the directory: what is recovered is recovered by it. It may look
   * into `logs`, the logs of this directory, for that of `openedFirst`. Default: Kafka's defaults.
   */
  readonly configOf?: (topic: string, logs: LogManager) => LogConfig | Promise<LogConfig>;
  /** The topic whose logs are opened before all others, which wait for it. Default: none. */
  readonly openedFirst?: string;
  /** How many files may be open at once; files in use can exceed it. Default 1000. */
  readonly maxOpenFiles?: number;
  /** Memory for the newest batches of all partitions together. Default 64 MiB. */
  readonly tailMemoryBytes?: number;
  /** Memory kept for reads from disk to use again. Default 16 MiB. */
  readonly readBufferBytes?: number;
  /** Memory that is shared with the logs of other directories; stands in for the two bounds above. */
  readonly memory?: LogMemory;
  /**
   * How many logs are recovered at a time after an unclean stop, and flushed at a time when it is closed, asked anew
   * each time (`num.recovery.threads.per.data.dir`). Default 2.
   */
  readonly recoveryParallelism?: () => number;
  /** `log.flush.offset.checkpoint.interval.ms` and the log start offsets'. Default 60,000. */
  readonly checkpointIntervalMs?: number;
  /** `replica.high.watermark.checkpoint.interval.ms`. Default 5000. */
  readonly highWatermarkCheckpointIntervalMs?: number;
  /** `log.retention.check.interval.ms`. Default 300,000. */
  readonly retentionCheckIntervalMs?: number;
  /** `producer.id.expiration.ms`, asked anew each time. Default 86,400,000 (a day). */
  readonly producerIdExpirationMs?: () => number;
  /** `producer.id.expiration.check.interval.ms`. Default 600,000. */
  readonly producerIdExpirationCheckIntervalMs?: number;
  /**
   * How topics with `cleanup.policy=compact` are compacted, asked anew each time; null for not at all
   * (`log.cleaner.enable=false`). Default: as in Kafka.
   */
  readonly cleaner?: (() => LogCleanerOptions) | null;
  /** Where compaction runs. Default: in this thread, in between everything else. */
  readonly compactionExecutor?: CompactionExecutor;
  /** The epoch in which the broker is registered, asked when it stops: the mark of a clean stop has it. Default: none, -1. */
  readonly brokerEpoch?: () => number;
  /** Counts what the logs do. Default: nobody does. */
  readonly observer?: LogObserver;
  /** Called once, when the directory has failed for good. All its logs are offline by then. */
  readonly onDiskFailure?: (error: DiskError) => void;
}

/**
 * Opens a log directory: takes its lock, opens the logs in it (recovering them where the last stop was not clean),
 * removes what is left of deleted ones. Rejects with DiskError `LOCKED` when another broker uses the directory.
 */
export async function openLogManager(options: LogManagerOptions): Promise<LogManager> {
  const { disk, directory } = options;
  await disk.makeDirectory(directory);
  const lock = await disk.lock(joinLock(directory));
  try {
    const manager = new DirectoryLogManager(options, lock);
    await manager.start();
    return manager;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function joinLock(directory: string): string {
  return directory.endsWith("/") ? `${directory}.lock` : `${directory}/.lock`;
}
