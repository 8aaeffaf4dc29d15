import type { Data } from "@ottla/client";
import { aborted, ClusterClient, clientClosed, Deadline, invalidArgument } from "@ottla/client/internal";
import { Accumulator } from "./accumulator/accumulator.ts";
import type { ProducerBatch } from "./accumulator/producer-batch.ts";
import type { WaitReason } from "./accumulator/waiting-sends.ts";
import { ArraySend } from "./array-send.ts";
import { ProducerCounters, type ProducerMetrics } from "./metrics.ts";
import { type ProducerOptions, type ProducerSettings, resolveProducerSettings } from "./options.ts";
import { topicPartitioners } from "./partitioner/partitioner.ts";
import { headerPairs, type ProducerRecord, type RecordMetadata } from "./record.ts";
import { RecordEncoder } from "./record-encoder.ts";

/** How a send may be cut short. */
export interface SendOptions {
  /**
   * Rejects the send with code `ABORTED`. A record that still waited for metadata or memory is then not sent; one that
   * was accepted already may be written all the same.
   */
  readonly signal?: AbortSignal;
}

/** How a producer is closed. */
export interface CloseOptions {
  /** How long to wait for records that are not acknowledged yet. Default: until they are, or expire. */
  readonly timeoutMs?: number;
}

/**
 * Writes records to topics.
 *
 * Records gather in one batch for each partition and are sent together; a single send, a thousand concurrent ones and
 * an array take the same way and share batches. With the defaults a record is acknowledged by all in-sync replicas,
 * and retries neither double nor reorder records. Connections open with the first send.
 *
 * ```ts
 * await using producer = new Producer({ bootstrapServers: "ws://localhost:9092" });
 * const { partition, offset } = await producer.send({ topic: "orders", key: "k1", value: "v1" });
 * ```
 */
export class Producer<K = Data, V = Data> implements AsyncDisposable {
  readonly #client: ClusterClient;
  readonly #settings: ProducerSettings;
  readonly #encoder: RecordEncoder<K, V>;
  readonly #counters = new ProducerCounters();
  readonly #accumulator: Accumulator;
  #closing: Promise<void> | null = null;

  /** @throws KafkaError INVALID_CONFIG that names the option which cannot be used, and what is allowed */
  constructor(options: ProducerOptions<K, V>) {
    this.#settings = resolveProducerSettings(options);
    this.#client = new ClusterClient(options, { component: "The producer", allowAutoTopicCreation: true });
    const { batchSizeBytes, maxRequestSizeBytes, isAdaptive } = this.#settings;
    const sticky = { stickyBytes: batchSizeBytes, isAdaptive };
    const createPartitioner = topicPartitioners(options.partitioner, sticky, this.#client.runtime.random);
    this.#accumulator = new Accumulator(this.#client, this.#settings, createPartitioner, this.#counters);
    this.#encoder = new RecordEncoder({
      keySerializer: options.keySerializer,
      valueSerializer: options.valueSerializer,
      maxRecordBytes: maxRequestSizeBytes,
    });
  }

  /**
   * Sends a record, and resolves when it is acknowledged as `acks` says. Records that one program sends to one
   * partition are written in the order of the calls.
   *
   * @throws KafkaError (as a rejection) REQUEST_TIMED_OUT after `deliveryTimeoutMs`, or when the topic's metadata or
   *   buffer memory could not be had within `maxBlockMs`; MESSAGE_TOO_LARGE; INVALID_ARGUMENT; ABORTED; CLOSED; errors
   *   of the broker that are not retriable
   */
  send(record: ProducerRecord<K, V>, options?: SendOptions): Promise<RecordMetadata>;
  /**
   * Sends several records as fast as can be, and resolves when all are acknowledged: where each was written, in the
   * same order.
   *
   * @throws ArraySendError (as a rejection) if some were not written: tells of each record
   */
  send(records: readonly ProducerRecord<K, V>[], options?: SendOptions): Promise<RecordMetadata[]>;
  send(
    input: ProducerRecord<K, V> | readonly ProducerRecord<K, V>[],
    options?: SendOptions,
  ): Promise<RecordMetadata | RecordMetadata[]> {
    try {
      this.#checkOpen(options?.signal);
      return isArray(input) ? this.#sendArray(input, options?.signal) : this.#sendOne(input, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sends everything at once that was sent before the call, and waits until it is acknowledged or has failed. */
  async flush(options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? Number.POSITIVE_INFINITY;
    const deadline = new Deadline("Flushing the producer", this.#client.runtime, timeoutMs, options.signal);
    await deadline.race(this.#accumulator.flush());
  }

  /**
   * Flushes, then closes all connections. New sends reject from now on. Records that are not acknowledged within
   * `timeoutMs` fail with code `CLOSED`. Closing again waits for the first close.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? Number.POSITIVE_INFINITY);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** How the producer is doing: totals since it was made, and what it holds now. */
  metrics(): ProducerMetrics {
    return this.#counters.snapshot({
      usedBytes: this.#accumulator.usedBytes,
      totalBytes: this.#settings.bufferMemoryBytes,
      waitingSends: this.#accumulator.waitingSends,
    });
  }

  #sendOne(record: ProducerRecord<K, V>, signal: AbortSignal | undefined): Promise<RecordMetadata> {
    const timestampMs = record.timestampMs ?? this.#client.runtime.clock.nowMs();
    const batch = this.#accept(record, timestampMs, false);
    if (typeof batch === "string") return this.#sendLater(record, timestampMs, batch, signal);
    const metadata = metadataOfLast(batch, timestampMs);
    return signal === undefined ? metadata : abortable(metadata, signal);
  }

  #sendLater(
    record: ProducerRecord<K, V>,
    timestampMs: number,
    reason: WaitReason,
    signal: AbortSignal | undefined,
  ): Promise<RecordMetadata> {
    const metadata = new Promise<RecordMetadata>((resolve, reject) => {
      const resume = () => {
        try {
          const batch = this.#accept(record, timestampMs, true);
          if (typeof batch === "string") return batch;
          resolve(metadataOfLast(batch, timestampMs));
        } catch (error) {
          reject(error);
        }
        return null;
      };
      this.#accumulator.wait({ topic: record.topic, acceptedCount: 0, resume, fail: reject }, reason, signal);
    });
    return signal === undefined ? metadata : abortable(metadata, signal);
  }

  #sendArray(records: readonly ProducerRecord<K, V>[], signal: AbortSignal | undefined): Promise<RecordMetadata[]> {
    const accept = (record: ProducerRecord<K, V>, timestampMs: number, isResuming: boolean) =>
      this.#accept(record, timestampMs, isResuming);
    const send = new ArraySend(records, this.#client.runtime.clock.nowMs(), accept);
    const reason = send.start();
    if (reason !== null) this.#accumulator.wait(send, reason, signal);
    return signal === undefined ? send.result : abortable(send.result, signal);
  }

  /** Writes the record into its batch, unless it has to wait. */
  #accept(record: ProducerRecord<K, V>, timestampMs: number, isResuming: boolean): ProducerBatch | WaitReason {
    const { topic, partition } = record;
    checkRecord(record, timestampMs);
    const reason = this.#accumulator.waitReason(topic, partition, isResuming);
    if (reason !== null) return reason;
    const key = this.#encoder.key(record.key, topic);
    const value = this.#encoder.value(record.value, topic);
    const headers = headerPairs(record.headers);
    this.#encoder.checkSize(key, value, headers, topic);
    return this.#accumulator.append(topic, partition, key, value, headers, timestampMs);
  }

  #checkOpen(signal: AbortSignal | undefined): void {
    if (this.#closing !== null) throw clientClosed("The producer");
    if (signal?.aborted) throw aborted(signal);
  }

  async #close(timeoutMs: number): Promise<void> {
    const deadline = new Deadline("Closing the producer", this.#client.runtime, timeoutMs);
    try {
      await deadline.race(this.#accumulator.flush());
    } catch {
      // What is left fails below.
    }
    this.#accumulator.close(clientClosed("The producer"));
    await this.#client.close();
  }
}

function isArray<T>(input: T | readonly T[]): input is readonly T[] {
  return Array.isArray(input);
}

/** Where the record appended last to the batch is written, once the batch is done. */
function metadataOfLast(batch: ProducerBatch, timestampMs: number): Promise<RecordMetadata> {
  const index = batch.recordsCount - 1;
  return batch.done.then(() => batch.metadataOf(index, timestampMs));
}

function checkRecord(record: ProducerRecord<unknown, unknown>, timestampMs: number): void {
  if (typeof record.topic !== "string" || record.topic === "") {
    throw invalidArgument(`record.topic is ${JSON.stringify(record.topic)}; it must be the name of a topic.`);
  }
  if (!(timestampMs >= 0) || !Number.isSafeInteger(timestampMs)) {
    throw invalidArgument(`record.timestampMs is ${timestampMs}; it must be milliseconds since 1970, a whole number.`);
  }
}

/** `promise`, unless the signal comes first. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(aborted(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
