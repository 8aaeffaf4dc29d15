import { RecordBatch, readRecordBatch } from "@ottla/protocol";
import { isTransactionalAt, lastOffsetAt, producerIdAt, readEndTransactionMarker } from "@ottla/protocol/internal";
import type { AbortedTransactionEntry } from "../indexes/transaction-index.ts";

interface OngoingAbort {
  readonly entry: AbortedTransactionEntry;
  /** Whether a batch of it has been met. */
  hasBatches: boolean;
}

/**
 * Follows the transactions of a log while its batches are read in order: says which batches were aborted, and which
 * markers have no batch left that they speak of.
 */
export class CleanedTransactions {
  /** By first offset, not met yet. */
  readonly #upcoming: AbortedTransactionEntry[];
  readonly #aborted = new Map<number, OngoingAbort>();
  /** Producers with a batch of a transaction that is not aborted, and whose marker has not been met. */
  readonly #committed = new Set<number>();
  readonly #onKept: (entry: AbortedTransactionEntry) => void;

  /** @param onKept told of each aborted transaction whose marker is met while it has batches still */
  constructor(aborted: readonly AbortedTransactionEntry[], onKept: (entry: AbortedTransactionEntry) => void) {
    this.#upcoming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
    this.#onKept = onKept;
  }

  /** True if the batch belongs to an aborted transaction: nobody may be shown it. */
  isAbortedData(bytes: Uint8Array, position: number): boolean {
    this.#passTo(lastOffsetAt(bytes, position));
    if (!isTransactionalAt(bytes, position)) return false;
    const producerId = producerIdAt(bytes, position);
    const aborted = this.#aborted.get(producerId);
    if (aborted === undefined) this.#committed.add(producerId);
    else aborted.hasBatches = true;
    return aborted !== undefined;
  }

  /** True if the control batch is a marker of a transaction that has no batches left. */
  isMarkerOfNothing(bytes: Uint8Array, position: number): boolean {
    this.#passTo(lastOffsetAt(bytes, position));
    const batch = readRecordBatch(bytes, position, { checkCrcs: false });
    if (!(batch instanceof RecordBatch)) throw new Error("control batches are never compressed");
    for (const { key, value } of batch) {
      const marker = readEndTransactionMarker(key, value);
      if (marker === null) return false;
      if (marker.type === "commit") return !this.#committed.delete(batch.producerId);
      return this.#endAborted(batch.producerId);
    }
    return true;
  }

  #endAborted(producerId: number): boolean {
    const aborted = this.#aborted.get(producerId);
    this.#aborted.delete(producerId);
    if (aborted === undefined || !aborted.hasBatches) return true;
    this.#onKept(aborted.entry);
    return false;
  }

  #passTo(offset: number): void {
    while (this.#upcoming.length > 0 && this.#upcoming[0]!.firstOffset <= offset) {
      const entry = this.#upcoming.shift()!;
      if (!this.#aborted.has(entry.producerId)) this.#aborted.set(entry.producerId, { entry, hasBatches: false });
    }
  }
}
