/** A producer that is about to append the first batch of a transaction to a partition. */
export interface TransactionEntry {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Set by a marker of the producer: what was confirmed by then says nothing of the transaction that comes next. */
  isEnded: boolean;
  /** Appends that are on their way under this entry. */
  holders: number;
}

/**
 * The producers whose coordinator has been asked whether a partition is in their transaction, until they have appended
 * there. A marker that comes between the question and the append ends the entry: the append would open a transaction
 * that nobody ends (KIP-890).
 */
export class TransactionEntries {
  readonly #byProducer = new Map<number, TransactionEntry>();

  /** To be taken before the coordinator is asked, and given back by {@link release}. */
  begin(producerId: number, producerEpoch: number): TransactionEntry {
    let entry = this.#byProducer.get(producerId);
    if (entry?.producerEpoch !== producerEpoch) {
      entry = { producerId, producerEpoch, isEnded: false, holders: 0 };
      this.#byProducer.set(producerId, entry);
    }
    entry.holders++;
    return entry;
  }

  release(entry: TransactionEntry): void {
    entry.holders--;
    if (entry.holders === 0 && this.#byProducer.get(entry.producerId) === entry) {
      this.#byProducer.delete(entry.producerId);
    }
  }

  /** A marker of the producer has been appended. */
  transactionEnded(producerId: number): void {
    const entry = this.#byProducer.get(producerId);
    if (entry === undefined) return;
    entry.isEnded = true;
    this.#byProducer.delete(producerId);
  }
}
