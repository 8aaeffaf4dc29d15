import {
  imageDelta,
  isElection,
  type MetadataImage,
  type PartitionChange,
  type PartitionImage,
  type TopicImage,
} from "@ottla/metadata";
import { ErrorCode } from "@ottla/protocol";
import type { Logger } from "@ottla/runtime";
import type { LogManager, PartitionLog } from "@ottla/storage";
import type { PartitionConfig } from "../config/topic-config.ts";
import { Partition, type PartitionListener } from "./partition.ts";

/** Told when this broker has begun or ceased to lead a partition, per leader epoch. */
export type LeadershipListener = (partition: Partition, becameLeader: boolean, leaderEpoch: number) => void;

export interface PartitionRegistryOptions {
  readonly nodeId: number;
  readonly logs: LogManager;
  readonly logger: Logger;
  /** The configs of a topic's partitions, by an image. */
  readonly configOf: (image: MetadataImage, topic: string) => PartitionConfig;
  readonly onAdvance: PartitionListener;
}

/** Logs that are opened at a time: enough to keep the disk busy, few enough to keep file descriptors. */
const OPEN_AT_ONCE_MAX = 32;

/**
 * The partitions that this broker has replicas of. They come, change and go with the differences between two images of
 * the metadata, and by nothing else.
 */
export class PartitionRegistry {
  readonly #options: PartitionRegistryOptions;
  readonly #byTopic = new Map<string, Map<number, Partition>>();
  readonly #topicsById = new Map<string, Map<number, Partition>>();
  /** Partitions that should be here, but whose log could not be opened. */
  readonly #failed = new Set<string>();
  readonly #leadershipListeners = new Set<LeadershipListener>();

  constructor(options: PartitionRegistryOptions) {
    this.#options = options;
  }

  get(topic: string, partition: number): Partition | undefined {
    return this.#byTopic.get(topic)?.get(partition);
  }

  getById(topicId: string, partition: number): Partition | undefined {
    return this.#topicsById.get(topicId)?.get(partition);
  }

  *all(): IterableIterator<Partition> {
    for (const partitions of this.#byTopic.values()) yield* partitions.values();
  }

  /** The error code for a partition that is not here: KAFKA_STORAGE_ERROR where its log could not be opened. */
  missingErrno(topic: string, partition: number): number {
    const hasFailed = this.#failed.has(`${topic}-${partition}`);
    return hasFailed ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }

  /** Adds a listener; it is told of leaderships that begin or end from now on. */
  onLeadershipChange(listener: LeadershipListener): () => void {
    this.#leadershipListeners.add(listener);
    return () => void this.#leadershipListeners.delete(listener);
  }

  /** Makes the logs and leaderships of this broker what `next` says. */
  async apply(previous: MetadataImage, next: MetadataImage): Promise<void> {
    const delta = imageDelta(previous, next);
    for (const topic of delta.deletedTopics) await this.#deleteTopic(topic);
    await forEachAtOnce(delta.changedPartitions, OPEN_AT_ONCE_MAX, (change) => this.#applyChange(change, next));
    if (delta.changedConfigs.length > 0) this.#updateConfigs(next);
  }

  /** Applies configs again, where those of the broker have changed. */
  #updateConfigs(image: MetadataImage): void {
    for (const [topic, partitions] of this.#byTopic) {
      const config = this.#options.configOf(image, topic);
      for (const partition of partitions.values()) partition.updateConfig(config);
    }
  }

  /** Ends what waits on partitions. The logs are the log manager's to close. */
  close(): void {
    for (const partition of this.all()) partition.close();
    this.#byTopic.clear();
    this.#topicsById.clear();
  }

  async #applyChange(change: PartitionChange, image: MetadataImage): Promise<void> {
    const { topic, after } = change;
    const existing = this.get(topic.name, after.partition);
    if (!after.replicas.includes(this.#options.nodeId)) {
      if (existing !== undefined) await this.#drop(existing);
      return;
    }
    try {
      await this.#host(existing, change, image);
      this.#failed.delete(`${topic.name}-${after.partition}`);
    } catch (error) {
      this.#failed.add(`${topic.name}-${after.partition}`);
      this.#options.logger.error("a partition's log cannot be opened; the partition is offline", {
        topic: topic.name,
        partition: after.partition,
        err: error,
      });
    }
  }

  async #host(existing: Partition | undefined, change: PartitionChange, image: MetadataImage): Promise<void> {
    const { topic, after } = change;
    const { nodeId, logs, configOf } = this.#options;
    const leads = after.leader === nodeId;
    const led = existing?.isLeader ?? false;
    const config = configOf(image, topic.name);
    const log = existing?.log ?? (await logs.openOrCreate(topic.name, after.partition, topic.topicId, config));
    if (leads && (existing === undefined || isElection(change))) await log.assignLeaderEpoch(after.leaderEpoch);
    const partition = existing ?? this.#add(topic, after, log, config);
    if (existing !== undefined) existing.update(after);
    if (leads !== led || (leads && isElection(change))) this.#tellLeadership(partition, leads);
  }

  #add({ name, topicId }: TopicImage, image: PartitionImage, log: PartitionLog, config: PartitionConfig): Partition {
    const { nodeId, onAdvance } = this.#options;
    const partition = new Partition({ topic: name, topicId, image, log, config, nodeId, onAdvance });
    let partitions = this.#byTopic.get(name);
    if (partitions === undefined) {
      partitions = new Map();
      this.#byTopic.set(name, partitions);
      this.#topicsById.set(topicId, partitions);
    }
    partitions.set(partition.partition, partition);
    return partition;
  }

  async #deleteTopic({ name, partitions }: TopicImage): Promise<void> {
    for (const { partition } of partitions) this.#failed.delete(`${name}-${partition}`);
    for (const partition of [...(this.#byTopic.get(name)?.values() ?? [])]) await this.#drop(partition);
  }

  async #drop(partition: Partition): Promise<void> {
    const { topic, topicId } = partition;
    const partitions = this.#byTopic.get(topic);
    partitions?.delete(partition.partition);
    if (partitions?.size === 0) {
      this.#byTopic.delete(topic);
      this.#topicsById.delete(topicId);
    }
    if (partition.isLeader) this.#tellLeadership(partition, false);
    partition.close();
    try {
      await this.#options.logs.delete(topic, partition.partition);
    } catch (error) {
      const fields = { topic, partition: partition.partition, err: error };
      this.#options.logger.error("the log of a deleted partition cannot be removed", fields);
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
