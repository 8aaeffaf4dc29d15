import type { TransactionState } from "./transaction-state.ts";

export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_TIMESTAMP = -1;

/** The largest epoch that there is. It is used to fence a producer, and never given to one. */
export const PRODUCER_EPOCH_MAX = 32_767;

/** Levels of the feature `transaction.version`, and what a client has shown it works by (KIP-890). */
export const TransactionVersion = { V0: 0, V1: 1, V2: 2 } as const;

/** Partitions by topic. Never changed in place. */
export type PartitionsByTopic = ReadonlyMap<string, ReadonlySet<number>>;

export const NO_PARTITIONS: PartitionsByTopic = new Map();

/**
 * What is known of a transactional id: what its last record in the log says. Never changed in place.
 * `lastProducerEpoch` alone is not in the log.
 */
export interface TransactionMetadata {
  readonly transactionalId: string;
  readonly producerId: number;
  /** The producer id before the epochs of that one were used up; -1 for none. */
  readonly previousProducerId: number;
  /** The producer id from the end of this transaction on, where epochs are used up; -1 otherwise. */
  readonly nextProducerId: number;
  readonly producerEpoch: number;
  /** The epoch before the last bump that a client asked for in person: its repetition is recognized by it. */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  readonly partitions: PartitionsByTopic;
  /** When the transaction began; -1 before the first. */
  readonly startMs: number;
  readonly lastUpdateMs: number;
  /** By which protocol the client works: 2 bumps the epoch at each end. */
  readonly clientTransactionVersion: number;
}

/** Whether no producer may be given the epoch after this one. */
export function isEpochExhausted(epoch: number): boolean {
  return epoch >= PRODUCER_EPOCH_MAX - 1;
}

export function containsAll(partitions: PartitionsByTopic, wanted: PartitionsByTopic): boolean {
  for (const [topic, indexes] of wanted) {
    const present = partitions.get(topic);
    if (present === undefined) return false;
    for (const index of indexes) if (!present.has(index)) return false;
  }
  return true;
}

export function union(first: PartitionsByTopic, second: PartitionsByTopic): PartitionsByTopic {
  if (first.size === 0) return second;
  const all = new Map(first);
  for (const [topic, indexes] of second) all.set(topic, new Set([...(all.get(topic) ?? []), ...indexes]));
  return all;
}

/** Partitions from the form that requests have. */
export function partitionsOf(
  topics: Iterable<{ readonly name: string; readonly partitions: Iterable<number> }>,
): PartitionsByTopic {
  const byTopic = new Map<string, Set<number>>();
  for (const { name, partitions } of topics) {
    const indexes = byTopic.get(name) ?? new Set<number>();
    for (const partition of partitions) indexes.add(partition);
    byTopic.set(name, indexes);
  }
  return byTopic;
}
