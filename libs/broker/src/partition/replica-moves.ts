import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { Logger, Timers } from "@ottla/runtime";
import { isOnline, type LogDirectories, type LogDirectory, type PartitionLog } from "@ottla/storage";
import { delay } from "@ottla/transport";
import { copyLog } from "./copy-log.ts";
import type { Partition } from "./partition.ts";
import type { PartitionRegistry } from "./partition-registry.ts";

export interface ReplicaMovesOptions {
  readonly partitions: PartitionRegistry;
  readonly logs: LogDirectories;
  readonly timers: Timers;
  readonly logger: Logger;
  /** `replica.alter.log.dirs.io.max.bytes.per.second`, as of now. */
  readonly bytesPerSecondMax: () => number;
}

/** A replica on its way to another log directory. */
interface Move {
  readonly directory: LogDirectory;
  readonly stop: AbortController;
  /** Never rejects. */
  readonly done: Promise<void>;
}

/** How much is copied at a time. */
const COPY_BYTES_MAX = 1024 * 1024;

/**
 * Moves replicas between the log directories of this broker (KIP-113): a future log is filled from the replica's, and takes
 * its place when it has all that there is. Moves that a stop has interrupted go on at the next start.
 */
export class ReplicaMoves {
  readonly #options: ReplicaMovesOptions;
  readonly #moves = new Map<string, Move>();
  #isClosed = false;

  constructor(options: ReplicaMovesOptions) {
    this.#options = options;
  }

  /**
   * Begins to move a replica; to where it is already takes back a move under way. One that is not here yet goes there when
   * it comes.
   * @throws KafkaError LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR, REPLICA_NOT_AVAILABLE, UNKNOWN_TOPIC_OR_PARTITION
   */
  async move(topic: string, partition: number, path: string): Promise<void> {
    const { logs, partitions } = this.#options;
    const directory = logs.all.find(({ name }) => name === path);
    if (directory === undefined) throw refused(ErrorCode.LOG_DIR_NOT_FOUND, `${path} is not in log.dirs`);
    if (!isOnline(directory)) throw refused(ErrorCode.KAFKA_STORAGE_ERROR, `${path} is offline`);
    const replica = partitions.get(topic, partition);
    if (replica === undefined) return this.#moveLater(topic, partition, directory);
    if (this.#moves.get(keyOf(replica))?.directory === directory) return;
    await this.#cancel(keyOf(replica));
    await logs.deleteFuture(topic, partition);
    if (logs.directoryOf(topic, partition) === directory) return;
    // A move that could not be ended any more has put another one in its place.
    const present = partitions.get(topic, partition);
    if (present === undefined) return this.#moveLater(topic, partition, directory);
    await directory.logs!.createFuture(topic, partition, present.topicId, present.config);
    this.#begin(present, directory);
  }

  /** Goes on with what the last stop has interrupted. */
  resume(): void {
    const { logs, partitions } = this.#options;
    for (const { directory, log } of logs.futures()) {
      const replica = partitions.get(log.topic, log.partition);
      if (replica !== undefined) this.#begin(replica, directory);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(Array.from(this.#moves.keys(), (key) => this.#cancel(key)));
  }

  #moveLater(topic: string, partition: number, directory: LogDirectory): never {
    const { logs, partitions } = this.#options;
    const errno = partitions.missingErrno(topic, partition);
    if (errno === ErrorCode.KAFKA_STORAGE_ERROR) throw refused(errno, `${topic}-${partition} is offline`);
    if (partitions.imageOf(topic, partition) === undefined)
      throw refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `There is no ${topic}-${partition}`);
    logs.prefer(topic, partition, directory);
    throw refused(ErrorCode.REPLICA_NOT_AVAILABLE, `${topic}-${partition} is not on this broker`);
  }

  async #cancel(key: string): Promise<void> {
    const move = this.#moves.get(key);
    move?.stop.abort();
    await move?.done;
  }

  #begin(partition: Partition, directory: LogDirectory): void {
    const key = keyOf(partition);
    if (this.#isClosed || this.#moves.has(key)) return;
    const stop = new AbortController();
    const fields = { topic: partition.topic, partition: partition.partition, directory: directory.name };
    const { logger } = this.#options;
    const done = this.#run(partition, directory, stop.signal)
      .catch((err) => {
        // The replica has left this broker, and its future log with it.
        if (!stop.signal.aborted && !partition.isClosed)
          logger.error("a replica cannot be moved to another log directory; it stays where it is", { ...fields, err });
      })
      .finally(() => this.#moves.delete(key));
    this.#moves.set(key, { directory, stop, done });
  }

  async #run(partition: Partition, directory: LogDirectory, signal: AbortSignal): Promise<void> {
    const { logs, partitions, logger } = this.#options;
    const { topic, partition: index, log } = partition;
    const copy = directory.logs?.future(topic, index);
    if (copy === undefined) return;
    // A replica that is written to without a pause has something new each time: a little is left for the end.
    let copiedBytes = Number.POSITIVE_INFINITY;
    while (copiedBytes > COPY_BYTES_MAX) copiedBytes = await this.#copyToEnd(partition, copy, signal);
    if (signal.aborted || partition.isClosed) return;
    await partitions.replaceLog(partition, async () => {
      // Nothing is appended any more: what is on its way to the file is copied too, and then the two are the same.
      await log.settled();
      while ((await copyLog(log, copy, COPY_BYTES_MAX)) > 0);
      await logs.promoteFuture(topic, index);
    });
    logger.info("a replica was moved to another log directory", { topic, partition: index, directory: directory.name });
  }

  /** Copies what the log has now, at the pace that is allowed. Returns how many bytes. */
  async #copyToEnd({ log }: Partition, copy: PartitionLog, signal: AbortSignal): Promise<number> {
    const endOffset = log.logEndOffset;
    let copiedBytes = 0;
    for (let bytes = 1; bytes > 0 && copy.logEndOffset < endOffset; ) {
      bytes = await copyLog(log, copy, COPY_BYTES_MAX);
      copiedBytes += bytes;
      await delay(this.#options.timers, (bytes / this.#options.bytesPerSecondMax()) * 1000, signal);
    }
    return copiedBytes;
  }
}

function keyOf({ topicId, partition }: Partition): string {
  return `${topicId}-${partition}`;
}

function refused(errno: number, message: string): KafkaError {
  return KafkaError.fromCode(errno, message);
}
