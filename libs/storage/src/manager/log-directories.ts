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
  indexBytes: 0,
  openFiles: 0,
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
  /** Where replicas shall go that are not here yet, by partition. */
  readonly #preferred = new Map<string, LogDirectory>();

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
   * where it was asked for ({@link prefer}), or where there are the fewest. `assignedId` is the zero UUID, or left out, for a partition that has no directory yet.
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
    if (holder === undefined && (await this.#endMove(topic, partition, topicId, assignedId)))
      return await this.openOrCreate(topic, partition, topicId, config, assignedId);
    const directory = holder ?? this.#placeOf(`${topic}-${partition}`, assignedId);
    this.#count(directory, 1);
    try {
      return await directory.logs!.openOrCreate(topic, partition, topicId, config);
    } finally {
      this.#count(directory, -1);
    }
  }

  /** Where a replica shall go that this broker does not have yet. */
  prefer(topic: string, partition: number, directory: LogDirectory): void {
    this.#preferred.set(`${topic}-${partition}`, directory);
  }

  /** The log that is to take the place of a partition's, and the directory that it is in. */
  futureOf(
    topic: string,
    partition: number,
  ): { readonly directory: LogDirectory; readonly log: PartitionLog } | undefined {
    for (const directory of this.all) {
      const log = directory.logs?.future(topic, partition);
      if (log !== undefined) return { directory, log };
    }
    return undefined;
  }

  /** Every log that is to take the place of another. */
  *futures(): IterableIterator<{ readonly directory: LogDirectory; readonly log: PartitionLog }> {
    for (const directory of this.all) {
      for (const log of directory.logs?.futures() ?? []) yield { directory, log };
    }
  }

  async deleteFuture(topic: string, partition: number): Promise<void> {
    for (const { logs } of this.all) await logs?.deleteFuture(topic, partition);
  }

  /**
   * Puts the future log, which has all that the partition's has, in its place. The old one goes first: a crash in between
   * leaves the future log alone, of which the next start knows that it is whole.
   */
  async promoteFuture(topic: string, partition: number): Promise<void> {
    const future = this.futureOf(topic, partition);
    if (future === undefined) throw new Error(`${topic}-${partition} has no log to take its place`);
    await future.log.flush();
    for (const { logs } of this.#holders(topic, partition)) await logs!.delete(topic, partition);
    await future.directory.logs!.promoteFuture(topic, partition);
  }

  /** Closes and removes a partition's log. What an offline directory holds of it stays there for now. */
  async delete(topic: string, partition: number): Promise<void> {
    for (const { logs } of this.#holders(topic, partition)) await logs!.delete(topic, partition);
    await this.deleteFuture(topic, partition);
  }

  /** Closes a partition's log, and keeps it where nothing takes it for the partition's. */
  async setAside(topic: string, partition: number): Promise<void> {
    for (const { logs } of this.#holders(topic, partition)) await logs!.setAside(topic, partition);
  }

  /** What the logs of all directories hold at this moment. They share their memory; open files and parts of indexes are each its own. */
  resources(): LogResources {
    const each = this.all.flatMap(({ logs }) => logs?.resources() ?? []);
    const sum = (of: (one: LogResources) => number) => each.reduce((total, one) => total + of(one), 0);
    const [indexBytes, openFiles] = [sum((one) => one.indexBytes), sum((one) => one.openFiles)];
    return { ...(each[0] ?? NOTHING_HELD), indexBytes, openFiles };
  }

  /** Closes all directories, also where others cannot be closed. */
  async close(): Promise<void> {
    const results = await Promise.allSettled(this.all.map(({ logs }) => logs?.close()));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /**
   * A future log that is alone, although the directory that it was filled from is there: a crash came when it took the
   * place of the other ({@link promoteFuture}). Whether it was so.
   */
  async #endMove(topic: string, partition: number, topicId: string, assignedId: string): Promise<boolean> {
    const future = this.futureOf(topic, partition);
    if (future?.log.topicId !== topicId || !isOnline(future.directory)) return false;
    const isFromThere = assignedId === ZERO_UUID || this.online.some(({ id }) => id === assignedId);
    if (isFromThere) await future.directory.logs!.promoteFuture(topic, partition);
    return isFromThere;
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
    const preferred = this.#preferred.get(name);
    this.#preferred.delete(name);
    if (preferred !== undefined && isOnline(preferred)) return preferred;
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
