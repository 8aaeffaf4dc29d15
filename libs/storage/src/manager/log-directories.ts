import { ErrorCode, ZERO_UUID } from "@ottla/protocol";
import type { LogConfig } from "../log-config.ts";
import { LogUnavailable, logOffline } from "../log-errors.ts";
import type { LogManager, LogResources } from "../log-manager.ts";
import type { PartitionLog } from "../partition-log.ts";

/** One of a broker's `log.dirs`. */
export interface LogDirectory {
  /** Its `directory.id` (KIP-858); null where it could not be read. */
  readonly id: string | null;
  /** What a person calls it. */
  readonly name: string;
  /** The logs in it; null where it could not be opened. */
  readonly logs: LogManager | null;
}

const NOTHING_HELD: LogResources = {
  tailBytes: 0,
  tailBytesMax: 0,
  lentReadBytes: 0,
  pooledReadBytes: 0,
  openFiles: 0,
  uncleanableLogs: 0,
};

/** Whether the directory can be used: it was opened, and has not failed since. */
export function isOnline({ logs }: LogDirectory): boolean {
  return logs !== null && logs.failure === null;
}

/** The partition logs of a broker, in one log directory or several. Directories fail one by one. */
export class LogDirectories {
  readonly all: readonly LogDirectory[];
  /** Logs that are being made: they count where the next one is placed. */
  readonly #beingMade = new Map<LogDirectory, number>();

  constructor(directories: readonly LogDirectory[]) {
    this.all = directories;
  }

  /** Those that can be used. */
  get online(): readonly LogDirectory[] {
    return this.all.filter(isOnline);
  }

  /** The directory that holds a partition's log; undefined where none does. */
  directoryOf(topic: string, partition: number): LogDirectory | undefined {
    return this.#holders(topic, partition)[0];
  }

  /**
   * Opens the partition's log where it is, or makes one: in the directory that the partition was assigned to, or else
   * where there are the fewest. `assignedId` is the zero UUID, or left out, for a partition that has no directory yet.
   * @throws LogUnavailable KAFKA_STORAGE_ERROR where the log lies, or may lie, in a directory that is offline: an empty
   * one in its place would pass for the whole of it
   * @throws InconsistentTopicId as {@link LogManager.openOrCreate}
   */
  async openOrCreate(
    topic: string,
    partition: number,
    topicId: string,
    config: LogConfig,
    assignedId: string = ZERO_UUID,
  ): Promise<PartitionLog> {
    const existing = this.#holders(topic, partition);
    const holder = existing.find(({ logs }) => logs?.get(topic, partition)?.topicId === topicId) ?? existing[0];
    const directory = holder ?? this.#placeOf(`${topic}-${partition}`, assignedId);
    this.#count(directory, 1);
    try {
      return await directory.logs!.openOrCreate(topic, partition, topicId, config);
    } finally {
      this.#count(directory, -1);
    }
  }

  /** Closes and removes a partition's log. What an offline directory holds of it stays there for now. */
  async delete(topic: string, partition: number): Promise<void> {
    for (const { logs } of this.#holders(topic, partition)) await logs!.delete(topic, partition);
  }

  /** What the logs of all directories hold at this moment. They share their memory; open files and cleaners are each its own. */
  resources(): LogResources {
    const each = this.all.flatMap(({ logs }) => logs?.resources() ?? []);
    const sum = (of: (one: LogResources) => number) => each.reduce((total, one) => total + of(one), 0);
    const [openFiles, uncleanableLogs] = [sum((one) => one.openFiles), sum((one) => one.uncleanableLogs)];
    return { ...(each[0] ?? NOTHING_HELD), openFiles, uncleanableLogs };
  }

  /** Closes all directories, also where others cannot be closed. */
  async close(): Promise<void> {
    const results = await Promise.allSettled(this.all.map(({ logs }) => logs?.close()));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  #holders(topic: string, partition: number): LogDirectory[] {
    return this.all.filter(({ logs }) => logs?.get(topic, partition) !== undefined);
  }

  /** As Kafka: a directory that is offline may hold the log of every partition that was assigned once. */
  #placeOf(name: string, assignedId: string): LogDirectory {
    const { online } = this;
    const assigned = online.find(({ id }) => id === assignedId);
    if (assigned !== undefined) return assigned;
    const offline = this.all.filter((directory) => !isOnline(directory));
    if (online.length === 0 || (offline.length > 0 && assignedId !== ZERO_UUID)) throw unavailable(name, offline);
    return online.reduce((least, other) => (this.#logsIn(other) < this.#logsIn(least) ? other : least));
  }

  #logsIn(directory: LogDirectory): number {
    return directory.logs!.logCount + (this.#beingMade.get(directory) ?? 0);
  }

  #count(directory: LogDirectory, change: number): void {
    this.#beingMade.set(directory, (this.#beingMade.get(directory) ?? 0) + change);
  }
}

function unavailable(name: string, offline: readonly LogDirectory[]): LogUnavailable {
  const failure = offline.length === 1 ? offline[0]!.logs?.failure : null;
  if (failure) return logOffline(failure);
  const names = offline.map((directory) => directory.name).join(", ");
  return new LogUnavailable(ErrorCode.KAFKA_STORAGE_ERROR, `${name} cannot be opened, for ${names} is offline`);
}
