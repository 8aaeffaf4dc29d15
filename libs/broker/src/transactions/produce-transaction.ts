import { ErrorCode, KafkaError } from "@ottla/protocol";
import { producerEpochAt, producerIdAt } from "@ottla/protocol/internal";
import type { Partition } from "../partition/partition.ts";
import { EntryHold } from "./entry-hold.ts";
import {
  type EnteringProducer,
  type EntryOptions,
  type TransactionGate,
  transactionEndedMeanwhile,
} from "./transaction-gate.ts";

/** A partition that a Produce request brings into its transaction, or has confirmed to be there. */
export interface EnteredPartition {
  /** Resolves when the batch may be appended; rejects with KafkaError where it may not. */
  readonly opened: Promise<void>;
  /** To be called right before the append. @throws KafkaError where the transaction has ended meanwhile */
  check(): void;
  /** To be called after the append, or where there is none. */
  release(): void;
}

interface Waiting {
  readonly hold: EntryHold;
  readonly resolve: () => void;
  readonly reject: (error: KafkaError) => void;
}

/** The transaction of one Produce request: its partitions ask the coordinator together, once. */
export class ProduceTransaction {
  readonly #gate: TransactionGate;
  readonly #transactionalId: string | null;
  readonly #options: EntryOptions;
  readonly #waiting: Waiting[] = [];
  #producer: EnteringProducer | null = null;

  constructor(gate: TransactionGate, transactionalId: string | null, options: EntryOptions) {
    this.#gate = gate;
    this.#transactionalId = transactionalId;
    this.#options = options;
  }

  /**
   * What a transactional batch has to wait for; null where the partition is known to be in the transaction.
   * @throws KafkaError
   */
  enter(partition: Partition, batch: Uint8Array): EnteredPartition | null {
    const producer = this.#identify(batch);
    if (!this.#gate.isClosed(partition, producer.producerId, producer.producerEpoch, this.#options)) return null;
    const hold = new EntryHold(partition, producer.producerId, producer.producerEpoch);
    const opened = new Promise<void>((resolve, reject) => this.#waiting.push({ hold, resolve, reject }));
    return this.#entered(hold, opened);
  }

  /**
   * For a batch that is not appended at once although the partition is in the transaction: that may have ended by then,
   * and the batch would open another one that nobody ends.
   */
  hold(partition: Partition, batch: Uint8Array): EnteredPartition {
    const { producerId, producerEpoch } = this.#identify(batch);
    return this.#entered(new EntryHold(partition, producerId, producerEpoch), Promise.resolve());
  }

  /** Asks the coordinator for all that have entered. */
  async open(): Promise<void> {
    if (this.#producer === null || this.#waiting.length === 0) return;
    const holds = this.#waiting.map(({ hold }) => hold);
    const refusals = await this.#gate.open(this.#producer, holds, this.#options);
    for (const [index, { resolve, reject }] of this.#waiting.entries()) {
      const refusal = refusals[index]!;
      if (refusal === null) resolve();
      else reject(refusal);
    }
  }

  #entered(hold: EntryHold, opened: Promise<void>): EnteredPartition {
    const check = () => {
      if (hold.isEnded) throw transactionEndedMeanwhile(this.#options);
    };
    return { opened, check, release: () => hold.release() };
  }

  #identify(batch: Uint8Array): EnteringProducer {
    const transactionalId = this.#transactionalId;
    if (transactionalId === null) {
      throw KafkaError.fromCode(
        ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        "Transactional records come with a transactional id",
      );
    }
    const producer = {
      transactionalId,
      producerId: producerIdAt(batch, 0),
      producerEpoch: producerEpochAt(batch, 0),
    };
    this.#producer ??= producer;
    const { producerId, producerEpoch } = this.#producer;
    if (producer.producerId !== producerId || producer.producerEpoch !== producerEpoch) {
      throw KafkaError.fromCode(
        ErrorCode.INVALID_PRODUCER_ID_MAPPING,
        "Transactional records of one request are of one producer",
      );
    }
    return producer;
  }
}
