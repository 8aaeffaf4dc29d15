import { type ClusterClient, invalidArgument, toKafkaError } from "@ottla/client/internal";
import type { KafkaError } from "@ottla/protocol";
import type { Identity } from "../idempotence/identity.ts";
import { PartitionSequence } from "../idempotence/partition-sequence.ts";
import { ProducerIdentity } from "../idempotence/producer-identity.ts";
import type { ProducerSettings } from "../options.ts";
import type { TopicPartitioner } from "../partitioner/partitioner.ts";
import type { EncodedRecord } from "../record-encoder.ts";
import { BatchOutcomes, type BatchOwner } from "../sender/batch-outcomes.ts";
import { BrokerSender, type SenderEnvironment } from "../sender/broker-sender.ts";
import type { TransactionIdentity } from "../transactions/transaction-identity.ts";
import type { ProducerWatch } from "../watch.ts";
import { BufferPool } from "./buffer-pool.ts";
import { IncompleteBatches } from "./incomplete-batches.ts";
import { PartitionQueue } from "./partition-queue.ts";
import type { ProducerBatch } from "./producer-batch.ts";
import type { QueueOwner } from "./topic-queues.ts";
import { TopicRegistry } from "./topic-registry.ts";
import { type WaitingSend, WaitingSends, type WaitReason } from "./waiting-sends.ts";

/**
 * Where all sends of a producer come together: it writes records into the batches of their partitions, within the
 * buffer memory, and keeps count of the batches until they are done.
 */
export class Accumulator implements QueueOwner, BatchOwner {
  readonly #client: ClusterClient;
  readonly #settings: ProducerSettings;
  readonly #waiting: WaitingSends;
  readonly #incomplete: IncompleteBatches;
  readonly #topics: TopicRegistry;
  #identity: Identity | null;
  #transactions: TransactionIdentity | null = null;
  readonly #outcomes: BatchOutcomes;
  readonly buffers: BufferPool;
  #usedBytes = 0;
  #flushes = 0;

  constructor(
    client: ClusterClient,
    settings: ProducerSettings,
    createPartitioner: () => TopicPartitioner,
    watch: ProducerWatch,
  ) {
    this.#client = client;
    this.#settings = settings;
    this.buffers = new BufferPool(settings.batchSizeBytes, settings.bufferMemoryBytes);
    this.#waiting = new WaitingSends(client.runtime, settings.maxBlockMs, {
      load: (topic) => this.load(topic),
      lastFailureOf: (topic) => this.#topics.lastFailureOf(topic),
      onMemoryShort: () => this.#topics.wakeAll(),
    });
    this.#incomplete = new IncompleteBatches(client.runtime, settings.deliveryTimeoutMs, (batch) =>
      this.#expire(batch),
    );
    this.#outcomes = new BatchOutcomes(client, this, watch);
    this.#identity = this.#createIdentity();
    this.#topics = new TopicRegistry({
      client,
      maxBlockMs: settings.maxBlockMs,
      metadataMaxIdleMs: settings.metadataMaxIdleMs,
      queueOwner: this,
      createPartitioner,
      createSender: (brokerId) => new BrokerSender(brokerId, this.#senderEnvironment(watch)),
      onReady: (topic) => this.#waiting.topicReady(topic),
      onRemoved: (queue, error) => this.#giveUp(queue, error),
      onFailed: (topic, error) => this.#waiting.topicFailed(topic, error),
    });
  }

  /** Before the first record of a producer with a transactional id: who it sends as, from transaction to transaction. */
  beginTransactions(identity: TransactionIdentity): void {
    this.#identity = identity;
    this.#transactions = identity;
    identity.attach({
      onReady: () => this.#topics.wakeAll(),
      onFailure: (error) => this.#abandonUnsent(error),
    });
  }

  get batchSizeBytes(): number {
    return this.#settings.batchSizeBytes;
  }

  get isTransactional(): boolean {
    return this.#settings.transactionalId !== null;
  }

  get givenUp(): KafkaError | null {
    return this.#transactions?.failure ?? null;
  }

  failed(error: KafkaError): void {
    this.#transactions?.fail(error);
  }

  get availabilityTimeoutMs(): number {
    return this.#settings.availabilityTimeoutMs;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get waitingSends(): number {
    return this.#waiting.size;
  }

  nowMs(): number {
    return this.#client.runtime.clock.monotonicMs();
  }

  /**
   * Why a record cannot be accepted at once; null if it can.
   * @param isResuming true for a send whose turn has come: the others that wait do not count
   * @throws KafkaError INVALID_ARGUMENT if the topic has no such partition
   */
  waitReason({ topic: name, partition }: EncodedRecord, isResuming: boolean): WaitReason | null {
    const topic = this.#topics.find(name);
    if (topic === undefined) return "topic";
    if (!isResuming && this.#waiting.mustQueue(name)) return this.#waiting.isWaitedFor(name) ? "topic" : "memory";
    if (partition !== undefined && !(partition in topic.queues)) return this.#missingPartition(name, partition);
    return this.#usedBytes < this.#settings.bufferMemoryBytes ? null : "memory";
  }

  /** Writes a record into its batch; there is no reason to wait. @returns the batch: the record is its last one */
  append(record: EncodedRecord, timestampMs: number): ProducerBatch {
    return this.#topics.find(record.topic)!.append(record, timestampMs);
  }

  /** All records of an array have been written into these batches: what it has made large need not wait for the next. */
  accepted(batches: readonly ProducerBatch[]): void {
    for (const { topic, partition } of batches) {
      const queue = this.#topics.queueOf(topic, partition);
      if (queue.isLarge) queue.drainer?.wakeLarge(queue);
    }
  }

  /** Has a topic found out about, unless that is under way or done. */
  load(topic: string): void {
    if (this.#topics.find(topic) === undefined) this.#topics.load(topic);
  }

  /** Has a send wait its turn. */
  wait(send: WaitingSend, reason: WaitReason, signal: AbortSignal | undefined): void {
    this.#waiting.add(send, reason, signal);
  }

  /** Settles when all records sent before the call are done. */
  async flush(): Promise<void> {
    this.#flushes++;
    try {
      this.#topics.wakeAll();
      await this.#waiting.settled();
      await Promise.all(this.#incomplete.snapshot().map((batch) => batch.done));
    } finally {
      this.#flushes--;
    }
  }

  /** Fails what is not done yet and stops. */
  close(error: KafkaError): void {
    this.#waiting.failAll(error);
    for (const batch of this.#incomplete.snapshot()) {
      this.#outcomes.abandon(this.#topics.queueOf(batch.topic, batch.partition), batch, error);
    }
    this.#topics.close();
  }

  createQueue(topic: string, partition: number): PartitionQueue {
    const sequence = this.#identity === null ? null : new PartitionSequence(this.#identity);
    return new PartitionQueue(topic, partition, sequence);
  }

  account(sizeBytes: number): void {
    this.#usedBytes += sizeBytes;
  }

  opened(batch: ProducerBatch, queue: PartitionQueue): void {
    this.#incomplete.add(batch);
    if (queue.drainer !== null) queue.drainer.wake(queue);
    else this.#client.metadata.requestRefresh();
  }

  filled(batch: ProducerBatch, queue: PartitionQueue): void {
    this.#seal(batch, queue);
    queue.drainer?.wake(queue);
  }

  recycle(batch: ProducerBatch): void {
    this.buffers.give(batch.buffer);
  }

  release(batch: ProducerBatch): void {
    this.#incomplete.delete(batch);
    this.#usedBytes -= batch.accountedBytes;
    batch.accountedBytes = 0;
    this.#waiting.memoryFreed();
  }

  replace(batch: ProducerBatch, parts: readonly ProducerBatch[]): void {
    const topic = this.#topics.find(batch.topic);
    if (topic !== undefined) topic.batchSizeBytes = Math.min(topic.batchSizeBytes, Math.ceil(batch.sizeBytes / 2));
    const queue = this.#topics.queueOf(batch.topic, batch.partition);
    for (const part of parts) {
      part.accountedBytes = part.sizeBytes;
      this.account(part.accountedBytes);
      this.#incomplete.add(part);
      this.#seal(part, queue);
    }
    this.release(batch);
  }

  #createIdentity(): Identity | null {
    const { isIdempotent, transactionalId } = this.#settings;
    if (!isIdempotent || transactionalId !== null) return null;
    return new ProducerIdentity(this.#client, (error) => this.#onIdentity(error));
  }

  /** Ends everything that no broker has to answer for any more; what is in flight ends with its answer. */
  #abandonUnsent(error: KafkaError): void {
    this.#waiting.failAll(error);
    for (const batch of this.#incomplete.snapshot()) {
      const queue = this.#topics.queueOf(batch.topic, batch.partition);
      if (!queue.isInFlight(batch)) this.#outcomes.abandon(queue, batch, error);
    }
  }

  #missingPartition(name: string, partition: number): WaitReason {
    if (!this.#topics.isMissing(name, partition)) {
      this.#topics.loadPartition(name, partition);
      return "topic";
    }
    const count = this.#topics.find(name)!.partitionCount;
    throw invalidArgument(`Topic "${name}" has partitions 0 to ${count - 1}; there is no partition ${partition}.`);
  }

  #giveUp(queue: PartitionQueue, error: KafkaError): void {
    for (const batch of queue.unfinished()) this.#outcomes.abandon(queue, batch, error);
  }

  #seal(batch: ProducerBatch, queue: PartitionQueue): void {
    batch.seal(this.#settings.compression, this.#settings.compressionLevel, (error) => {
      if (error !== undefined) this.#outcomes.abandon(queue, batch, toKafkaError(error));
      queue.drainer?.wake(queue);
    });
  }

  #expire(batch: ProducerBatch): void {
    const queue = this.#topics.queueOf(batch.topic, batch.partition);
    this.#outcomes.expire(queue, batch, this.#settings.deliveryTimeoutMs);
    queue.drainer?.wake(queue);
  }

  #onIdentity(error: KafkaError | null): void {
    if (error === null) {
      this.#topics.wakeAll();
      return;
    }
    for (const batch of this.#incomplete.snapshot()) {
      this.#outcomes.abandon(this.#topics.queueOf(batch.topic, batch.partition), batch, error);
    }
  }

  #senderEnvironment(watch: ProducerWatch): SenderEnvironment {
    return {
      client: this.#client,
      settings: this.#settings,
      identity: this.#identity,
      outcomes: this.#outcomes,
      ...watch,
      isFlushing: () => this.#flushes > 0,
      isMemoryShort: () => this.#waiting.isMemoryShort,
      maxProduceVersion: () => this.#transactions?.maxProduceVersion,
      topicIdOf: (topic) => this.#topics.topicIdOf(topic),
      seal: (batch, queue) => this.#seal(batch, queue),
      giveUp: (queue, error) => this.#giveUp(queue, error),
    };
  }
}
