import { Deadline } from "../shard/deadlines.ts";
import type { PartitionsByTopic, TransactionMetadata } from "./transaction-metadata.ts";
import { isTransitionAllowed, type TransactionState } from "./transaction-state.ts";

/** What a deadline of a shard is about. */
export type TransactionDeadline =
  /** Transactions that have been open for too long are to be looked for. */
  | { readonly type: "abortTimedOut" }
  /** Transactional ids that nobody uses any more are to be looked for. */
  | { readonly type: "removeExpired" }
  /** The oldest uncommitted records have waited for too long. */
  | { readonly type: "commitTimeout" }
  /** What is missing to end a transaction is to be tried again. */
  | { readonly type: "retryEnd"; readonly transactionalId: string };

/**
 * A transactional id: what the log says of it, and what is under way.
 *
 * Invariant: at most one record of an id is under way. Until its fate is known everybody else is told
 * CONCURRENT_TRANSACTIONS, so that nothing is decided upon what may never be.
 */
export class Transaction {
  metadata: TransactionMetadata;
  /** The state that the record under way leads to, or null. */
  pendingState: TransactionState | null = null;
  /** While markers are missing: where. Null in all other states. */
  unmarked: Map<string, Set<number>> | null = null;
  /** Whether markers have been asked for and are not answered. */
  areMarkersUnderWay = false;
  retryDeadline: Deadline<TransactionDeadline> | null = null;

  constructor(metadata: TransactionMetadata) {
    this.metadata = metadata;
  }

  get transactionalId(): string {
    return this.metadata.transactionalId;
  }

  /** A record is about to be written that leads to `next`. */
  beginTransition(next: TransactionState): void {
    const { transactionalId, metadata, pendingState } = this;
    if (pendingState !== null && !isTransitionAllowed(pendingState, next)) {
      throw new Error(`${transactionalId} cannot go to ${next}: it is on its way to ${pendingState}`);
    }
    const from = pendingState ?? metadata.state;
    if (!isTransitionAllowed(from, next)) throw new Error(`${transactionalId} cannot go from ${from} to ${next}`);
    this.pendingState = next;
  }

  /** The record that led to `next` is committed. */
  completeTransition(next: TransactionMetadata): void {
    const { transactionalId, metadata, pendingState } = this;
    if (pendingState !== next.state) {
      throw new Error(
        `${transactionalId} has come to ${next.state} on its way from ${metadata.state} to ${pendingState}`,
      );
    }
    this.metadata = next;
    this.pendingState = null;
  }

  /** The record will never be committed. */
  abandonTransition(): void {
    this.pendingState = null;
  }

  /** From now on every partition of the transaction lacks its marker. */
  expectMarkers(): void {
    this.unmarked = new Map(Array.from(this.metadata.partitions, ([topic, indexes]) => [topic, new Set(indexes)]));
  }

  /** The partition has its marker, or needs none any more. */
  marked(topic: string, partition: number): void {
    const indexes = this.unmarked?.get(topic);
    indexes?.delete(partition);
    if (indexes?.size === 0) this.unmarked?.delete(topic);
  }

  /** Partitions without marker, as they are now. */
  unmarkedPartitions(): PartitionsByTopic {
    return new Map(Array.from(this.unmarked ?? [], ([topic, indexes]) => [topic, new Set(indexes)]));
  }

  ensureRetryDeadline(): Deadline<TransactionDeadline> {
    this.retryDeadline ??= new Deadline<TransactionDeadline>({
      type: "retryEnd",
      transactionalId: this.transactionalId,
    });
    return this.retryDeadline;
  }
}
