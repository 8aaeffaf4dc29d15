import { type ClusterClient, isStaleMetadata, late, type TroubleMonitor, toKafkaError } from "@ottla/client/internal";
import type { ProduceResponse } from "@ottla/protocol";
import { ErrorCode, errorByCode, KafkaError } from "@ottla/protocol/client";
import type { PartitionQueue } from "../accumulator/partition-queue.ts";
import type { BatchFailure, BatchResult, ProducerBatch } from "../accumulator/producer-batch.ts";
import { splitBatch } from "../accumulator/split-batch.ts";
import type { ProducerCounters } from "../metrics.ts";
import type { ProducerWatch } from "../watch.ts";
import type { PartitionResponse, TakenBatch } from "./produce-exchange.ts";

/** What outcomes need from the accumulator. */
export interface BatchOwner {
  /** The broker has the batch, so nobody reads its buffer any more. */
  recycle(batch: ProducerBatch): void;
  /** The batch is done: frees what it held. */
  release(batch: ProducerBatch): void;
  /** Why no batch is to be sent again; null while all is well. */
  readonly givenUp: KafkaError | null;
  /** The batch has failed for good. */
  failed(error: KafkaError): void;
  /** The broker found a batch of this topic too large; `parts` take its place. */
  replace(batch: ProducerBatch, parts: readonly ProducerBatch[]): void;
}

/** The broker has the records, and does not say (any more) where. */
export const NOWHERE_KNOWN: BatchResult = { baseOffset: -1, logAppendTimeMs: -1 };

/** Decides what becomes of each batch after an attempt: done, sent again, split, or failed. */
export class BatchOutcomes {
  readonly #client: ClusterClient;
  readonly #owner: BatchOwner;
  readonly #counters: ProducerCounters;
  readonly #troubles: TroubleMonitor;

  constructor(client: ClusterClient, owner: BatchOwner, { counters, troubles }: ProducerWatch) {
    this.#client = client;
    this.#owner = owner;
    this.#counters = counters;
    this.#troubles = troubles;
  }

  /** The batch was written (or, with `acks: 0`, sent). */
  written({ queue, batch }: TakenBatch, { baseOffset, logAppendTimeMs }: BatchResult): void {
    queue.answered(batch);
    queue.sequence?.acked(batch);
    if (this.#troubles.isInTrouble) this.#troubles.recovered(producingTo(queue));
    if (batch.isDone) return;
    this.#counters.recordsSent += batch.recordsCount;
    batch.complete({ baseOffset, logAppendTimeMs });
    this.#owner.recycle(batch);
    this.#owner.release(batch);
  }

  /** The broker answered. `response` is what it said of this batch; undefined if it forgot to. */
  answered(taken: TakenBatch, response: PartitionResponse | undefined, whole: ProduceResponse): void {
    if (response === undefined) this.#lost(taken, noAnswer(taken.queue));
    else if (response.errorCode === ErrorCode.NONE) this.written(taken, response);
    else if (response.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) this.written(taken, NOWHERE_KNOWN);
    else this.#refused(taken, response, this.#followHint(taken.queue, response, whole));
  }

  /** The request failed: whether the broker has the batch is not known. */
  failed(taken: TakenBatch, error: unknown): void {
    this.#lost(taken, toKafkaError(error));
  }

  /** Gives a batch up that has not been written in time. */
  expire(queue: PartitionQueue, batch: ProducerBatch, deliveryTimeoutMs: number): void {
    queue.discard(batch);
    this.#fail(batch, { error: expired(batch, deliveryTimeoutMs) });
  }

  /** Gives a batch up because nothing can be sent any more, or not to this partition. */
  abandon(queue: PartitionQueue, batch: ProducerBatch, error: KafkaError): void {
    queue.discard(batch);
    this.#fail(batch, { error });
  }

  #refused(taken: TakenBatch, response: PartitionResponse, leaderMoved: boolean): void {
    const { queue, batch } = taken;
    const { errorCode } = response;
    if (errorCode === ErrorCode.MESSAGE_TOO_LARGE && batch.recordsCount > 1 && !batch.isDone) {
      this.#split(taken);
      return;
    }
    queue.answered(batch);
    if (batch.isDone) return;
    const error = KafkaError.fromCode(errorCode, describe(queue, response.errorMessage));
    if (isSequenceError(errorCode) && queue.sequence !== null) {
      // Behind a batch that is still to come this is no news; the first in line has found a gap that nothing fills.
      if (queue.isFirstUnfinished(batch)) queue.sequence.wantReset();
      this.#retry(queue, batch, error);
    } else if (errorByCode(errorCode).retriable) {
      this.#retry(queue, batch, error);
      if (leaderMoved) batch.retryAtMs = 0;
    } else {
      queue.sequence?.markUnresolved();
      this.#fail(batch, { error, ...recordErrorsOf(queue, response) });
    }
  }

  #lost({ queue, batch }: TakenBatch, error: KafkaError): void {
    queue.answered(batch);
    if (batch.isDone) return;
    if (error.retriable) {
      this.#client.metadata.requestRefresh();
      this.#retry(queue, batch, error);
    } else {
      queue.sequence?.markUnresolved();
      this.#fail(batch, { error });
    }
  }

  #retry(queue: PartitionQueue, batch: ProducerBatch, error: KafkaError): void {
    if (this.#owner.givenUp !== null) {
      queue.sequence?.markUnresolved();
      this.#fail(batch, { error: this.#owner.givenUp });
      return;
    }
    this.#counters.recordsRetried += batch.recordsCount;
    this.#troubles.report(producingTo(queue), error);
    batch.lastFailure = error;
    batch.retryAtMs = this.#client.runtime.clock.monotonicMs() + this.#client.retryBackoffMs(batch.attempts, error);
    queue.retry(batch);
    queue.drainer?.wake(queue);
  }

  #fail(batch: ProducerBatch, failure: BatchFailure): void {
    this.#counters.recordsFailed += batch.recordsCount;
    batch.fail(failure);
    this.#owner.release(batch);
    this.#owner.failed(failure.error);
  }

  /** The batch stays in flight until its parts are there, so that nothing overtakes them. */
  #split({ queue, batch }: TakenBatch): void {
    this.#counters.batchesSplit++;
    splitBatch(batch, batch.encode()).then(
      (parts) => {
        queue.answered(batch);
        queue.drainer?.wake(queue);
        if (batch.isDone) return;
        batch.splitInto(parts);
        this.#owner.replace(batch, parts);
        queue.retrySplit(parts);
      },
      (error) => this.failed({ queue, batch, topicId: "" }, error),
    );
  }

  /** Takes over the leader that the broker names (KIP-951), or has the metadata refreshed. @returns the former */
  #followHint(queue: PartitionQueue, response: PartitionResponse, { nodeEndpoints }: ProduceResponse): boolean {
    if (!isStaleMetadata(response.errorCode)) return false;
    const { leaderId, leaderEpoch } = response.currentLeader;
    const endpoint = nodeEndpoints.find(({ nodeId }) => nodeId === leaderId);
    const { metadata } = this.#client;
    const isKnown = endpoint !== undefined || metadata.view.brokers.has(leaderId);
    if (leaderId < 0 || !isKnown) {
      metadata.requestRefresh();
      return false;
    }
    const nodes = endpoint ? [{ id: leaderId, address: this.#client.addressOf(endpoint), rack: endpoint.rack }] : [];
    const before = metadata.view;
    metadata.applyLeaderHints([{ topic: queue.topic, partition: queue.partition, leaderId, leaderEpoch }], nodes);
    if (metadata.view === before) metadata.requestRefresh();
    return metadata.view !== before;
  }
}

function isSequenceError(errorCode: number): boolean {
  return errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER || errorCode === ErrorCode.UNKNOWN_PRODUCER_ID;
}

function describe({ topic, partition }: PartitionQueue, detail?: string | null): string {
  return detail ? `${topic}-${partition}: ${detail}` : `${topic}-${partition}`;
}

/** The operation, as events name it. */
function producingTo(queue: PartitionQueue): string {
  return `produce to ${describe(queue)}`;
}

function recordErrorsOf(queue: PartitionQueue, response: PartitionResponse): Pick<BatchFailure, "recordErrors"> {
  if (response.recordErrors.length === 0) return {};
  const recordErrors = new Map<number, KafkaError>();
  for (const { batchIndex, batchIndexErrorMessage } of response.recordErrors) {
    const detail = describe(queue, batchIndexErrorMessage ?? response.errorMessage);
    recordErrors.set(batchIndex, KafkaError.fromCode(response.errorCode, detail));
  }
  return { recordErrors };
}

function noAnswer(queue: PartitionQueue): KafkaError {
  return KafkaError.fromCode(ErrorCode.NETWORK_EXCEPTION, `The broker said nothing of ${describe(queue)}`);
}

function expired(batch: ProducerBatch, deliveryTimeoutMs: number): KafkaError {
  const last = batch.lastFailure === undefined ? "" : ` The last attempt failed: ${batch.lastFailure.message}`;
  const sent = batch.attempts === 0 ? "were not sent" : "were not acknowledged, though they may have been written,";
  const message = `${batch.recordsCount} records for ${batch.topic}-${batch.partition} ${sent} within ${deliveryTimeoutMs} ms (deliveryTimeoutMs).${last}`;
  return late(message, batch.lastFailure);
}
