import { type OpenedBatch, readEndTransactionMarker } from "@ottla/protocol/client";

/** A transaction that was aborted: its producer's batches from `firstOffset` up to the abort marker do not count. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** Tells which batches of a fetched range belong to aborted transactions. Batches are to be shown to it in order. */
export class AbortedTransactions {
  /** Those that begin further on, nearest last. */
  readonly #pending: AbortedTransaction[];
  /** Producers whose transaction is aborted further on. */
  readonly #open = new Set<number>();

  /** @param transactions the broker's list for the range: every aborted transaction that overlaps it */
  constructor(transactions: readonly AbortedTransaction[]) {
    this.#pending = [...transactions].sort((a, b) => b.firstOffset - a.firstOffset);
  }

  /** Whether `batch` is part of an aborted transaction. */
  covers(batch: OpenedBatch): boolean {
    while (this.#pending.length > 0 && this.#pending[this.#pending.length - 1]!.firstOffset <= batch.lastOffset) {
      this.#open.add(this.#pending.pop()!.producerId);
    }
    if (batch.isControlBatch) {
      if (isAbortMarker(batch)) this.#open.delete(batch.producerId);
      return false;
    }
    return batch.isTransactional && this.#open.has(batch.producerId);
  }
}

function isAbortMarker(batch: OpenedBatch): boolean {
  const cursor = batch.cursor();
  return cursor.next() && readEndTransactionMarker(cursor.key(), cursor.value())?.type === "abort";
}
