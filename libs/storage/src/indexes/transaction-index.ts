import type { FileCache } from "../files/file-cache.ts";
import { IndexFile } from "./index-file.ts";

const ENTRY_BYTES = 34;
const VERSION = 0;
const PRODUCER_ID_AT = 2;
const FIRST_OFFSET_AT = 10;
const LAST_OFFSET_AT = 18;
const LAST_STABLE_OFFSET_AT = 26;

/** One aborted transaction of a partition. `lastOffset` is its marker's; `lastStableOffset` what LSO became by it. */
export interface AbortedTransactionEntry {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastStableOffset: number;
}

/**
 * The transactions that were aborted by markers in a segment, by ascending last offset: entries of (version: int16,
 * then producer id, first, last and last stable offset: int64 each). The file exists only where there are some.
 */
export class TransactionIndex {
  readonly index: IndexFile;
  /** Aborted transactions are few, so once read they stay in memory. */
  #entries: AbortedTransactionEntry[] | null;

  constructor(files: FileCache, path: string, fileBytes: number) {
    this.index = new IndexFile(files, path, ENTRY_BYTES, fileBytes);
    this.#entries = this.index.count === 0 ? [] : null;
  }

  append(transaction: AbortedTransactionEntry): void {
    const entry = this.index.push();
    entry.setInt16(0, VERSION);
    entry.setBigInt64(PRODUCER_ID_AT, BigInt(transaction.producerId));
    entry.setBigInt64(FIRST_OFFSET_AT, BigInt(transaction.firstOffset));
    entry.setBigInt64(LAST_OFFSET_AT, BigInt(transaction.lastOffset));
    entry.setBigInt64(LAST_STABLE_OFFSET_AT, BigInt(transaction.lastStableOffset));
    this.#entries?.push(transaction);
  }

  /** All entries: at once where they are in memory. */
  entries(): readonly AbortedTransactionEntry[] | Promise<readonly AbortedTransactionEntry[]> {
    return this.#entries ?? this.#load();
  }

  /** Whether all entries are of the known version, make sense in a segment from `baseOffset` on, and come in order. */
  async isSane(baseOffset: number): Promise<boolean> {
    if (this.index.hasBrokenEnd) return false;
    let lastOffset = baseOffset - 1;
    for (const entry of await this.index.entries()) {
      const transaction = decode(entry);
      if (entry.getInt16(0) !== VERSION || transaction.lastOffset <= lastOffset) return false;
      // Its marker comes behind its records; so an entry of zeros, which a power cut leaves, is none.
      if (transaction.firstOffset < 0 || transaction.firstOffset >= transaction.lastOffset) return false;
      if (transaction.lastStableOffset < 0 || transaction.lastStableOffset > transaction.lastOffset + 1) return false;
      lastOffset = transaction.lastOffset;
    }
    return true;
  }

  /** Removes the entries of transactions that end at or after `offset`. */
  async truncateTo(offset: number): Promise<void> {
    const entries = await this.entries();
    const kept = entries.filter((entry) => entry.lastOffset < offset);
    await this.index.truncate(kept.length);
    this.#entries = kept;
  }

  async save(): Promise<void> {
    if (this.index.count > 0) await this.index.save();
  }

  /** A file that was cut down to nothing is synced too: a crash must not bring back what was in it. */
  async sync(): Promise<void> {
    if (this.index.count > 0 || this.index.isUnsynced) await this.index.sync();
  }

  async #load(): Promise<readonly AbortedTransactionEntry[]> {
    this.#entries = (await this.index.entries()).map(decode);
    return this.#entries;
  }
}

function decode(entry: DataView): AbortedTransactionEntry {
  return {
    producerId: Number(entry.getBigInt64(PRODUCER_ID_AT)),
    firstOffset: Number(entry.getBigInt64(FIRST_OFFSET_AT)),
    lastOffset: Number(entry.getBigInt64(LAST_OFFSET_AT)),
    lastStableOffset: Number(entry.getBigInt64(LAST_STABLE_OFFSET_AT)),
  };
}
