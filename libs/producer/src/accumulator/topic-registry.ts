import type { ClusterClient, ClusterView, Deadline, TopicView } from "@ottla/client/internal";
import { ErrorCode, KafkaError, ZERO_UUID } from "@ottla/protocol/client";
import type { TopicPartitioner } from "../partitioner/partitioner.ts";
import type { BrokerSender } from "../sender/broker-sender.ts";
import type { PartitionQueue } from "./partition-queue.ts";
import { type QueueOwner, TopicQueues } from "./topic-queues.ts";

/** What the registry needs from its surroundings. */
export interface RegistryEnvironment {
  readonly client: ClusterClient;
  readonly maxBlockMs: number;
  readonly metadataMaxIdleMs: number;
  readonly queueOwner: QueueOwner;
  createPartitioner(): TopicPartitioner;
  createSender(brokerId: number): BrokerSender;
  /** The topic is known now (again). */
  onReady(topic: string): void;
  /** Partitions are no more, as the topic was created again with fewer. */
  onRemoved(queue: PartitionQueue, error: KafkaError): void;
  /** The topic cannot be found out about. */
  onFailed(topic: string, error: unknown): void;
}

/** How often a program that sends to a partition that is not there may cause a look whether it is by now. */
const MISSING_REMEMBERED_MS = 1_000;

/** The topics that records are sent to, with each partition's queue assigned to the broker that leads it. */
export class TopicRegistry {
  readonly #environment: RegistryEnvironment;
  readonly #topics = new Map<string, TopicQueues>();
  readonly #senders = new Map<number, BrokerSender>();
  /** Topics whose metadata are on their way. */
  readonly #loading = new Map<string, Deadline>();
  /** The topic looked up last: most sends go to the same one as before. */
  #latest: TopicQueues | undefined;
  /** The highest partition of each topic that was asked for in vain, and when that was. */
  readonly #missingPartitions = new Map<string, { readonly partition: number; readonly atMs: number }>();

  constructor(environment: RegistryEnvironment) {
    this.#environment = environment;
    environment.client.metadata.onChange((view) => this.#onMetadata(view));
  }

  /** The topic, if its partitions are known. */
  find(name: string): TopicQueues | undefined {
    if (this.#latest?.name === name) return this.#latest;
    const topic = this.#topics.get(name);
    if (topic !== undefined) this.#latest = topic;
    return topic;
  }

  topicIdOf(name: string): string {
    return this.#topics.get(name)?.topicId ?? ZERO_UUID;
  }

  queueOf(topic: string, partition: number): PartitionQueue {
    return this.#topics.get(topic)!.queues[partition]!;
  }

  /** Finds out about a topic; `onReady` or `onFailed` tell when that is done. */
  load(name: string): void {
    this.#find(name, async (deadline) => {
      const { metadata } = this.#environment.client;
      this.#update(await metadata.topic(name, deadline), metadata.view);
    });
  }

  /** Why a topic that is being found out about is not known yet. */
  lastFailureOf(name: string): unknown {
    return this.#loading.get(name)?.lastFailure;
  }

  /** Whether a refresh has just shown that the topic has no such partition; it may get it at any time. */
  isMissing(name: string, partition: number): boolean {
    const missing = this.#missingPartitions.get(name);
    if (missing === undefined || partition > missing.partition) return false;
    return this.#environment.queueOwner.nowMs() - missing.atMs < MISSING_REMEMBERED_MS;
  }

  /** Finds out whether the topic has got more partitions than are known; tells as {@link load} does. */
  loadPartition(name: string, partition: number): void {
    this.#find(name, async (deadline) => {
      await this.#environment.client.metadata.refresh(deadline);
      this.#missingPartitions.set(name, { partition, atMs: this.#environment.queueOwner.nowMs() });
    });
  }

  /** Has every queue that has something to send drained. */
  wakeAll(): void {
    for (const topic of this.#topics.values()) for (const queue of topic.queues) wakeIfUnsent(queue);
  }

  close(): void {
    for (const sender of this.#senders.values()) sender.close();
  }

  #find(name: string, look: (deadline: Deadline) => Promise<void>): void {
    if (this.#loading.has(name)) return;
    const { client, maxBlockMs, onReady, onFailed } = this.#environment;
    const deadline = client.deadline(`Waiting for metadata of topic "${name}"`, { timeoutMs: maxBlockMs });
    this.#loading.set(name, deadline);
    look(deadline).then(
      () => {
        this.#loading.delete(name);
        onReady(name);
      },
      (error) => {
        this.#loading.delete(name);
        if (!this.#topics.has(name)) client.metadata.untrack([name]);
        onFailed(name, error);
      },
    );
  }

  #onMetadata(view: ClusterView): void {
    let isLeaderless = false;
    for (const topic of this.#topics.values()) {
      const topicView = view.topics.get(topic.name);
      if (topicView !== undefined) this.#update(topicView, view);
      isLeaderless ||= topic.queues.some((queue) => queue.drainer === null && queue.hasUnsent);
    }
    if (isLeaderless) this.#environment.client.metadata.requestRefresh();
    this.#forgetIdle();
  }

  #update(topicView: TopicView, view: ClusterView): void {
    const topic = this.#topics.get(topicView.name) ?? this.#create(topicView.name);
    if (topicView.partitions.length > topic.partitionCount) this.#missingPartitions.delete(topic.name);
    for (const queue of topic.update(topicView)) this.#remove(queue, topic.partitionCount);
    for (const { partition, leader } of topicView.partitions) {
      this.#assign(topic.queues[partition]!, view.brokers.has(leader) ? leader : -1);
    }
  }

  #remove(queue: PartitionQueue, partitionCount: number): void {
    queue.drainer?.forget(queue);
    queue.drainer = null;
    const what = `${queue.topic}-${queue.partition}: the topic was created again, with ${partitionCount} partitions`;
    this.#environment.onRemoved(queue, KafkaError.fromCode(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, what));
  }

  #create(name: string): TopicQueues {
    const { createPartitioner, queueOwner } = this.#environment;
    const topic = new TopicQueues(name, createPartitioner(), queueOwner);
    topic.usedAtMs = queueOwner.nowMs();
    this.#topics.set(name, topic);
    return topic;
  }

  #assign(queue: PartitionQueue, leader: number): void {
    const sender = leader < 0 ? null : this.#senderOf(leader);
    if (queue.drainer === sender) return;
    queue.drainer?.forget(queue);
    queue.drainer = sender;
    wakeIfUnsent(queue);
  }

  #senderOf(brokerId: number): BrokerSender {
    const known = this.#senders.get(brokerId);
    if (known !== undefined) return known;
    const sender = this.#environment.createSender(brokerId);
    this.#senders.set(brokerId, sender);
    return sender;
  }

  /** A program that makes up topic names as it goes must not fill the memory with them. */
  #forgetIdle(): void {
    const { client, metadataMaxIdleMs, queueOwner } = this.#environment;
    const idleSinceMs = queueOwner.nowMs() - metadataMaxIdleMs;
    for (const [name, topic] of this.#topics) {
      if (topic.usedAtMs > idleSinceMs || topic.hasUnfinished || this.#loading.has(name)) continue;
      this.#topics.delete(name);
      this.#missingPartitions.delete(name);
      client.metadata.untrack([name]);
      if (this.#latest === topic) this.#latest = undefined;
    }
  }
}

function wakeIfUnsent(queue: PartitionQueue): void {
  if (queue.hasUnsent) queue.drainer?.wake(queue);
}
