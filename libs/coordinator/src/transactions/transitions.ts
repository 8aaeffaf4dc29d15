import {
  isEpochExhausted,
  NO_PARTITIONS,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_TIMESTAMP,
  type PartitionsByTopic,
  type TransactionMetadata,
  TransactionVersion,
  union,
} from "./transaction-metadata.ts";
import { isAtRest } from "./transaction-state.ts";

/** A transactional id that nobody has used. */
export function newTransaction(transactionalId: string, producerId: number, nowMs: number): TransactionMetadata {
  return {
    transactionalId,
    producerId,
    previousProducerId: NO_PRODUCER_ID,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: NO_PRODUCER_EPOCH,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs: 0,
    state: "Empty",
    partitions: NO_PARTITIONS,
    startMs: NO_TIMESTAMP,
    lastUpdateMs: nowMs,
    clientTransactionVersion: TransactionVersion.V0,
  };
}

/** What a producer that starts, or starts again, says of itself. */
export interface ProducerStart {
  readonly timeoutMs: number;
  /** The epoch that the producer has now, or null for one that has none (KIP-360). */
  readonly expectedEpoch: number | null;
  readonly nowMs: number;
}

/** The producer gets the next epoch; null where it is an older one, fenced. A repetition gets the same epoch again. */
export function incrementEpoch(
  metadata: TransactionMetadata,
  { timeoutMs, expectedEpoch, nowMs }: ProducerStart,
): TransactionMetadata | null {
  const { producerEpoch, lastProducerEpoch } = metadata;
  const started = startedAnew(metadata, timeoutMs, nowMs);
  const isCurrent = producerEpoch === NO_PRODUCER_EPOCH || expectedEpoch === producerEpoch;
  if (expectedEpoch === null) {
    return { ...started, producerEpoch: producerEpoch + 1, lastProducerEpoch: NO_PRODUCER_EPOCH };
  }
  if (isCurrent) return { ...started, producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch };
  return expectedEpoch === lastProducerEpoch ? started : null;
}

/** The epochs are used up: the producer goes on under a new id. */
export function rotateProducerId(
  metadata: TransactionMetadata,
  newProducerId: number,
  { timeoutMs, expectedEpoch, nowMs }: ProducerStart,
): TransactionMetadata {
  return {
    ...startedAnew(metadata, timeoutMs, nowMs),
    producerId: newProducerId,
    previousProducerId: metadata.producerId,
    producerEpoch: 0,
    lastProducerEpoch: expectedEpoch === null ? NO_PRODUCER_EPOCH : metadata.producerEpoch,
  };
}

function startedAnew(metadata: TransactionMetadata, timeoutMs: number, nowMs: number): TransactionMetadata {
  return {
    ...metadata,
    nextProducerId: NO_PRODUCER_ID,
    timeoutMs,
    state: "Empty",
    partitions: NO_PARTITIONS,
    startMs: NO_TIMESTAMP,
    lastUpdateMs: nowMs,
  };
}

/** Partitions join the transaction, which begins with the first of them. */
export function addPartitions(
  metadata: TransactionMetadata,
  partitions: PartitionsByTopic,
  clientTransactionVersion: number,
  nowMs: number,
): TransactionMetadata {
  return {
    ...metadata,
    state: "Ongoing",
    partitions: union(metadata.partitions, partitions),
    startMs: isAtRest(metadata.state) ? nowMs : metadata.startMs,
    lastUpdateMs: nowMs,
    clientTransactionVersion,
  };
}

/** How a transaction ends. */
export interface TransactionEnd {
  readonly outcome: "commit" | "abort";
  readonly clientTransactionVersion: number;
  /** A fresh id to go on with, where the epochs are used up; -1 otherwise. */
  readonly nextProducerId: number;
  readonly nowMs: number;
}

/** The transaction is decided. With transactions v2 its markers carry the next epoch, and so does the producer. */
export function prepareEnd(metadata: TransactionMetadata, end: TransactionEnd): TransactionMetadata {
  const bumpsEpoch = end.clientTransactionVersion >= TransactionVersion.V2;
  return {
    ...metadata,
    nextProducerId: end.nextProducerId,
    producerEpoch: bumpsEpoch ? metadata.producerEpoch + 1 : metadata.producerEpoch,
    lastProducerEpoch: bumpsEpoch ? metadata.producerEpoch : metadata.lastProducerEpoch,
    state: end.outcome === "commit" ? "PrepareCommit" : "PrepareAbort",
    // An empty transaction, which v2 allows to abort, has not begun before.
    startMs: metadata.state === "Ongoing" ? metadata.startMs : end.nowMs,
    lastUpdateMs: end.nowMs,
    clientTransactionVersion: end.clientTransactionVersion,
  };
}

/**
 * The transaction is aborted, and its producer fenced by the next epoch. In both generations the epoch moves by one: two
 * would overflow it.
 */
export function prepareFence(metadata: TransactionMetadata, nowMs: number): TransactionMetadata {
  return {
    ...metadata,
    producerEpoch: metadata.producerEpoch + 1,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    state: "PrepareAbort",
    lastUpdateMs: nowMs,
  };
}

/** All markers of the transaction are written. */
export function completeEnd(metadata: TransactionMetadata, nowMs: number): TransactionMetadata {
  const { nextProducerId } = metadata;
  const completed: TransactionMetadata = {
    ...metadata,
    nextProducerId: NO_PRODUCER_ID,
    state: metadata.state === "PrepareCommit" ? "CompleteCommit" : "CompleteAbort",
    partitions: NO_PARTITIONS,
    lastUpdateMs: nowMs,
  };
  if (nextProducerId === NO_PRODUCER_ID) return completed;
  return { ...completed, producerId: nextProducerId, previousProducerId: metadata.producerId, producerEpoch: 0 };
}

/** Whether the next end of a transaction needs a producer id to go on with. */
export function needsNextProducerId(metadata: TransactionMetadata, clientTransactionVersion: number): boolean {
  return clientTransactionVersion >= TransactionVersion.V2 && isEpochExhausted(metadata.producerEpoch);
}
