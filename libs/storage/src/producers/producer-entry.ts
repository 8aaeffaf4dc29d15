import { NO_PRODUCER_EPOCH, NO_SEQUENCE } from "@ottla/protocol/internal";
import type { ProducerDescription } from "../partition-log.ts";

/** One batch of an idempotent producer, remembered so that its repetition is recognized. */
export interface ProducerBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The largest timestamp of its records; after a restart that of the producer's last batch. */
  readonly timestampMs: number;
}

/** How many batches are remembered: as many as an idempotent producer may have in flight. */
export const REMEMBERED_BATCHES = 5;

/** What a partition knows of one producer. Never changed: an append puts a new entry in its place. */
export interface ProducerEntry {
  readonly producerId: number;
  /** -1 where only a marker is known that brought none. */
  readonly producerEpoch: number;
  /** The last batches, oldest first; at most {@link REMEMBERED_BATCHES}. */
  readonly batches: readonly ProducerBatch[];
  /** The epoch of the transaction coordinator that wrote the last marker; -1 before the first. */
  readonly coordinatorEpoch: number;
  /** The largest timestamp of the last batch. */
  readonly lastTimestampMs: number;
  /** When this broker last heard of the producer: what `producer.id.expiration.ms` counts from. */
  readonly lastActiveMs: number;
  /** Where the producer's open transaction begins; -1 when none is open. */
  readonly transactionFirstOffset: number;
}

export const NO_OFFSET = -1;

export function emptyProducerEntry(producerId: number): ProducerEntry {
  return {
    producerId,
    producerEpoch: NO_PRODUCER_EPOCH,
    batches: [],
    coordinatorEpoch: -1,
    lastTimestampMs: -1,
    lastActiveMs: 0,
    transactionFirstOffset: NO_OFFSET,
  };
}

export function describeProducer(entry: ProducerEntry): ProducerDescription {
  return {
    producerId: entry.producerId,
    producerEpoch: entry.producerEpoch,
    lastSequence: entry.batches.at(-1)?.lastSequence ?? NO_SEQUENCE,
    lastTimestampMs: entry.lastTimestampMs,
    coordinatorEpoch: entry.coordinatorEpoch,
    transactionStartOffset: entry.transactionFirstOffset,
  };
}

/** The remembered batch with exactly these sequence numbers, if the producer's epoch is still the same. */
export function findDuplicate(
  entry: ProducerEntry,
  producerEpoch: number,
  firstSequence: number,
  lastSequence: number,
): ProducerBatch | undefined {
  if (entry.producerEpoch !== producerEpoch) return undefined;
  return entry.batches.find((batch) => batch.firstSequence === firstSequence && batch.lastSequence === lastSequence);
}
