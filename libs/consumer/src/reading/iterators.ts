import type { ConsumerBatch } from "../batch.ts";
import type { ConsumerRecord } from "../record.ts";
import type { Delivery } from "./delivery.ts";

/** What a loop over a consumer can be told. */
export interface ReadOptions {
  /** Ends the loop: it throws KafkaError `ABORTED`. The consumer stays open. */
  readonly signal?: AbortSignal;
}

/** A consumer as the one loop sees it that reads from it at a time. */
export interface ReadingHost {
  /** A loop begins to read: from now on records have to come. @throws KafkaError `INVALID_STATE` if another one reads */
  beginLoop(): void;
  /** It is over, whatever the reason. */
  endLoop(): void;
}

/** What both loops have in common: begin and end. */
abstract class Loop<T> implements AsyncIterableIterator<T> {
  readonly #host: ReadingHost;
  #state: "new" | "reading" | "over" = "new";
  /** What the loop waits for at this moment. */
  #step: Promise<IteratorResult<T>> | undefined;

  constructor(host: ReadingHost) {
    this.#host = host;
  }

  abstract next(): Promise<IteratorResult<T>>;

  [Symbol.asyncIterator](): this {
    return this;
  }

  async return(): Promise<IteratorResult<T>> {
    this.#end();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  /** Whether the loop has begun, is not over, and waits for nothing. */
  protected get isReading(): boolean {
    return this.#state === "reading" && !this.#step;
  }

  /** The slow way to the next item: waits for it. Who asks meanwhile gets the one after it. */
  protected step(take: () => Promise<T | undefined>): Promise<IteratorResult<T>> {
    const again = () => this.next();
    if (this.#step) return this.#step.then(again, again);
    this.#step = this.#take(take).finally(() => {
      this.#step = undefined;
    });
    return this.#step;
  }

  async #take(take: () => Promise<T | undefined>): Promise<IteratorResult<T>> {
    let value: T | undefined;
    try {
      if (this.#state === "new") {
        this.#host.beginLoop();
        this.#state = "reading";
      }
      if (this.#state === "reading") value = await take();
    } finally {
      if (value === undefined) this.#end();
    }
    return { done: value === undefined, value } as IteratorResult<T>;
  }

  #end(): void {
    if (this.#state === "reading") this.#host.endLoop();
    this.#state = "over";
  }
}

/** Record by record. What is at hand comes without waiting for more than the promise that the protocol asks for. */
export class RecordLoop<K, V> extends Loop<ConsumerRecord<K, V>> {
  readonly #delivery: Delivery<K, V>;
  readonly #signal: AbortSignal | undefined;

  constructor(host: ReadingHost, delivery: Delivery<K, V>, { signal }: ReadOptions) {
    super(host);
    this.#delivery = delivery;
    this.#signal = signal;
  }

  override next(): Promise<IteratorResult<ConsumerRecord<K, V>>> {
    if (this.isReading && !this.#signal?.aborted) {
      this.#delivery.finishInHand();
      const value = this.#delivery.takeRecord();
      if (value !== undefined) return Promise.resolve({ done: false, value });
    }
    return this.step(() => this.#delivery.nextRecord(this.#signal));
  }
}

/** Batch by batch. */
export class BatchLoop<K, V> extends Loop<ConsumerBatch<K, V>> {
  readonly #delivery: Delivery<K, V>;
  readonly #signal: AbortSignal | undefined;

  constructor(host: ReadingHost, delivery: Delivery<K, V>, { signal }: ReadOptions) {
    super(host);
    this.#delivery = delivery;
    this.#signal = signal;
  }

  override next(): Promise<IteratorResult<ConsumerBatch<K, V>>> {
    if (this.isReading) this.#delivery.finishInHand();
    return this.step(() => this.#delivery.nextBatch(this.#signal));
  }
}
