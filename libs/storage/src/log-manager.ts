import type { DiskError } from "@ottla/runtime";
import type { LogConfig } from "./log-config.ts";
import type { PartitionLog } from "./partition-log.ts";

/** Memory and files in use by the logs of a directory. */
export interface LogResources {
  /** Memory that the newest batches pin, and its bound. */
  readonly tailBytes: number;
  readonly tailBytesMax: number;
  /** Memory of reads from disk that have not been released yet. */
  readonly lentReadBytes: number;
  /** Memory kept for reads to come. */
  readonly pooledReadBytes: number;
  /** Memory that holds parts of indexes which were looked into; a megabyte for each log directory at most. */
  readonly indexBytes: number;
  readonly openFiles: number;
}

/** Is told of what logs do, to count it. */
export interface LogObserver {
  /** What was written to a log was brought to disk. */
  flushed(elapsedMs: number): void;
  /** The cleaner has looked what there is to compact. */
  cleanerLooked(): void;
  /** A log was compacted. */
  compacted(pass: CompactedLog): void;
}

/** One pass of compaction over one log. */
export interface CompactedLog {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly elapsedMs: number;
}

/** All partition logs of one log directory. Opening one recovers it first where the last stop was not clean. */
export interface LogManager {
  /** Whether the directory was left by a clean stop when it was opened. A new one was not: nor was one that has lost all of its names. */
  readonly wasCleanStop: boolean;
  /** Why the directory has failed, where it has: its logs are offline, none can be opened or created. */
  readonly failure: DiskError | null;
  /** How many logs are open. */
  readonly logCount: number;
  /** Logs whose compaction failed: they stay uncompacted until the next start. */
  readonly uncleanableLogs: number;
  /** Every log that is open. */
  logs(): Iterable<PartitionLog>;
  get(topic: string, partition: number): PartitionLog | undefined;
  /**
   * Opens the partition's log, creating its directory where there is none; an open one gets the configuration, and the topic's
   * id where it has none. A power cut may take a new log, until its first sync: it is made anew then, and is empty.
   * Rejects with {@link InconsistentTopicId} when the directory belongs to an earlier topic of that name.
   */
  openOrCreate(topic: string, partition: number, topicId: string, config: LogConfig): Promise<PartitionLog>;
  /** Closes and removes a log: renamed first, so that a crash in between does not bring it back. */
  delete(topic: string, partition: number): Promise<void>;
  /** Closes a log and gives its directory a name that is no partition's: what is in it is kept, and never opened again. */
  setAside(topic: string, partition: number): Promise<void>;
  /** The log that is to take the place of the partition's, which lies in another log directory. */
  future(topic: string, partition: number): PartitionLog | undefined;
  /** Every such log. */
  futures(): Iterable<PartitionLog>;
  /** Makes an empty one. */
  createFuture(topic: string, partition: number, topicId: string, config: LogConfig): Promise<PartitionLog>;
  /** As {@link setAside}, for one that is to take the place of another. */
  setFutureAside(topic: string, partition: number): Promise<void>;
  /** Closes and removes one. */
  deleteFuture(topic: string, partition: number): Promise<void>;
  /** Makes it the partition's log in this directory, which has none. */
  promoteFuture(topic: string, partition: number): Promise<PartitionLog>;
  /** What all logs together hold at this moment. */
  resources(): LogResources;
  /** Flushes and closes every log, writes the checkpoints and marks the stop as clean. */
  close(): Promise<void>;
}
