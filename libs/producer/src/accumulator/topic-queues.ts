import type { TopicView } from "@ottla/client/internal";
import { invalidArgument } from "@ottla/client/internal";
import type { RecordData, RecordHeaderInput } from "@ottla/protocol";
import { ZERO_UUID } from "@ottla/protocol/client";
import type { PartitionedTopic, TopicPartitioner } from "../partitioner/partitioner.ts";
import { NO_HEADERS } from "../record.ts";
import type { EncodedRecord } from "../record-encoder.ts";
import type { BufferPool } from "./buffer-pool.ts";
import type { PartitionQueue } from "./partition-queue.ts";
import { ProducerBatch } from "./producer-batch.ts";

/** What the queues of a topic need from their surroundings. */
export interface QueueOwner {
  readonly batchSizeBytes: number;
  /** Whether records belong to transactions. */
  readonly isTransactional: boolean;
  readonly buffers: BufferPool;
  /** `partitioner.availability.timeout.ms`; 0 for never. */
  readonly availabilityTimeoutMs: number;
  /** On the monotonic clock. */
  nowMs(): number;
  /** Makes the queue of one partition. */
  createQueue(topic: string, partition: number): PartitionQueue;
  /** Records of so many bytes were taken. */
  account(sizeBytes: number): void;
  /** A batch was begun. */
  opened(batch: ProducerBatch, queue: PartitionQueue): void;
  /** A batch is full: to be sealed. */
  filled(batch: ProducerBatch, queue: PartitionQueue): void;
}

/** The partitions of one topic, and which of them a record goes to. */
export class TopicQueues implements PartitionedTopic {
  readonly name: string;
  /** The most bytes of a batch: less than configured once the broker has refused that. */
  batchSizeBytes: number;
  /** When a record was last sent to the topic, on the monotonic clock. */
  usedAtMs = 0;
  #topicId = ZERO_UUID;
  #queues: PartitionQueue[] = [];
  #availablePartitions: number[] = [];
  readonly #partitioner: TopicPartitioner;
  readonly #owner: QueueOwner;

  constructor(name: string, partitioner: TopicPartitioner, owner: QueueOwner) {
    this.name = name;
    this.#partitioner = partitioner;
    this.#owner = owner;
    this.batchSizeBytes = owner.batchSizeBytes;
  }

  get topicId(): string {
    return this.#topicId;
  }

  get queues(): readonly PartitionQueue[] {
    return this.#queues;
  }

  get partitionCount(): number {
    return this.#queues.length;
  }

  get availablePartitions(): readonly number[] {
    return this.#availablePartitions;
  }

  get hasUnfinished(): boolean {
    return this.#queues.some((queue) => queue.hasUnfinished);
  }

  /**
   * Takes over what the metadata say. Partitions become fewer only where a topic took the place of another one: metadata
   * with fewer partitions of the same topic are old.
   * @returns the queues of partitions that are no more
   */
  update(view: TopicView): PartitionQueue[] {
    const isSameTopic = view.topicId !== ZERO_UUID && view.topicId === this.#topicId;
    if (isSameTopic && view.partitions.length < this.#queues.length) return [];
    const removed = this.#queues.splice(view.partitions.length);
    this.#topicId = view.topicId;
    for (let partition = this.#queues.length; partition < view.partitions.length; partition++) {
      this.#queues.push(this.#owner.createQueue(this.name, partition));
    }
    const available = view.partitions.filter((partition) => partition.leader >= 0);
    this.#availablePartitions = (available.length > 0 ? available : view.partitions).map(({ partition }) => partition);
    return removed;
  }

  /** Batches of a partition that wait to be sent; null while its leader has taken none for too long (KIP-794). */
  backlogOf(partition: number): number | null {
    const queue = this.#queues[partition]!;
    const { availabilityTimeoutMs } = this.#owner;
    const stalledSinceMs = queue.drainer?.stalledSinceMs ?? null;
    const isStalled = stalledSinceMs !== null && this.#owner.nowMs() - stalledSinceMs >= availabilityTimeoutMs;
    return availabilityTimeoutMs > 0 && isStalled ? null : queue.backlog;
  }

  /**
   * Writes a record into the batch of its partition.
   * @param record asks for a partition that exists, or for none
   * @returns that batch: the record is its last one
   */
  append(record: EncodedRecord, timestampMs: number): ProducerBatch {
    const { partition: given } = record;
    const [key, value] = [record.key ?? null, record.value ?? null];
    const headers = record.headers ?? NO_HEADERS;
    let queue = this.#queues[given ?? this.#choose(key, value, headers)]!;
    if (queue.open?.isFullFor(this.batchSizeBytes, key, value, headers)) {
      this.#closeFull(queue);
      if (given === undefined && this.#partitioner.batchFull())
        queue = this.#queues[this.#choose(key, value, headers)]!;
      if (queue.open?.isFullFor(this.batchSizeBytes, key, value, headers)) this.#closeFull(queue);
    }
    const batch = queue.open ?? this.#openBatch(queue);
    const sizeBytes = batch.append(key, value, headers, timestampMs);
    batch.accountedBytes += sizeBytes;
    this.#owner.account(sizeBytes);
    if (given === undefined) this.#partitioner.appended(sizeBytes);
    return batch;
  }

  #choose(key: RecordData, value: RecordData, headers: readonly RecordHeaderInput[]): number {
    const partition = this.#partitioner.choose(this, key, value, headers);
    // Whole numbers alone: "length" is in a list as well.
    if (Number.isInteger(partition) && partition in this.#queues) return partition;
    throw invalidArgument(
      `The partitioner chose partition ${partition} of "${this.name}", which has partitions 0 to ${this.partitionCount - 1}.`,
    );
  }

  #openBatch(queue: PartitionQueue): ProducerBatch {
    const createdAtMs = this.#owner.nowMs();
    const { partition } = queue;
    const { isTransactional } = this.#owner;
    const buffer = this.#bufferFor(queue);
    const batch = new ProducerBatch({ topic: this.name, partition, createdAtMs, buffer, isTransactional });
    this.usedAtMs = createdAtMs;
    queue.open = batch;
    this.#owner.opened(batch, queue);
    return batch;
  }

  /** As large as the partition's last batch turned out, with some room to spare. */
  #bufferFor({ lastBatchBytes }: PartitionQueue): Uint8Array {
    return this.#owner.buffers.take(Math.ceil(lastBatchBytes * 1.5));
  }

  #closeFull(queue: PartitionQueue): void {
    const batch = queue.closeOpen();
    if (batch !== null) this.#owner.filled(batch, queue);
  }
}
