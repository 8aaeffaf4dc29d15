import {
  type BrokerConnection,
  type ClusterClient,
  isRetriable,
  type TroubleMonitor,
  toKafkaError,
} from "@ottla/client/internal";
import type { KafkaError, ProduceResponse } from "@ottla/protocol";
import type { Timer } from "@ottla/runtime";
import { type DrainRules, NEVER, type PartitionQueue, type QueueDrainer } from "../accumulator/partition-queue.ts";
import type { ProducerBatch } from "../accumulator/producer-batch.ts";
import type { Identity } from "../idempotence/identity.ts";
import type { ProducerCounters } from "../metrics.ts";
import type { ProducerSettings } from "../options.ts";
import { type BatchOutcomes, NOWHERE_KNOWN } from "./batch-outcomes.ts";
import { exchangeProduce, matchResponses, type TakenBatch } from "./produce-exchange.ts";

/** How long a batch that is not full waits at most for the answers to requests before it, where `lingerMs` is less. */
const NATURAL_BATCHING_MS_MAX = 5;

/** As long as fewer requests are in flight, a large batch waits for none of them. */
const LARGE_IN_FLIGHT_MAX = 2;

/** What the senders of all brokers share. */
export interface SenderEnvironment {
  readonly client: ClusterClient;
  readonly settings: ProducerSettings;
  /** Null without idempotence. */
  readonly identity: Identity | null;
  readonly outcomes: BatchOutcomes;
  readonly counters: ProducerCounters;
  readonly troubles: TroubleMonitor;
  /** Whether someone waits for everything to be sent: nothing lingers then. */
  isFlushing(): boolean;
  /** Whether sends wait for the memory of batches that are not full: `lingerMs` does not count then. */
  isMemoryShort(): boolean;
  topicIdOf(topic: string): string;
  /** The highest version of Produce to use; undefined for any. */
  maxProduceVersion(): number | undefined;
  /** Ends the taking of records by a batch that is to be sent. */
  seal(batch: ProducerBatch, queue: PartitionQueue): void;
  /** Nothing can be sent to this broker, ever: gives up what its queues hold. */
  giveUp(queue: PartitionQueue, error: KafkaError): void;
}

/**
 * Sends the batches of the partitions that one broker leads: those that are due at a moment in one request, up to
 * `maxInFlightRequestsPerConnection` requests at a time.
 *
 * Draining happens once per turn of the event loop, after its I/O: sends that are made in the same turn, or because of
 * the same answer, go together. While a request is in flight, batches that are not full wait for its answer, for
 * `NATURAL_BATCHING_MS_MAX` at most: at low load a record leaves at once, at high load batches fill by themselves. Large
 * ones wait only while two are in flight, and do not wait for the end of the turn: else producer and broker would work in
 * turns, and each wait for the other.
 */
export class BrokerSender implements QueueDrainer {
  readonly #brokerId: number;
  readonly #environment: SenderEnvironment;
  /** Queues that may have something to send, those that waited longest first. */
  readonly #queues = new Set<PartitionQueue>();
  readonly #drainSoon = () => {
    this.#isScheduled = false;
    this.#drain();
  };
  #isScheduled = false;
  #isConnecting = false;
  #connectFailures = 0;
  #inFlight = 0;
  #timer: Timer | null = null;
  #timerDueMs = NEVER;
  #closed = false;
  #stalledSinceMs: number | null = null;

  constructor(brokerId: number, environment: SenderEnvironment) {
    this.#brokerId = brokerId;
    this.#environment = environment;
  }

  get stalledSinceMs(): number | null {
    return this.#stalledSinceMs;
  }

  wake(queue: PartitionQueue): void {
    this.#queues.add(queue);
    this.schedule();
  }

  wakeLarge(queue: PartitionQueue): void {
    this.#queues.add(queue);
    if (this.#inFlight < LARGE_IN_FLIGHT_MAX) this.#drain();
    else this.schedule();
  }

  /** The partition has another leader now. */
  forget(queue: PartitionQueue): void {
    this.#queues.delete(queue);
  }

  /** Drains after the I/O of this turn. */
  schedule(): void {
    if (this.#isScheduled || this.#closed) return;
    this.#isScheduled = true;
    this.#environment.client.runtime.timers.defer(this.#drainSoon);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#queues.clear();
  }

  #drain(): void {
    if (this.#closed) return;
    if (this.#queues.size === 0) {
      this.#stalledSinceMs = null;
      return;
    }
    const connection = this.#environment.client.openConnection(this.#brokerId);
    const nowMs = this.#nowMs();
    this.#stalledSinceMs ??= nowMs; // until something is sent, or it turns out that nothing is due
    if (connection === undefined) this.#connect();
    else this.#sendUnthrottled(connection, nowMs);
  }

  #sendUnthrottled(connection: BrokerConnection, nowMs: number): void {
    const throttleMs = this.#environment.client.throttleLeftMs(connection);
    if (throttleMs > 0) this.#wakeIn(throttleMs, nowMs);
    else this.#sendDue(connection, nowMs);
  }

  #sendDue(connection: BrokerConnection, nowMs: number): void {
    while (this.#inFlight < this.#environment.settings.maxInFlightRequests) {
      const { taken, nextDueMs } = this.#takeDue(nowMs);
      this.#stalledSinceMs = null;
      if (taken.length > 0) {
        this.#send(connection, taken, nowMs);
      } else {
        this.#wakeIn(nextDueMs, nowMs);
        return;
      }
    }
  }

  /** One batch of each partition that is due, as many as one request holds; and when the next one will be. */
  #takeDue(nowMs: number): { readonly taken: TakenBatch[]; readonly nextDueMs: number } {
    const { maxRequestSizeBytes } = this.#environment.settings;
    const rules = this.#rules(nowMs);
    const taken: TakenBatch[] = [];
    let nextDueMs = NEVER;
    let sizeBytes = 0;
    for (const queue of this.#queues) {
      const dueInMs = queue.dueInMs(rules);
      if (dueInMs > 0) {
        nextDueMs = Math.min(nextDueMs, dueInMs);
        if (!queue.hasUnsent) this.#queues.delete(queue);
        continue;
      }
      const batch = queue.peek()!;
      if (taken.length > 0 && sizeBytes + batch.sizeBytes > maxRequestSizeBytes) break;
      if (!this.#prepare(queue, batch)) continue;
      sizeBytes += batch.sizeBytes;
      taken.push({ queue, batch: queue.take(), topicId: this.#environment.topicIdOf(queue.topic) });
    }
    for (const { queue } of taken) this.#moveToEnd(queue);
    return { taken, nextDueMs };
  }

  #rules(nowMs: number): DrainRules {
    const { settings, isFlushing, isMemoryShort } = this.#environment;
    const configuredMs = isMemoryShort() ? 0 : settings.lingerMs;
    const lingerMs = (inFlightMin: number) => {
      const whileInFlightMs = this.#inFlight >= inFlightMin ? NATURAL_BATCHING_MS_MAX : 0;
      return isFlushing() ? 0 : Math.max(configuredMs, whileInFlightMs);
    };
    const { maxInFlightRequests } = settings;
    return {
      nowMs,
      lingerMs: lingerMs(1),
      largeLingerMs: lingerMs(LARGE_IN_FLIGHT_MAX),
      maxInFlight: maxInFlightRequests,
    };
  }

  /** @returns whether the batch can be taken now; if not, the queue is woken when it can */
  #prepare(queue: PartitionQueue, batch: ProducerBatch): boolean {
    const { identity, seal } = this.#environment;
    if (identity !== null && !identity.isKnown) {
      identity.request();
      return false;
    }
    if (identity !== null && !identity.admits(queue.topic, queue.partition)) return false;
    if (batch === queue.open) {
      queue.closeOpen();
      seal(batch, queue);
    }
    return batch.isReady;
  }

  /** So that a request with room for few partitions takes all of them in turn. */
  #moveToEnd(queue: PartitionQueue): void {
    this.#queues.delete(queue);
    if (queue.hasUnsent) this.#queues.add(queue);
  }

  #send(connection: BrokerConnection, taken: readonly TakenBatch[], nowMs: number): void {
    const { settings, counters, outcomes } = this.#environment;
    this.#inFlight++;
    countRequest(counters, taken);
    exchangeProduce(connection, taken, settings, this.#environment.maxProduceVersion()).then(
      (response) => {
        this.#over(taken, nowMs);
        if (response === null) for (const batch of taken) outcomes.written(batch, NOWHERE_KNOWN);
        else this.#answered(connection, taken, response);
      },
      (error) => {
        this.#over(taken, nowMs);
        for (const batch of taken) outcomes.failed(batch, error);
      },
    );
  }

  #answered(connection: BrokerConnection, taken: readonly TakenBatch[], response: ProduceResponse): void {
    this.#environment.client.throttled(connection, response);
    this.#environment.counters.throttled(response.throttleTimeMs);
    const answers = matchResponses(taken, response);
    for (let index = 0; index < taken.length; index++) {
      this.#environment.outcomes.answered(taken[index]!, answers[index], response);
    }
  }

  /** A request is in flight no longer. What waits for it may be another sender's by now. */
  #over(taken: readonly TakenBatch[], sentAtMs: number): void {
    this.#inFlight--;
    this.#environment.counters.answered(this.#nowMs() - sentAtMs);
    this.schedule();
    for (const { queue } of taken) if (queue.drainer !== this) queue.drainer?.wake(queue);
  }

  #connect(): void {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    const { client, settings } = this.#environment;
    const deadline = client.deadline(`Connecting to broker ${this.#brokerId}`, {
      timeoutMs: settings.deliveryTimeoutMs,
    });
    client.connection(this.#brokerId, deadline).then(
      () => {
        this.#isConnecting = false;
        this.#connectFailures = 0;
        this.#environment.troubles.recovered(this.#connecting);
        this.schedule();
      },
      (error) => {
        this.#isConnecting = false;
        if (!this.#closed) this.#connectFailed(error);
      },
    );
  }

  /** The leader may be elsewhere by now; if the metadata do not say so, it is tried again. */
  #connectFailed(cause: unknown): void {
    const { client, giveUp, troubles } = this.#environment;
    const error = toKafkaError(cause);
    if (!isRetriable(error)) {
      for (const queue of [...this.#queues]) giveUp(queue, error);
      return;
    }
    troubles.report(this.#connecting, error);
    for (const queue of this.#queues) for (const batch of queue.unfinished()) batch.lastFailure = error;
    client.metadata.requestRefresh();
    this.#wakeIn(client.retryBackoffMs(++this.#connectFailures), this.#nowMs());
  }

  /** The operation, as events name it. */
  get #connecting(): string {
    return `connect to broker ${this.#brokerId}`;
  }

  /** Drains in `delayMs` or before; in whole milliseconds, so that what was due then is due when the timer fires. */
  #wakeIn(delayMs: number, nowMs: number): void {
    const dueMs = nowMs + delayMs;
    if (delayMs === NEVER || dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    const onDue = () => {
      this.#timer = null;
      this.#timerDueMs = NEVER;
      this.#drain();
    };
    this.#timer = this.#environment.client.runtime.timers.schedule(Math.ceil(delayMs), onDue, { keepAlive: true });
  }

  #nowMs(): number {
    return this.#environment.client.runtime.clock.monotonicMs();
  }
}

function countRequest(counters: ProducerCounters, taken: readonly TakenBatch[]): void {
  let bytes = 0;
  let records = 0;
  for (const { batch } of taken) {
    bytes += batch.sizeBytes;
    records += batch.recordsCount;
  }
  counters.requested(taken.length, bytes, records);
}
