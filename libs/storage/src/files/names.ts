/** Names of files and directories in a log directory, exactly as Apache Kafka writes them. */

export const LOG_SUFFIX = ".log";
export const OFFSET_INDEX_SUFFIX = ".index";
export const TIME_INDEX_SUFFIX = ".timeindex";
export const TRANSACTION_INDEX_SUFFIX = ".txnindex";
export const PRODUCER_SNAPSHOT_SUFFIX = ".snapshot";
/** On files of a segment that is gone and only waits for `file.delete.delay.ms`. */
export const DELETED_SUFFIX = ".deleted";
/** On what compaction writes until it is whole. */
export const CLEANED_SUFFIX = ".cleaned";
/** On what compaction has written whole, while it takes the place of what it was made from. */
export const SWAP_SUFFIX = ".swap";
/** On a file that is written aside and renamed when complete. */
export const TEMPORARY_SUFFIX = ".tmp";

export const SEGMENT_SUFFIXES = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX] as const;

export const LEADER_EPOCH_CHECKPOINT = "leader-epoch-checkpoint";
export const PARTITION_METADATA = "partition.metadata";
export const RECOVERY_POINT_CHECKPOINT = "recovery-point-offset-checkpoint";
export const HIGH_WATERMARK_CHECKPOINT = "replication-offset-checkpoint";
export const LOG_START_CHECKPOINT = "log-start-offset-checkpoint";
export const CLEANER_CHECKPOINT = "cleaner-offset-checkpoint";
export const META_PROPERTIES = "meta.properties";
export const CLEAN_SHUTDOWN = ".kafka_cleanshutdown";
export const LOCK = ".lock";

const OFFSET_DIGITS = 20;
/** The longest name of a file that common file systems take. */
const MAX_NAME_LENGTH = 255;
const DELETE_DIRECTORY_SUFFIX = "-delete";
const FUTURE_DIRECTORY_SUFFIX = "-future";
const STRAY_DIRECTORY_SUFFIX = "-stray";

/** `00000000000000000042.log` */
export function offsetFileName(offset: number, suffix: string): string {
  return String(offset).padStart(OFFSET_DIGITS, "0") + suffix;
}

/** The offset in a file name with this suffix; null where the name is another kind's. */
export function offsetOfFileName(name: string, suffix: string): number | null {
  if (!name.endsWith(suffix)) return null;
  const digits = name.slice(0, -suffix.length);
  return /^\d{20}$/.test(digits) ? Number(digits) : null;
}

export function joinPath(directory: string, name: string): string {
  return directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}

/** `orders-0` */
export function partitionDirectoryName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** The topic and partition of a directory's name; null where it is none of a partition in use. */
export function parsePartitionDirectoryName(name: string): { topic: string; partition: number } | null {
  const match = /^(.+)-(\d+)$/.exec(name);
  return match === null ? null : { topic: match[1]!, partition: Number(match[2]) };
}

/** `orders-0.<32 hex digits>-delete`, shortened at the topic where it would be too long for a file system. */
export function deletedDirectoryName(topic: string, partition: number, uniqueId: string): string {
  return uniqueDirectoryName(topic, partition, uniqueId, DELETE_DIRECTORY_SUFFIX);
}

/** `orders-0.<32 hex digits>-future`: a log that is to take the place of the partition's in another log directory. */
export function futureDirectoryName(topic: string, partition: number, uniqueId: string): string {
  return uniqueDirectoryName(topic, partition, uniqueId, FUTURE_DIRECTORY_SUFFIX);
}

/** `orders-0.<32 hex digits>-stray`: a log that the metadata have no partition for. Nothing opens it again, or deletes it. */
export function strayDirectoryName(topic: string, partition: number, uniqueId: string): string {
  return uniqueDirectoryName(topic, partition, uniqueId, STRAY_DIRECTORY_SUFFIX);
}

function uniqueDirectoryName(topic: string, partition: number, uniqueId: string, kind: string): string {
  const suffix = `-${partition}.${uniqueId}${kind}`;
  return topic.slice(0, MAX_NAME_LENGTH - suffix.length) + suffix;
}

/** The topic and partition of a future log's directory; null where the name is another kind's. */
export function parseFutureDirectoryName(name: string): { topic: string; partition: number } | null {
  const match = /^(.+)-(\d+)\.[0-9a-f]+-future$/.exec(name);
  return match === null ? null : { topic: match[1]!, partition: Number(match[2]) };
}

export function isDeletedDirectoryName(name: string): boolean {
  return /-\d+\.[0-9a-f]+-delete$/.test(name);
}

export function isStrayDirectoryName(name: string): boolean {
  return /-\d+\.[0-9a-f]+-stray$/.test(name);
}
