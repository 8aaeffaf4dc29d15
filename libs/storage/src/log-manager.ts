import type { LogConfig } from "./log-config.ts";
import type { PartitionLog } from "./partition-log.ts";

/** All partition logs of one log directory. Opening one recovers it first where the last stop was not clean. */
export interface LogManager {
  /** Every log that is open. */
  logs(): Iterable<PartitionLog>;
  get(topic: string, partition: number): PartitionLog | undefined;
  /** Opens the partition's log, creating its directory where there is none. */
  openOrCreate(topic: string, partition: number, topicId: string, config: LogConfig): Promise<PartitionLog>;
  /** Closes and removes a log: renamed first, so that a crash in between does not bring it back. */
  delete(topic: string, partition: number): Promise<void>;
  /** Flushes and closes every log, writes the checkpoints and marks the stop as clean. */
  close(): Promise<void>;
}
