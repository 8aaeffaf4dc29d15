import { checkedList, invalidArgument } from "@ottla/client/internal";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { ProducerRecord, RecordMetadata } from "../record.ts";
import type { Transaction } from "./transaction.ts";
import type { TransactionIdentity } from "./transaction-identity.ts";
import type { TransactionOffsets, TransactionOffsetsSource } from "./transaction-offsets.ts";

/** What an item of `offsets` has to have. */
const OFFSET = { topic: "string", partition: "natural", offset: "natural" } as const;

type Sent = RecordMetadata | RecordMetadata[];

/** What a transaction does with the producer that it belongs to. */
export interface TransactionWork<K, V> {
  send(input: ProducerRecord<K, V> | readonly ProducerRecord<K, V>[]): Promise<Sent>;
  commitOffsets(offsets: TransactionOffsets): Promise<void>;
}

/** One transaction as its user sees it; keeps count of what is under way in it. */
export class TransactionScope<K, V> implements Transaction<K, V> {
  readonly #identity: TransactionIdentity;
  readonly #work: TransactionWork<K, V>;
  #isOver = false;
  #underWay = 0;
  #onIdle: () => void = () => {};

  constructor(identity: TransactionIdentity, work: TransactionWork<K, V>) {
    this.#identity = identity;
    this.#work = work;
  }

  send(record: ProducerRecord<K, V>): Promise<RecordMetadata>;
  send(records: readonly ProducerRecord<K, V>[]): Promise<RecordMetadata[]>;
  send(input: ProducerRecord<K, V> | readonly ProducerRecord<K, V>[]): Promise<Sent> {
    return this.#track(() => this.#work.send(input));
  }

  sendOffsets(from: TransactionOffsetsSource | TransactionOffsets): Promise<void> {
    return this.#track(async () => {
      await this.#work.commitOffsets(offsetsOf(from));
    });
  }

  /** Takes nothing more. */
  close(): void {
    this.#isOver = true;
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#underWay === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** What fails fails the transaction, whether or not the user looks at the promise. */
  #track<T>(start: () => Promise<T>): Promise<T> {
    const { failure } = this.#identity;
    if (this.#isOver) return Promise.reject(transactionOver());
    if (failure !== null) return Promise.reject(failure);
    this.#underWay++;
    const done = start();
    done.then(
      () => this.#ended(),
      (error) => {
        this.#identity.fail(error);
        this.#ended();
      },
    );
    return done;
  }

  #ended(): void {
    if (--this.#underWay === 0) this.#onIdle();
  }
}

function transactionOver(): KafkaError {
  return KafkaError.fromCode(ErrorCode.INVALID_TXN_STATE, "The transaction is over");
}

/** @throws KafkaError `INVALID_ARGUMENT` */
function offsetsOf(from: TransactionOffsetsSource | TransactionOffsets): TransactionOffsets {
  if (typeof from === "object" && from !== null) {
    if ("transactionOffsets" in from) return from.transactionOffsets();
    const { group, offsets } = from;
    if (group && Array.isArray(offsets)) return { group, offsets: checkedList("sendOffsets", offsets, OFFSET) };
  }
  throw invalidArgument("sendOffsets takes a consumer, or { group, offsets } with the offsets in a list.");
}
