import type { EncodedRecord, TransactionalProducer } from "@ottla/coordinator/internal";
import { RecordBatchBuilder } from "@ottla/protocol";

/** What a batch and a record take besides key and value, at the most. */
const OVERHEAD_BYTES_MAX = 128;

/** Whether a record alone is more than a batch may hold. */
export function isTooLarge({ key, value }: EncodedRecord, maxBatchBytes: number): boolean {
  return key.length + (value?.length ?? 0) + OVERHEAD_BYTES_MAX > maxBatchBytes;
}

/**
 * Collects the records of one turn of the event loop, from however many requests, into one append: one batch, unless
 * that would be larger than the topic allows.
 */
export class AppendCommit {
  /** The first and the last write whose records are here. */
  readonly firstWriteId: number;
  lastWriteId: number;
  readonly #maxBatchBytes: number;
  readonly #transaction: TransactionalProducer | null;
  readonly #batches: Uint8Array[] = [];
  #builder = new RecordBatchBuilder();

  /** @param transaction whose transaction all of these records are part of, or null */
  constructor(firstWriteId: number, maxBatchBytes: number, transaction: TransactionalProducer | null = null) {
    this.firstWriteId = firstWriteId;
    this.#transaction = transaction;
    this.lastWriteId = firstWriteId;
    this.#maxBatchBytes = maxBatchBytes;
  }

  /** Adds the records of a write. */
  add(writeId: number, records: readonly EncodedRecord[], timestampMs: number): void {
    this.lastWriteId = writeId;
    for (const { key, value } of records) {
      if (this.#builder.wouldExceed(this.#maxBatchBytes, key, value)) this.#closeBatch();
      this.#builder.append(key, value, [], timestampMs);
    }
  }

  /** All of it, as batches one after another. Nothing can be added afterwards. */
  close(): Uint8Array {
    this.#closeBatch();
    if (this.#batches.length === 1) return this.#batches[0]!;
    const sizeBytes = this.#batches.reduce((size, batch) => size + batch.length, 0);
    const joined = new Uint8Array(sizeBytes);
    let at = 0;
    for (const batch of this.#batches) {
      joined.set(batch, at);
      at += batch.length;
    }
    return joined;
  }

  #closeBatch(): void {
    this.#batches.push(this.#builder.close({ compression: "none", ...this.#header() }));
    this.#builder = new RecordBatchBuilder();
  }

  #header() {
    return this.#transaction === null ? {} : { ...this.#transaction, isTransactional: true };
  }
}
