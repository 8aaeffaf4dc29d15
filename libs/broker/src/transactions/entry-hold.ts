import type { Partition } from "../partition/partition.ts";
import type { TransactionEntry } from "../partition/transaction-entries.ts";

/** One append's place among the producers that are about to enter a partition; see `TransactionEntries`. */
export class EntryHold {
  readonly partition: Partition;
  readonly #producerId: number;
  readonly #producerEpoch: number;
  #entry: TransactionEntry;

  constructor(partition: Partition, producerId: number, producerEpoch: number) {
    this.partition = partition;
    this.#producerId = producerId;
    this.#producerEpoch = producerEpoch;
    this.#entry = this.#begin();
  }

  /** Whether a marker has come since the coordinator was last asked. */
  get isEnded(): boolean {
    return this.#entry.isEnded;
  }

  /** To be called before the coordinator is asked again: markers until then are of the transaction before. */
  renew(): void {
    this.release();
    this.#entry = this.#begin();
  }

  release(): void {
    this.partition.transactionEntries.release(this.#entry);
  }

  #begin(): TransactionEntry {
    return this.partition.transactionEntries.begin(this.#producerId, this.#producerEpoch);
  }
}
