import { KafkaError } from "@ottla/client";
import { describe, invalidArgument, sleep, strangeOption, wrongOption } from "@ottla/client/internal";
import { Consumer, type ConsumerBatch, type ConsumerOptions, type ConsumerRecord } from "@ottla/consumer";
import { Producer, type ProducerOptions, type ProducerRecord, transactionErrorKind } from "@ottla/producer";
import { createSystemRuntime, type Runtime } from "@ottla/runtime";

/** What {@link exactlyOnce} reads, where it writes to, and who it is. */
export interface ExactlyOnceOptions<K, V, OutK, OutV> {
  /** Where to find the cluster (`bootstrap.servers`), as the SDKs take it. */
  readonly bootstrapServers: ConsumerOptions<K, V>["bootstrapServers"];
  /** The topics to read. */
  readonly from: string | readonly string[];
  /** The topic for results that name none. */
  readonly to: string;
  /** The consumer group whose offsets move with the transactions (`group.id`). */
  readonly groupId: string;
  /**
   * One for each worker, and the same again when that worker is started anew: it then finishes off what the last one
   * left open. Two workers must not share one: the younger fences the older off.
   */
  readonly transactionalId: string;
  /** The most records of one transaction. Default 500. */
  readonly batch?: number;
  /** Ends the loop, which then returns; what is in hand is aborted and comes again next time. */
  readonly signal?: AbortSignal;
  /** Told of each failure that is followed by another attempt. */
  readonly onRetry?: (error: KafkaError) => void;
  /** Anything else for the consumer, such as deserializers. */
  readonly consumer?: Partial<ConsumerOptions<K, V>>;
  /** Anything else for the producer, such as serializers. */
  readonly producer?: Partial<ProducerOptions<OutK, OutV>>;
}

/** A result, sent to `to` unless it names a topic. */
export type TransformedRecord<K, V> = Omit<ProducerRecord<K, V>, "topic"> & { readonly topic?: string };

/** Makes of one input as many results as it likes. It may be called again for the same input; only one call counts. */
export type RecordTransform<K, V, OutK, OutV> = (
  record: ConsumerRecord<K, V>,
) => Results<OutK, OutV> | Promise<Results<OutK, OutV>>;

type Results<K, V> = TransformedRecord<K, V> | readonly TransformedRecord<K, V>[] | null | undefined;

const NAMES: ReadonlySet<string> = new Set<keyof ExactlyOnceOptions<unknown, unknown, unknown, unknown>>([
  ...(["bootstrapServers", "from", "to", "groupId", "transactionalId", "batch"] as const),
  ...(["signal", "onRetry", "consumer", "producer"] as const),
]);

const BATCH_RECORDS = 500;
const RETRY_MS = { first: 100, max: 5_000 };

/**
 * Consume, transform, produce, so that each input counts exactly once in what readers of committed records see:
 * results and offsets are committed in one transaction for each batch, in the name of the group's member that read it.
 *
 * Failures that may heal, rebalances included, are followed by another attempt from the committed offsets, for as long
 * as it takes. Several workers with one `groupId` and ids of their own share the partitions.
 *
 * ```ts
 * await exactlyOnce(
 *   { bootstrapServers, from: "orders", to: "invoices", groupId: "billing", transactionalId: "billing-1", signal },
 *   (order) => ({ key: order.key, value: invoiceOf(order.value) }),
 * );
 * ```
 *
 * @throws what `transform` threw; KafkaError `INVALID_ARGUMENT` if it gives anything but records; one that another attempt does not heal, `PRODUCER_FENCED` above all: another
 *   worker has the transactional id
 */
export async function exactlyOnce<K = string | null, V = string | null, OutK = string | null, OutV = string | null>(
  options: ExactlyOnceOptions<K, V, OutK, OutV>,
  transform: RecordTransform<K, V, OutK, OutV>,
): Promise<void> {
  if (typeof options !== "object" || options === null || typeof transform !== "function") {
    throw invalidArgument(
      "exactlyOnce takes options and a function: exactlyOnce({ from, to, … }, async (record) => …).",
    );
  }
  const strange = strangeOption(options, NAMES);
  if (strange) throw wrongOption(`exactlyOnce: ${strange}`);
  const { bootstrapServers, transactionalId, signal, onRetry } = options;
  const runtime = options.producer?.runtime ?? createSystemRuntime();
  await using producer = new Producer<OutK, OutV>({ ...options.producer, bootstrapServers, transactionalId });
  const worker = new Worker(options, producer, transform);
  while (!signal?.aborted) {
    try {
      await worker.run();
      return;
    } catch (error) {
      if (signal?.aborted) return;
      if (!worker.mayRetry(error)) throw error;
      onRetry?.(error);
      await pause(runtime, worker.nextDelayMs(), signal);
    }
  }
}

class Worker<K, V, OutK, OutV> {
  readonly #options: ExactlyOnceOptions<K, V, OutK, OutV>;
  readonly #producer: Producer<OutK, OutV>;
  readonly #transform: RecordTransform<K, V, OutK, OutV>;
  #failures = 0;
  /** What the transform threw: not this loop's to retry, even if it looks like a failure of its own. */
  #thrown: { readonly error: unknown } | null = null;

  constructor(
    options: ExactlyOnceOptions<K, V, OutK, OutV>,
    producer: Producer<OutK, OutV>,
    transform: RecordTransform<K, V, OutK, OutV>,
  ) {
    this.#options = options;
    this.#producer = producer;
    this.#transform = transform;
  }

  /**
   * Works until something fails. The consumer is a new one each time: it begins at the committed offsets, after a
   * transaction with nothing in it has settled how the one before ended.
   */
  async run(): Promise<void> {
    const { bootstrapServers, from, groupId, batch = BATCH_RECORDS, signal } = this.#options;
    const signalOptions = signal === undefined ? {} : { signal };
    await this.#producer.transaction(async () => {}, signalOptions);
    await using consumer = new Consumer<K, V>({
      autoOffsetReset: "earliest",
      ...this.#options.consumer,
      bootstrapServers,
      groupId,
      topics: from,
      autoCommit: false,
      isolationLevel: "read_committed",
      maxPollRecords: batch,
    });
    for await (const records of consumer.batches(signalOptions)) {
      await this.#producer.transaction(async (tx) => {
        await tx.send(await this.#resultsOf(records));
        await tx.sendOffsets(consumer);
      }, signalOptions);
      this.#failures = 0;
    }
  }

  mayRetry(error: unknown): error is KafkaError {
    if (this.#thrown?.error === error || !(error instanceof KafkaError)) return false;
    return error.retriable || (transactionErrorKind(error) === "abortable" && HEALS.has(error.code));
  }

  nextDelayMs(): number {
    return Math.min(RETRY_MS.first * 2 ** this.#failures++, RETRY_MS.max);
  }

  async #resultsOf(records: ConsumerBatch<K, V>): Promise<ProducerRecord<OutK, OutV>[]> {
    const results: ProducerRecord<OutK, OutV>[] = [];
    try {
      for (const record of records) {
        for (const result of listOf(await this.#transform(record))) results.push(this.#addressed(result));
      }
    } catch (error) {
      this.#thrown = { error };
      throw error;
    }
    return results;
  }

  /** Its fields are read one by one: they may be getters of a class. */
  #addressed(result: TransformedRecord<OutK, OutV>): ProducerRecord<OutK, OutV> {
    checkResult(result);
    const { topic = this.#options.to, key, value, headers, partition, timestampMs } = result;
    return { ...result, ...({ topic, key, value, headers, partition, timestampMs } as ProducerRecord<OutK, OutV>) };
  }
}

/** What is no record would be sent as one with nothing in it. @throws KafkaError `INVALID_ARGUMENT` */
function checkResult(result: unknown): void {
  if (typeof result === "object" && result !== null && !(Symbol.iterator in result)) return;
  throw invalidArgument(
    `The transform gave ${describe(result)}; it must give a record, a list of records, or nothing.`,
  );
}

/** Errors that end a transaction, and not what comes after it. */
const HEALS: ReadonlySet<string> = new Set([
  "TRANSACTION_ABORTABLE",
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
  "FENCED_MEMBER_EPOCH",
  "STALE_MEMBER_EPOCH",
  "REBALANCE_IN_PROGRESS",
  "NOT_ASSIGNED",
  // Whether somebody else has the id the coordinator tells when the next transaction begins.
  "INVALID_PRODUCER_EPOCH",
  "INVALID_PRODUCER_ID_MAPPING",
  "UNKNOWN_PRODUCER_ID",
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
]);

function listOf<K, V>(results: Results<K, V>): readonly TransformedRecord<K, V>[] {
  if (results === null || results === undefined) return [];
  return Array.isArray(results) ? results : [results as TransformedRecord<K, V>];
}

async function pause(runtime: Runtime, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(runtime, delayMs, signal).catch(() => {});
}
