import {
  type DirectoryAssignment,
  EMPTY_IMAGE,
  imageDelta,
  type MetadataImage,
  type PartitionChange,
  type PartitionImage,
  type TopicImage,
} from "@ottla/metadata";
import { ErrorCode, type Uuid } from "@ottla/protocol";
import type { Logger, Timers } from "@ottla/runtime";
import { InconsistentTopicId, type LogDirectories, LogUnavailable, type PartitionLog } from "@ottla/storage";
import { AsyncMutex } from "@ottla/storage/internal";
import type { PartitionConfig } from "../config/topic-config.ts";
import { BrokerTraffic } from "../metrics/traffic.ts";
import type { LeadershipLegacy } from "./leadership.ts";
import { LogRemoval } from "./log-removal.ts";
import { Partition, type PartitionListener } from "./partition.ts";
import type { ReplicationEnvironment } from "./replication-environment.ts";
import { UnopenedPartitions } from "./unopened-partitions.ts";

/** Told when this broker has begun or ceased to lead a partition, per leader epoch. */
export type LeadershipListener = (partition: Partition, becameLeader: boolean, leaderEpoch: number) => void;

/** What lets partitions follow their leaders. */
export interface Following {
  /** Keeps the partition's log as its leader's, from now on. */
  follow(partition: Partition): void;
  /** Ends that. Resolves when nothing is being done to the log any more. */
  unfollow(partition: Partition): Promise<void>;
}

export interface PartitionRegistryOptions {
  readonly environment: ReplicationEnvironment;
  readonly following: Following;
  readonly logs: LogDirectories;
  readonly logger: Logger;
  readonly timers: Timers;
  /** The configs of a topic's partitions, by an image. */
  readonly configOf: (image: MetadataImage, topic: string) => PartitionConfig;
  readonly onAdvance: PartitionListener;
  /** Told where a partition's log lies in another directory than the metadata says. */
  readonly onPlaced?: (assignment: DirectoryAssignment) => void;
}

/** Logs that are opened at a time: enough to keep the disk busy, few enough to keep file descriptors. */
const OPEN_AT_ONCE_MAX = 32;

/**
 * The partitions that this broker has replicas of. They come, change and go with the differences between two images of
 * the metadata, and by nothing else.
 */
export class PartitionRegistry {
  /** What clients write and read here. */
  readonly traffic = new BrokerTraffic();
  readonly #options: PartitionRegistryOptions;
  readonly #byTopic = new Map<string, Map<number, Partition>>();
  readonly #topicsById = new Map<string, Map<number, Partition>>();
  readonly #unopened: UnopenedPartitions;
  readonly #removal = new LogRemoval();
  /** Partitions whose log is being replaced, by name: what their leaderships leave to those that come after. */
  readonly #replaced = new Map<string, LeadershipLegacy | null>();
  /** One image after another, and no second try in between. */
  readonly #applying = new AsyncMutex();
  readonly #leadershipListeners = new Set<LeadershipListener>();
  /** The metadata as of the last {@link apply}. */
  #image: MetadataImage = EMPTY_IMAGE;

  constructor(options: PartitionRegistryOptions) {
    this.#options = options;
    this.#unopened = new UnopenedPartitions(options.timers, () => this.#applying.run(() => this.#openUnopened()));
  }

  /** A partition that can be served; undefined for one that is offline too. */
  get(topic: string, partition: number): Partition | undefined {
    return online(this.#byTopic.get(topic)?.get(partition));
  }

  getById(topicId: string, partition: number): Partition | undefined {
    return online(this.#topicsById.get(topicId)?.get(partition));
  }

  *all(): IterableIterator<Partition> {
    for (const partitions of this.#byTopic.values()) yield* partitions.values();
  }

  /** Partitions that are to be here, whose log could not be opened. */
  get unopenedCount(): number {
    return this.#unopened.size;
  }

  /**
   * The error code for a partition that is not here: KAFKA_STORAGE_ERROR where its log could not be opened, or has
   * gone offline, NOT_LEADER_OR_FOLLOWER where other brokers have it.
   */
  missingErrno(topic: string, partition: number): number {
    if (this.#isOffline(topic, partition)) return ErrorCode.KAFKA_STORAGE_ERROR;
    if (this.#replaced.has(`${topic}-${partition}`)) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const isElsewhere = this.imageOf(topic, partition)?.replicas.includes(this.#nodeId) === false;
    return isElsewhere ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }

  #isOffline(topic: string, partition: number): boolean {
    return this.#unopened.has(topic, partition) || this.#byTopic.get(topic)?.get(partition)?.isOffline === true;
  }

  /** A partition as the metadata has it, wherever its replicas are. */
  imageOf(topic: string, partition: number): PartitionImage | undefined {
    return this.#image.topicsByName.get(topic)?.partitions[partition];
  }

  get #nodeId(): number {
    return this.#options.environment.nodeId;
  }

  /**
   * Takes a partition out of service, has `replace` put another log in the place of its own, and serves it again. Nothing,
   * where the partition is not here any more. Meanwhile clients hear that they have to look again who leads. A leadership
   * goes on as if nothing had happened: it is the same epoch, and what its followers have and what the controller was
   * asked for holds still.
   */
  replaceLog(partition: Partition, replace: () => Promise<void>): Promise<void> {
    return this.#applying.run(async () => {
      const { topic, partition: index } = partition;
      const topicImage = this.#image.topicsByName.get(topic);
      if (topicImage === undefined || this.#byTopic.get(topic)?.get(index) !== partition) return;
      const name = `${topic}-${index}`;
      this.#replaced.set(name, null);
      try {
        await this.#options.following.unfollow(partition);
        this.#replaced.set(name, this.#endService(partition));
        await replace();
      } finally {
        await this.#open({ topic: topicImage, before: null, after: partition.image }, this.#image);
      }
    });
  }

  /** Adds a listener; it is told of leaderships that begin or end from now on. */
  onLeadershipChange(listener: LeadershipListener): () => void {
    this.#leadershipListeners.add(listener);
    return () => void this.#leadershipListeners.delete(listener);
  }

  /** Makes the logs and leaderships of this broker what `next` says. */
  apply(previous: MetadataImage, next: MetadataImage): Promise<void> {
    return this.#applying.run(() => this.#apply(previous, next));
  }

  async #apply(previous: MetadataImage, next: MetadataImage): Promise<void> {
    const delta = imageDelta(previous, next);
    for (const topic of delta.deletedTopics) this.#deleteTopic(topic);
    // First: an ISR that has become smaller must not be enough by a `min.insync.replicas` of before.
    if (delta.changedConfigs.length > 0) this.#updateConfigs(next);
    await forEachAtOnce(delta.changedPartitions, OPEN_AT_ONCE_MAX, (change) => this.#applyChange(change, next));
    this.#image = next;
  }

  /** Applies configs again, where those of the broker have changed. */
  #updateConfigs(image: MetadataImage): void {
    for (const [topic, partitions] of this.#byTopic) {
      const config = this.#options.configOf(image, topic);
      for (const partition of partitions.values()) partition.updateConfig(config);
    }
  }

  /** Ends what waits on partitions. Resolves when no log is being removed any more; they are the log manager's to close. */
  async close(): Promise<void> {
    this.#unopened.close();
    for (const partition of this.all()) partition.close();
    this.#byTopic.clear();
    this.#topicsById.clear();
    await this.#removal.close();
  }

  async #applyChange(change: PartitionChange, image: MetadataImage): Promise<void> {
    const { topic, after } = change;
    if (after.replicas.includes(this.#nodeId)) {
      await this.#open(change, image);
      return;
    }
    this.#forgetUnopened(topic.name, after.partition);
    const existing = this.#byTopic.get(topic.name)?.get(after.partition);
    if (existing !== undefined) this.#drop(existing);
  }

  /** Where one cannot be opened, it is most likely so with those behind it: their turn comes with the next try. */
  async #openUnopened(): Promise<void> {
    for (const change of this.#unopened.due) if (!(await this.#open(change, this.#image))) return;
  }

  /** Whether the partition is here now, and is what the metadata says. */
  async #open(change: PartitionChange, image: MetadataImage): Promise<boolean> {
    const { logger } = this.#options;
    const where = { topic: change.topic.name, partition: change.after.partition };
    const wasUnopened = this.#unopened.has(where.topic, where.partition);
    try {
      await this.#host(change, image);
      if (this.#unopened.delete(where.topic, where.partition))
        logger.info("a partition that was offline is open", where);
      return true;
    } catch (err) {
      // Of a directory that is offline there has been a line already, and it may have thousands of partitions.
      const isDirectoryOffline = err instanceof LogUnavailable;
      this.#unopened.add(change, !isDirectoryOffline);
      if (isDirectoryOffline || wasUnopened) return false;
      logger.error("a partition's log cannot be opened; the partition is offline until it can", { ...where, err });
      return false;
    }
  }

  async #host(change: PartitionChange, image: MetadataImage): Promise<void> {
    const { topic, after } = change;
    const existing = this.#byTopic.get(topic.name)?.get(after.partition);
    const { following } = this.#options;
    const leads = after.leader === this.#nodeId;
    const led = existing?.isLeader ?? false;
    const isElected = existing === undefined || after.leaderEpoch > existing.leaderEpoch;
    if (existing !== undefined && isElected) await following.unfollow(existing);
    if (existing?.isOffline) return existing.update(after);
    const config = this.#options.configOf(image, topic.name);
    const log = existing?.log ?? (await this.#openLog(change, config));
    // An epoch that the log knows of, or has left behind, says nothing new of where it begins.
    const isNew = leads && isElected && after.leaderEpoch > log.latestLeaderEpoch;
    const noted = isNew ? log.assignLeaderEpoch(after.leaderEpoch) : null;
    // Without a wait in between: who leads already appends on, and behind where the new epoch begins only in that.
    existing?.update(after);
    await noted;
    const partition = existing ?? this.#add(topic, after, log, config);
    if (isElected && partition.role === "follower") following.follow(partition);
    if (leads !== led || (leads && isElected)) this.#tellLeadership(partition, leads);
  }

  /** A log of an earlier topic of that name was left by a broker that was down when the topic was deleted. */
  async #openLog({ topic, after }: PartitionChange, config: PartitionConfig): Promise<PartitionLog> {
    const { logs } = this.#options;
    const { partition } = after;
    await this.#removal.gone(`${topic.name}-${partition}`);
    const assignedId = after.directories[after.replicas.indexOf(this.#nodeId)];
    const open = () => logs.openOrCreate(topic.name, partition, topic.topicId, config, assignedId);
    const log = await open().catch(async (error) => {
      if (!(error instanceof InconsistentTopicId)) throw error;
      await logs.setAside(topic.name, partition);
      return await open();
    });
    const directoryId = logs.directoryOf(topic.name, partition)?.id ?? null;
    if (directoryId !== null && directoryId !== assignedId) this.#tellPlace(topic, partition, directoryId);
    return log;
  }

  #tellPlace({ topicId }: TopicImage, partition: number, directoryId: Uuid): void {
    this.#options.onPlaced?.({ topicId, partition, directoryId });
  }

  /** Its coordinators, above all, have nothing to do here any more. */
  #wentOffline(partition: Partition): void {
    if (partition.isLeader) this.#tellLeadership(partition, false);
    void this.#options.following.unfollow(partition);
  }

  #add({ name, topicId }: TopicImage, image: PartitionImage, log: PartitionLog, config: PartitionConfig): Partition {
    const { environment, onAdvance } = this.#options;
    const traffic = this.traffic.ofTopic(name);
    const onOffline = (offline: Partition) => this.#wentOffline(offline);
    const placeName = `${name}-${image.partition}`;
    const legacy = this.#replaced.get(placeName) ?? null;
    this.#replaced.delete(placeName);
    const parts = { log, config, environment, legacy, onAdvance, onOffline, traffic };
    const partition = new Partition({ topic: name, topicId, image, ...parts });
    let partitions = this.#byTopic.get(name);
    if (partitions === undefined) {
      partitions = new Map();
      this.#byTopic.set(name, partitions);
      this.#topicsById.set(topicId, partitions);
    }
    partitions.set(partition.partition, partition);
    return partition;
  }

  #deleteTopic({ name, partitions }: TopicImage): void {
    for (const { partition } of partitions) this.#forgetUnopened(name, partition);
    for (const partition of [...(this.#byTopic.get(name)?.values() ?? [])]) this.#drop(partition, { isDeleted: true });
  }

  /** One whose log could not be opened has no place here any more. */
  #forgetUnopened(topic: string, partition: number): void {
    this.#unopened.delete(topic, partition);
    this.#replaced.delete(`${topic}-${partition}`);
  }

  #endService(partition: Partition, how = { isDeleted: false }): LeadershipLegacy | null {
    const { topic, topicId } = partition;
    const partitions = this.#byTopic.get(topic);
    partitions?.delete(partition.partition);
    if (partitions?.size === 0) {
      this.#byTopic.delete(topic);
      this.#topicsById.delete(topicId);
    }
    if (partition.isLeader && !partition.isOffline) this.#tellLeadership(partition, false);
    return partition.close(how);
  }

  /** Out of service at once; the log goes in its turn. */
  #drop(partition: Partition, how = { isDeleted: false }): void {
    const { topic } = partition;
    this.#endService(partition, how);
    if (!this.#byTopic.has(topic)) this.traffic.forget(topic);
    this.#removal.add(`${topic}-${partition.partition}`, () => this.#removeLog(partition));
  }

  async #removeLog(partition: Partition): Promise<void> {
    const { topic, partition: index } = partition;
    try {
      await this.#options.following.unfollow(partition);
      await this.#options.logs.delete(topic, index);
    } catch (err) {
      this.#options.logger.error("the log of a deleted partition cannot be removed", { topic, partition: index, err });
    }
  }

  #tellLeadership(partition: Partition, becameLeader: boolean): void {
    for (const listener of this.#leadershipListeners) listener(partition, becameLeader, partition.leaderEpoch);
  }
}

/** Runs `action` on every item, no more than `atOnceMax` at a time. */
async function forEachAtOnce<Item>(
  items: readonly Item[],
  atOnceMax: number,
  action: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await action(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, worker));
}

function online(partition: Partition | undefined): Partition | undefined {
  return partition?.isOffline === true ? undefined : partition;
}
