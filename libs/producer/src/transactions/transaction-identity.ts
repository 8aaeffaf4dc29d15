import { toKafkaError } from "@ottla/client/internal";
import { ErrorCode, KafkaError } from "@ottla/protocol/client";
import type { Identity } from "../idempotence/identity.ts";
import { refusalOf, transactionErrorKind } from "./transaction-errors.ts";
import type { PartitionsByTopic, ProducerIdAndEpoch, TransactionRequests } from "./transaction-requests.ts";

/** Who sends the records of the transaction. */
export interface TransactionListener {
  /** Batches may go where they could not before. */
  onReady(): void;
  /** The transaction cannot be committed: nothing more is to be sent. */
  onFailure(error: KafkaError): void;
}

/** The last version of Produce that does not add partitions to the transaction. */
const V1_PRODUCE_VERSION = 11;

/**
 * The identity of a transactional producer, and which partitions its transaction has. It changes only between
 * transactions, so every batch of a transaction carries the same; when something is wrong with it, the transaction has
 * failed.
 */
export class TransactionIdentity implements Identity {
  readonly #timeoutMs: number;
  #requests: TransactionRequests | null = null;
  #listener: TransactionListener | null = null;
  #current: ProducerIdAndEpoch | null = null;
  #isV2 = false;
  #isOpen = false;
  #hasStarted = false;
  /** Partitions that belong to the transaction, by topic; not kept with transactions v2. */
  #added = new Map<string, Set<number>>();
  /** Partitions that wait to be added. */
  #wanted = new Map<string, Set<number>>();
  #adding: Promise<void> | null = null;
  #failure: KafkaError | null = null;
  #fatal: KafkaError | null = null;

  /** @param timeoutMs how long the coordinator is asked on to add partitions */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  attach(listener: TransactionListener): void {
    this.#listener = listener;
  }

  get producerId(): number {
    return this.#current?.producerId ?? -1;
  }

  get producerEpoch(): number {
    return this.#current?.producerEpoch ?? -1;
  }

  get isKnown(): boolean {
    return this.#current !== null && this.#isOpen && this.#failure === null;
  }

  get current(): ProducerIdAndEpoch | null {
    return this.#current;
  }

  get isV2(): boolean {
    return this.#isV2;
  }

  /** Whether the coordinator may know of the transaction. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** Why the transaction cannot be committed; null while it can. */
  get failure(): KafkaError | null {
    return this.#failure;
  }

  /** Why the producer cannot go on; null while it can. */
  get fatal(): KafkaError | null {
    return this.#fatal;
  }

  get maxProduceVersion(): number | undefined {
    return this.#isV2 ? undefined : V1_PRODUCE_VERSION;
  }

  /** Settles when no partition is being added any more. */
  async settled(): Promise<void> {
    await this.#adding;
  }

  adopt(current: ProducerIdAndEpoch, isV2: boolean): void {
    this.#current = { producerId: current.producerId, producerEpoch: current.producerEpoch };
    this.#isV2 = isV2;
  }

  /** A transaction begins, with nothing in it; partitions that it gets are added by `requests`. */
  begin(requests: TransactionRequests): void {
    this.#requests = requests;
    this.#failure = null;
    this.#hasStarted = false;
    this.#added.clear();
    this.#wanted.clear();
    this.#isOpen = true;
  }

  /** The transaction is over. */
  end(): void {
    this.#isOpen = false;
    this.#hasStarted = false;
  }

  /** The coordinator gets to know of the transaction, by other means than records. */
  start(): void {
    this.#hasStarted = true;
  }

  /** A batch has failed, or the transaction is given up: it is to be aborted. */
  fail(cause: unknown): void {
    const error = toKafkaError(cause);
    if (transactionErrorKind(error) === "fatal") this.#fatal ??= error;
    this.#failWith(error);
  }

  /** A coordinator has refused something. */
  refused(cause: unknown): void {
    this.fail(refusalOf(toKafkaError(cause)));
  }

  request(): void {}

  bumpFrom(producerId: number, producerEpoch: number): void {
    if (producerId !== this.producerId || producerEpoch !== this.producerEpoch) return;
    const what = "A broker misses records of this transaction that were sent before";
    this.#failWith(KafkaError.fromCode(ErrorCode.TRANSACTION_ABORTABLE, what));
  }

  admits(topic: string, partition: number): boolean {
    if (this.#isV2 || this.#added.get(topic)?.has(partition)) {
      this.#hasStarted = true;
      return true;
    }
    addTo(this.#wanted, topic, partition);
    this.#adding ??= this.#addWanted();
    return false;
  }

  /** One request for all that is wanted in one turn of the event loop; then another for what has come up meanwhile. */
  async #addWanted(): Promise<void> {
    await Promise.resolve();
    while (this.#wanted.size > 0 && this.isKnown) {
      const wanted: PartitionsByTopic = this.#wanted;
      this.#wanted = new Map();
      this.#hasStarted = true;
      try {
        await this.#requests!.addPartitions(this.#current!, wanted, { timeoutMs: this.#timeoutMs });
      } catch (error) {
        this.refused(error);
        break;
      }
      for (const [topic, partitions] of wanted) for (const index of partitions) addTo(this.#added, topic, index);
    }
    this.#adding = null;
    if (this.isKnown) this.#listener?.onReady();
  }

  #failWith(error: KafkaError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#listener?.onFailure(error);
  }
}

function addTo(partitions: Map<string, Set<number>>, topic: string, partition: number): void {
  const known = partitions.get(topic);
  if (known === undefined) partitions.set(topic, new Set([partition]));
  else known.add(partition);
}
