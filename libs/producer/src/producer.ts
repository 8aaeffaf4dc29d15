import type { Data } from "@ottla/client";
import {
  aborted,
  ClusterClient,
  checkCallOptions,
  clientClosed,
  Deadline,
  EventHub,
  invalidArgument,
  isSignal,
  loaded,
  requireEvent,
  TroubleMonitor,
  watchedOptions,
} from "@ottla/client/internal";
import { ErrorCode, KafkaError } from "@ottla/protocol/client";
import { onAbort } from "@ottla/runtime";
import { openChannel, sendTracing } from "#diagnostics";
import { loadTransactionEngine } from "#transaction-engine";
import { Accumulator } from "./accumulator/accumulator.ts";
import type { ProducerBatch } from "./accumulator/producer-batch.ts";
import type { WaitReason } from "./accumulator/waiting-sends.ts";
import { ArraySend, ArraySendError } from "./array-send.ts";
import { PRODUCER_EVENTS, type ProducerEvents } from "./events.ts";
import { ProducerCounters, type ProducerMetrics } from "./metrics.ts";
import { type ProducerOptions, type ProducerSettings, resolveProducerSettings } from "./options.ts";
import { topicPartitioners } from "./partitioner/partitioner.ts";
import type { ProducerRecord, RecordMetadata } from "./record.ts";
import { type EncodedRecord, RecordEncoder } from "./record-encoder.ts";
import type { TransactionEngine } from "./transactions/engine.ts";
import type { Transaction, TransactionOptions } from "./transactions/transaction.ts";
import type { TransactionManager } from "./transactions/transaction-manager.ts";

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
  readonly #events: EventHub<ProducerEvents>;
  readonly #accumulator: Accumulator;
  /** Null before the first transaction. */
  #transactions: TransactionManager<K, V> | null = null;
  #closing: Promise<void> | null = null;

  /** @throws KafkaError INVALID_CONFIG that names the option which cannot be used, and what is allowed */
  constructor(options: ProducerOptions<K, V>) {
    const [watched, refuseOthers] = watchedOptions("Producer", options);
    this.#settings = resolveProducerSettings(watched);
    this.#client = new ClusterClient(watched, { component: "The producer", allowAutoTopicCreation: true });
    const { batchSizeBytes, isAdaptive } = this.#settings;
    const sticky = { stickyBytes: batchSizeBytes, isAdaptive };
    const createPartitioner = topicPartitioners(watched.partitioner, sticky, this.#client.runtime.random);
    this.#events = new EventHub("ottla:producer:", { clientId: this.#client.settings.clientId }, openChannel);
    const troubles = new TroubleMonitor("the producer", this.#client.runtime, this.#events);
    const watch = { counters: this.#counters, troubles };
    this.#accumulator = new Accumulator(this.#client, this.#settings, createPartitioner, watch);
    this.#encoder = new RecordEncoder(watched, this.#settings);
    refuseOthers();
  }

  /**
   * Sends a record, and resolves when it is acknowledged as `acks` says. Records that one program sends to one
   * partition are written in the order of the calls. The record, with the bytes in it, is the caller's again when the
   * call returns: what becomes of it then changes nothing of what is sent.
   *
   * @throws KafkaError (as a rejection) REQUEST_TIMED_OUT after `deliveryTimeoutMs`, or when the topic's metadata or
   *   buffer memory could not be had within `maxBlockMs`; MESSAGE_TOO_LARGE, also for a record larger than
   *   `maxRequestSize` or `bufferMemory`; INVALID_ARGUMENT; INVALID_TOPIC_EXCEPTION; ABORTED; CLOSED;
   *   INVALID_TXN_STATE with a `transactionalId`, as records are sent in transactions then; errors of the broker that
   *   are not retriable
   */
  send(record: ProducerRecord<K, V>, options?: SendOptions): Promise<RecordMetadata>;
  /**
   * Sends several records as fast as can be, and resolves when all are acknowledged: where each was written, in the
   * same order. The call waits for metadata of all their topics together.
   *
   * Where one of them cannot be sent as it is (INVALID_ARGUMENT, MESSAGE_TOO_LARGE by the options, what a serializer
   * throws), none is. What only turns out on the way ends the call at that record: those before it are sent, those
   * behind it are not. That is a topic, or buffer memory, that is not there within `maxBlockMs`; a topic that is refused;
   * a partition that the topic does not have; a partitioner that throws; and the signal. What brokers refuse concerns
   * the records that they refuse alone. While records wait, for one topic or for memory, they are held beside
   * `bufferMemory`, and later calls to other topics among theirs may go first.
   *
   * @throws ArraySendError (as a rejection) if some were not written: tells of each record. What a serializer throws comes
   *   as it is, unless it is a KafkaError
   */
  send(records: readonly ProducerRecord<K, V>[], options?: SendOptions): Promise<RecordMetadata[]>;
  send(
    input: ProducerRecord<K, V> | readonly ProducerRecord<K, V>[],
    options?: SendOptions,
  ): Promise<RecordMetadata | RecordMetadata[]> {
    try {
      if (this.#settings.transactionalId !== null)
        throw wrongState("With a transactionalId, send within transaction()");
      return this.#send(input, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Does `work` in a transaction (`transactionalId`): commits it when `work` returns, aborts it when it throws, and
   * gives what it returned or threw. Who reads with `read_committed` sees all of a committed transaction, records and
   * offsets, and nothing of an aborted one.
   *
   * ```ts
   * await producer.transaction(async (tx) => {
   *   await tx.send({ topic: "invoices", value });
   *   await tx.sendOffsets(consumer);
   * });
   * ```
   *
   * A producer has one transaction at a time, as in Kafka: another one that is begun meanwhile rejects with
   * `INVALID_TXN_STATE`. When a transaction has failed, the next one may go well, with a new epoch; unless the error is
   * of those after which the producer is of no use: then all that follow reject with it, see
   * {@link transactionErrorKind}. The first transaction fences off all other producers with the same id.
   *
   * @throws KafkaError why the transaction was not committed: what a send in it failed with, waited for or not;
   *   `PRODUCER_FENCED` if another producer has the id now, or the transaction took longer
   *   than `transactionTimeoutMs`; `REQUEST_TIMED_OUT` if the coordinator does not answer within `maxBlockMs`: when that
   *   happens to the commit, it may have been made all the same, and is made good before the next transaction; `ABORTED`;
   *   `CLOSED`
   */
  async transaction<T>(work: (tx: Transaction<K, V>) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    this.#checkOpen(undefined);
    const { transactionalId } = this.#settings;
    if (transactionalId === null) throw wrongState("Transactions need a transactionalId");
    if (typeof work !== "function")
      throw invalidArgument("transaction takes a function: transaction(async (tx) => …).");
    checkCallOptions("transaction", options);
    const part = loaded(loadTransactionEngine());
    const engine = part instanceof Promise ? await part : part;
    this.#checkOpen(undefined);
    this.#transactions ??= this.#createTransactions(engine, transactionalId);
    return await this.#transactions.run(work, options);
  }

  /** Sends everything at once that was sent before the call, and waits until it is acknowledged or has failed. */
  async flush(options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {}): Promise<void> {
    checkCallOptions("flush", options);
    const timeoutMs = options.timeoutMs ?? Number.POSITIVE_INFINITY;
    const deadline = new Deadline("Flushing the producer", this.#client.runtime, timeoutMs, options.signal);
    await deadline.race(this.#accumulator.flush());
  }

  /**
   * Flushes, then closes all connections; a transaction that runs is aborted. New sends reject from now on. Records that are not acknowledged within
   * `timeoutMs` fail with code `CLOSED`. Closing again waits for the first close.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options?.timeoutMs ?? Number.POSITIVE_INFINITY);
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

  /**
   * Calls `listener` at each event of that name; returns how to stop that. In Node.js all events of all producers are
   * also published with `diagnostics_channel`, as `ottla:producer:<event>`, with `clientId`.
   *
   * ```ts
   * producer.on("stall", ({ operation, error }) => alert(`${operation}: ${error.message}`));
   * ```
   */
  on<N extends keyof ProducerEvents>(name: N, listener: (event: ProducerEvents[N]) => void): () => void {
    requireEvent(PRODUCER_EVENTS, name, listener);
    return this.#events.on(name, listener);
  }

  #createTransactions(engine: TransactionEngine, transactionalId: string): TransactionManager<K, V> {
    const { transactionTimeoutMs, maxBlockMs } = this.#settings;
    const settings = { transactionalId, transactionTimeoutMs, maxBlockMs };
    const identity = engine.createIdentity(maxBlockMs);
    this.#accumulator.beginTransactions(identity);
    return engine.createManager<K, V>(this.#client, settings, identity, {
      send: async (input) => await this.#send(input, undefined),
      flush: () => this.#accumulator.flush(),
    });
  }

  #send(
    input: ProducerRecord<K, V> | readonly ProducerRecord<K, V>[],
    signal: AbortSignal | undefined,
  ): Promise<RecordMetadata | RecordMetadata[]> {
    this.#checkOpen(signal);
    if (typeof input !== "object" || input === null) {
      throw invalidArgument(`send takes a record or a list, not ${String(input)}.`);
    }
    if (!sendTracing?.hasSubscribers) return this.#sendInput(input, signal);
    return sendTracing.trace(this.#client.settings.clientId, input, (own) => this.#sendInput(own, signal));
  }

  #sendInput(
    input: ProducerRecord<K, V> | readonly ProducerRecord<K, V>[],
    signal: AbortSignal | undefined,
  ): Promise<RecordMetadata | RecordMetadata[]> {
    if (!isArray(input)) return this.#sendOne(input, signal);
    return this.#sendAll(input, signal, (record, nowMs) => this.#encoder.encode(record, nowMs));
  }

  #sendOne(input: ProducerRecord<K, V>, signal: AbortSignal | undefined): Promise<RecordMetadata> {
    const nowMs = this.#client.runtime.clock.nowMs();
    const record = this.#encoder.encode(input, nowMs);
    const timestampMs = record.timestampMs ?? nowMs;
    const batch = this.#accept(record, timestampMs, false);
    if (typeof batch === "string") return this.#sendLater(record, signal);
    const metadata = metadataOfLast(batch, timestampMs);
    return signal === undefined ? metadata : abortable(metadata, signal);
  }

  /** As an array of its own. */
  async #sendLater(record: EncodedRecord, signal: AbortSignal | undefined): Promise<RecordMetadata> {
    try {
      return (await this.#sendAll([record], signal, (encoded) => encoded))[0]!;
    } catch (error) {
      throw error instanceof ArraySendError ? error.cause : error;
    }
  }

  #sendAll<R>(
    input: readonly R[],
    signal: AbortSignal | undefined,
    encode: (record: R, nowMs: number) => EncodedRecord,
  ): Promise<RecordMetadata[]> {
    const send = new ArraySend<R>(input.length, this.#client.runtime.clock.nowMs(), {
      encode,
      accept: (record, timestampMs, isResuming) => this.#accept(record, timestampMs, isResuming),
      load: (topic) => this.#accumulator.load(topic),
    });
    const reason = send.start(input);
    if (reason !== null) this.#accumulator.wait(send, reason, signal);
    else this.#accumulator.accepted(send.batches);
    return signal === undefined ? send.result : abortable(send.result, signal);
  }

  /** Writes the record into its batch, unless it has to wait. */
  #accept(record: EncodedRecord, timestampMs: number, isResuming: boolean): ProducerBatch | WaitReason {
    return this.#accumulator.waitReason(record, isResuming) ?? this.#accumulator.append(record, timestampMs);
  }

  #checkOpen(signal: AbortSignal | undefined): void {
    if (this.#closing !== null) throw clientClosed("The producer");
    if (signal === undefined) return;
    if (signal === null || !isSignal(signal)) throw invalidArgument("signal is no AbortSignal.");
    if (signal.aborted) throw aborted(signal);
  }

  async #close(timeoutMs: number): Promise<void> {
    const deadline = new Deadline("Closing the producer", this.#client.runtime, timeoutMs);
    try {
      await deadline.race(this.#transactions?.stop(clientClosed("The producer")) ?? Promise.resolve());
      await deadline.race(this.#accumulator.flush());
    } catch {
      // What is left fails below.
    }
    this.#accumulator.close(clientClosed("The producer"));
    await this.#client.close();
  }
}

function wrongState(what: string): KafkaError {
  return KafkaError.fromCode(ErrorCode.INVALID_TXN_STATE, what);
}

function isArray<T>(input: T | readonly T[]): input is readonly T[] {
  return Array.isArray(input);
}

/** Where the record appended last to the batch is written, once the batch is done. */
function metadataOfLast(batch: ProducerBatch, timestampMs: number): Promise<RecordMetadata> {
  const index = batch.recordsCount - 1;
  return batch.done.then(() => batch.metadataOf(index, timestampMs));
}

/** `promise`, unless the signal comes first. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(aborted(signal)));
    promise.then(resolve, reject).finally(stopListening);
  });
}
