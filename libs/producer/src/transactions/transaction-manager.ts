import { aborted, toKafkaError } from "@ottla/client/internal";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import { onAbort } from "@ottla/runtime";
import type { ProducerRecord, RecordMetadata } from "../record.ts";
import type { Transaction, TransactionOptions } from "./transaction.ts";
import type { TransactionIdentity } from "./transaction-identity.ts";
import type { TransactionOffsets } from "./transaction-offsets.ts";
import type { ExchangeOptions, TransactionRequests } from "./transaction-requests.ts";
import { TransactionScope } from "./transaction-scope.ts";

/** The producer, as its transactions see it. */
export interface TransactionHost<K, V> {
  send(input: ProducerRecord<K, V> | readonly ProducerRecord<K, V>[]): Promise<RecordMetadata | RecordMetadata[]>;
  /** Settles when everything that was sent is acknowledged or has failed. */
  flush(): Promise<void>;
}

/**
 * The transactions of one producer, one at a time: begins each, commits it when its work is done, and aborts it when
 * anything fails. What the coordinator could not be told in time it is told before the next one begins.
 */
export class TransactionManager<K, V> {
  readonly #identity: TransactionIdentity;
  readonly #requests: TransactionRequests;
  readonly #host: TransactionHost<K, V>;
  readonly #timeoutMs: number;
  #running: Promise<unknown> | null = null;
  /** How a transaction ends of whose end the coordinator may not know yet. */
  #unfinished: { readonly committed: boolean } | null = null;

  /** @param timeoutMs the longest that one exchange with a coordinator may take, retries included */
  constructor(
    identity: TransactionIdentity,
    requests: TransactionRequests,
    host: TransactionHost<K, V>,
    timeoutMs: number,
  ) {
    this.#identity = identity;
    this.#requests = requests;
    this.#host = host;
    this.#timeoutMs = timeoutMs;
  }

  /** Does `work` in a transaction. @throws KafkaError why it was not committed, or what `work` threw */
  async run<T>(work: (transaction: Transaction<K, V>) => Promise<T>, { signal }: TransactionOptions): Promise<T> {
    if (this.#running !== null) throw alreadyRunning();
    const running = this.#run(work, signal);
    this.#running = running;
    try {
      return await running;
    } finally {
      this.#running = null;
    }
  }

  /** Aborts the transaction that runs, if there is one, and settles when that is done. */
  async stop(error: KafkaError): Promise<void> {
    if (this.#running === null) return;
    this.#identity.fail(error);
    this.#onStop(error);
    await this.#running.catch(() => {});
  }

  #onStop: (error: KafkaError) => void = () => {};

  async #run<T>(work: (transaction: Transaction<K, V>) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) throw aborted(signal);
    await this.#prepare({ timeoutMs: this.#timeoutMs, signal });
    this.#identity.begin(this.#requests);
    const scope = new TransactionScope<K, V>(this.#identity, {
      send: (input) => this.#host.send(input),
      commitOffsets: (offsets) => this.#commitOffsets(offsets),
    });
    try {
      const result = await this.#unlessStopped(() => this.#do(work, scope), signal);
      if (this.#identity.failure !== null) throw this.#identity.failure;
      await this.#end(true);
      return result;
    } catch (error) {
      scope.close();
      await this.#abort(error, scope);
      throw this.#identity.fatal ?? error;
    }
  }

  /** Sees to it that the producer has an id and that the transaction before is over. */
  async #prepare(options: ExchangeOptions): Promise<void> {
    const { fatal, current } = this.#identity;
    if (fatal !== null) throw fatal;
    try {
      if (this.#unfinished !== null) await this.#finish(options);
      if (current === null) await this.#initialize(options);
    } catch (error) {
      this.#identity.refused(error);
      throw this.#identity.fatal ?? error;
    }
  }

  async #initialize(options: ExchangeOptions): Promise<void> {
    const isV2 = await this.#requests.isV2(options);
    this.#identity.adopt(await this.#requests.initProducerId(null, options), isV2);
  }

  async #do<T>(work: (transaction: Transaction<K, V>) => Promise<T>, scope: TransactionScope<K, V>): Promise<T> {
    const result = await work(scope);
    scope.close();
    await this.#host.flush();
    await scope.idle();
    return result;
  }

  /** Rejects when the signal comes first, or the producer is closed. */
  #unlessStopped<T>(start: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const stop = (error: KafkaError) => {
        this.#identity.fail(error);
        reject(error);
      };
      this.#onStop = stop;
      const stopListening = onAbort(signal, () => stop(aborted(signal!)));
      start().then(resolve, reject).finally(stopListening);
    });
  }

  async #commitOffsets(offsets: TransactionOffsets): Promise<void> {
    if (offsets.offsets.length === 0) return;
    const { current, isV2 } = this.#identity;
    const options = { timeoutMs: this.#timeoutMs };
    this.#identity.start();
    try {
      if (!isV2) await this.#requests.addOffsets(current!, offsets.group.groupId, options);
      await this.#requests.commitOffsets(current!, offsets, isV2, options);
    } catch (error) {
      this.#identity.refused(error);
      throw error;
    }
  }

  /** Nothing is left of the transaction after this, unless the coordinator cannot be told. */
  async #abort(cause: unknown, scope: TransactionScope<K, V>): Promise<void> {
    // The commit was asked for, and may have been heard: only the coordinator can say what becomes of it.
    if (this.#unfinished !== null) return;
    this.#identity.fail(cause);
    await this.#host.flush();
    await scope.idle();
    if (this.#identity.fatal === null) await this.#end(false).catch(() => {});
  }

  async #end(committed: boolean): Promise<void> {
    await this.#identity.settled();
    if (this.#identity.hasStarted) {
      this.#unfinished = { committed };
      await this.#finish({ timeoutMs: this.#timeoutMs });
    }
    this.#identity.end();
  }

  /** Tells the coordinator how the transaction ends. */
  async #finish(options: ExchangeOptions): Promise<void> {
    const { committed } = this.#unfinished!;
    try {
      await this.#sendEnd(committed, options);
      this.#unfinished = null;
      this.#identity.end();
    } catch (error) {
      if (!toKafkaError(error).retriable) this.#unfinished = null;
      this.#identity.refused(error);
      throw error;
    }
  }

  async #sendEnd(committed: boolean, options: ExchangeOptions): Promise<void> {
    const { isV2 } = this.#identity;
    const current = this.#identity.current!;
    let next = null;
    let isKnownThere = true;
    try {
      next = await this.#requests.end(current, committed, isV2, options);
    } catch (error) {
      if (committed || !isNothingToAbort(error)) throw error;
      isKnownThere = false;
    }
    // A new epoch shuts out what is still on its way to partitions, and lets sequences begin anew (KIP-360).
    if (!committed && (!isV2 || !isKnownThere)) next = await this.#requests.initProducerId(current, options);
    if (next !== null) this.#identity.adopt(next, isV2);
  }
}

/** The coordinator knows of no transaction, or has forgotten the transactional id. */
function isNothingToAbort(error: unknown): boolean {
  const { errno } = toKafkaError(error);
  return errno === ErrorCode.INVALID_TXN_STATE || errno === ErrorCode.INVALID_PRODUCER_ID_MAPPING;
}

function alreadyRunning(): KafkaError {
  const what = "Another transaction of this producer is under way";
  return KafkaError.fromCode(ErrorCode.INVALID_TXN_STATE, what);
}
