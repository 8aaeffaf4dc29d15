import type { TransactionDescription, TransactionListing } from "@ottla/admin";

export interface Partition {
  readonly topic: string;
  readonly partition: number;
}

/** A transaction that is open in a partition, as its leader tells. */
export interface FoundTransaction extends Partition {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly startOffset: number;
  /** Of its last record there, -1 if unknown. */
  readonly lastTimestampMs: number;
}

/**
 * How it stands with an open transaction:
 * - `open`: its coordinator knows it and will end it
 * - `late`: it is open for longer than its timeout, and its coordinator has not aborted it yet
 * - `hung`: no coordinator knows that it is open in this partition, so none will ever end it
 */
export type Verdict = "open" | "late" | "hung";

export interface OpenTransaction extends FoundTransaction {
  readonly verdict: Verdict;
  /** Null where no coordinator knows its producer. */
  readonly transactionalId: string | null;
  /** Null where no coordinator knows. */
  readonly openForMs: number | null;
}

type Listing = Pick<TransactionListing, "transactionalId" | "producerId">;
type Description = Pick<TransactionDescription, "transactionalId" | "partitions" | "startTimeMs" | "timeoutMs">;

/**
 * Those that may hang, as Kafka's `kafka-transactions.sh find-hanging` judges: no coordinator has their producer, or
 * its transaction does not include the partition. One that could not be described is no suspect.
 */
export function suspectsOf(
  found: readonly FoundTransaction[],
  listed: readonly Listing[],
  described: readonly Description[],
): FoundTransaction[] {
  const idOf = new Map(listed.map(({ producerId, transactionalId }) => [producerId, transactionalId]));
  const byId = new Map(described.map((each) => [each.transactionalId, each]));
  return found.filter(({ producerId, topic, partition }) => {
    const id = idOf.get(producerId);
    if (id === undefined) return true;
    const description = byId.get(id);
    return description !== undefined && !has(description, { topic, partition });
  });
}

function has({ partitions }: Description, { topic, partition }: Partition): boolean {
  return partitions.some((each) => each.topic === topic && each.partition === partition);
}

/** @param options `stillOpen`: what the leaders said of the suspects' partitions after the coordinators had answered */
export function verdictsOf(options: {
  readonly found: readonly FoundTransaction[];
  readonly listed: readonly Listing[];
  readonly described: readonly Description[];
  readonly stillOpen: readonly FoundTransaction[];
  readonly nowMs: number;
}): OpenTransaction[] {
  const { found, listed, described, stillOpen, nowMs } = options;
  const suspects = new Set(suspectsOf(found, listed, described).map(nameOf));
  const confirmed = new Set(stillOpen.map(nameOf));
  const idOf = new Map(listed.map(({ producerId, transactionalId }) => [producerId, transactionalId]));
  const byId = new Map(described.map((each) => [each.transactionalId, each]));
  return found.flatMap((each): OpenTransaction[] => {
    const transactionalId = idOf.get(each.producerId) ?? null;
    if (suspects.has(nameOf(each))) {
      return confirmed.has(nameOf(each)) ? [{ ...each, transactionalId, openForMs: null, verdict: "hung" }] : [];
    }
    const description = byId.get(transactionalId ?? "");
    const isTimed = description !== undefined && description.startTimeMs >= 0;
    const openForMs = isTimed ? nowMs - description.startTimeMs : null;
    const isLate = openForMs !== null && openForMs > description!.timeoutMs;
    return [{ ...each, transactionalId, openForMs, verdict: isLate ? "late" : "open" }];
  });
}

function nameOf({ topic, partition, producerId, startOffset }: FoundTransaction): string {
  return `${topic}-${partition} ${producerId} ${startOffset}`;
}
