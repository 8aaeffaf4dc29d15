import { type PartitionsByTopic, TransactionVersion } from "@ottla/coordinator/internal";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { Partition } from "../partition/partition.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import type { CoordinatorRoutes } from "./coordinator-routes.ts";
import type { EntryHold } from "./entry-hold.ts";

/** The first wait for a transaction that is ending; each further one is twice as long, up to the config's. */
const FIRST_WAIT_MS = 1;

/** Who wants to append to partitions in which its transaction has no records yet. */
export interface EnteringProducer {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** What the client's version of the protocol lets the broker do. */
export interface EntryOptions {
  /** Whether partitions join the transaction without the client saying so (transactions v2). */
  readonly adds: boolean;
  /** Whether the client knows TRANSACTION_ABORTABLE. */
  readonly knowsAbortable: boolean;
}

/**
 * Lets the first batch of a transaction into a partition only if the coordinator has the partition in the transaction:
 * a batch that comes when its transaction is over would open one that nobody ends (KIP-890).
 */
export class TransactionGate {
  readonly #broker: BrokerServices;
  readonly #coordinators: Pick<CoordinatorRoutes, "addPartitions" | "verifyPartitions">;

  constructor(broker: BrokerServices, coordinators: Pick<CoordinatorRoutes, "addPartitions" | "verifyPartitions">) {
    this.#broker = broker;
    this.#coordinators = coordinators;
  }

  /** Whether the coordinator has to be asked before this producer may append. */
  isClosed(partition: Partition, producerId: number, producerEpoch: number, { adds }: EntryOptions): boolean {
    if (!adds && !this.#broker.config.require("transaction.partition.verification.enable")) return false;
    return !partition.log.hasOpenTransaction(producerId, producerEpoch);
  }

  /**
   * Asks the coordinator. Never rejects; what it says is true for as long as the hold on a partition has not ended.
   * @returns for each partition the error that stands against appending to it, or null
   */
  async open(
    { transactionalId, producerId, producerEpoch }: EnteringProducer,
    holds: readonly EntryHold[],
    options: EntryOptions,
  ): Promise<(KafkaError | null)[]> {
    const partitions = holds.map(({ partition }) => partition);
    const byTopic = new Map<string, Set<number>>();
    for (const { topic, partition } of partitions) {
      const indexes = byTopic.get(topic) ?? new Set<number>();
      byTopic.set(topic, indexes.add(partition));
    }
    const producer = { transactionalId, producerId, producerEpoch };
    const answer = options.adds
      ? await this.#add({ ...producer, partitions: byTopic }, holds)
      : await this.#coordinators.verifyPartitions({ ...producer, partitions: byTopic });
    return partitions.map(({ topic, partition }) => refusal(answer(topic, partition), options));
  }

  /**
   * The transaction before may still be ending: that is soon over, mostly within a millisecond or two, and the client is
   * spared a round trip. Its markers may come while this waits, and are no reason to refuse what comes after them.
   */
  async #add(
    entering: EnteringProducer & { readonly partitions: PartitionsByTopic },
    holds: readonly EntryHold[],
  ): Promise<() => number> {
    const { config, runtime } = this.#broker;
    const backoffMs = config.require("add.partitions.to.txn.retry.backoff.ms");
    const untilMs = runtime.clock.monotonicMs() + config.require("add.partitions.to.txn.retry.backoff.max.ms");
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, backoffMs)) {
      const clientTransactionVersion = TransactionVersion.V2;
      const errorCode = await this.#coordinators.addPartitions({ ...entering, clientTransactionVersion });
      if (errorCode !== ErrorCode.CONCURRENT_TRANSACTIONS) return () => errorCode;
      if (runtime.clock.monotonicMs() + waitMs > untilMs) return () => errorCode;
      await new Promise<void>((resolve) => runtime.timers.schedule(waitMs, resolve));
      for (const hold of holds) hold.renew();
    }
  }
}

/** What a producer is told. Older ones take an error that they do not know for a fatal one. */
function refusal(errorCode: number, { adds, knowsAbortable }: EntryOptions): KafkaError | null {
  switch (errorCode) {
    case ErrorCode.NONE:
      return null;
    case ErrorCode.PRODUCER_FENCED:
      return KafkaError.fromCode(ErrorCode.INVALID_PRODUCER_EPOCH);
    case ErrorCode.TRANSACTION_ABORTABLE:
      return knowsAbortable
        ? KafkaError.fromCode(errorCode, "The partition is not in the producer's transaction")
        : KafkaError.fromCode(ErrorCode.INVALID_TXN_STATE, "The partition is not in the producer's transaction");
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      return adds ? KafkaError.fromCode(errorCode) : tryAgain(errorCode);
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      return tryAgain(errorCode);
    default:
      return KafkaError.fromCode(errorCode);
  }
}

/** As Kafka: this one every producer retries, and without asking for metadata. */
function tryAgain(errorCode: number): KafkaError {
  return KafkaError.fromCode(
    ErrorCode.NOT_ENOUGH_REPLICAS,
    `The transaction of the partition cannot be verified yet: ${KafkaError.fromCode(errorCode).message}`,
  );
}

/** The error of an append whose transaction ended while the coordinator was asked. */
export function transactionEndedMeanwhile({ knowsAbortable }: EntryOptions): KafkaError {
  const errorCode = knowsAbortable ? ErrorCode.TRANSACTION_ABORTABLE : ErrorCode.INVALID_TXN_STATE;
  return KafkaError.fromCode(errorCode, "The producer's transaction has ended");
}
