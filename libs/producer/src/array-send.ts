import { KafkaError } from "@ottla/protocol/client";
import type { ProducerBatch } from "./accumulator/producer-batch.ts";
import type { WaitingSend, WaitReason } from "./accumulator/waiting-sends.ts";
import type { ProducerRecord, RecordMetadata } from "./record.ts";

/** What became of one record of an array send. */
export type RecordOutcome = PromiseSettledResult<RecordMetadata>;

/**
 * Some records of an array send were not written. Code, cause and whether it is retriable are those of the first
 * failure; `outcomes` tells of each record, in the order of the array.
 */
export class ArraySendError extends KafkaError {
  /** Always `"ArraySendError"`. */
  override readonly name = "ArraySendError";
  // Not a property of its own: whoever prints the error would print thousands of outcomes, each with a stack.
  readonly #outcomes: readonly RecordOutcome[];

  constructor(first: KafkaError, failedCount: number, outcomes: readonly RecordOutcome[]) {
    super(`${failedCount} of ${outcomes.length} records were not written. The first failure: ${first.message}`, {
      code: first.code,
      errno: first.errno,
      retriable: first.retriable,
      cause: first,
    });
    this.#outcomes = outcomes;
  }

  /** What became of each record of the call, in its order. */
  get outcomes(): readonly RecordOutcome[] {
    return this.#outcomes;
  }
}

/** Accepts one record into a batch. @returns the batch, whose last record it is then, or why it has to wait */
export type AcceptRecord<K, V> = (
  record: ProducerRecord<K, V>,
  timestampMs: number,
  isResuming: boolean,
) => ProducerBatch | WaitReason;

/**
 * The records of one call, accepted one after the other. Nothing is kept for a record but its batch and its index
 * there; one promise answers for all.
 */
export class ArraySend<K, V> implements WaitingSend {
  readonly result: Promise<RecordMetadata[]>;
  readonly #records: readonly ProducerRecord<K, V>[];
  readonly #nowMs: number;
  readonly #accept: AcceptRecord<K, V>;
  /** The batches that hold the records, each once. */
  readonly #batches: ProducerBatch[] = [];
  /** Of each record accepted: which of the batches, and its index there. */
  readonly #batchNumbers: Int32Array;
  readonly #indexes: Int32Array;
  #acceptedCount = 0;
  #resolve: (metadata: RecordMetadata[]) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  /** Why no more records were accepted. */
  #failure: unknown;

  constructor(records: readonly ProducerRecord<K, V>[], nowMs: number, accept: AcceptRecord<K, V>) {
    this.#records = records.slice(); // the caller may go on to use the array: fill it again, or empty it
    this.#nowMs = nowMs;
    this.#accept = accept;
    this.#batchNumbers = new Int32Array(records.length);
    this.#indexes = new Int32Array(records.length);
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get topic(): string {
    return this.#records[this.#acceptedCount]!.topic;
  }

  /** What holds the records that were accepted. */
  get batches(): readonly ProducerBatch[] {
    return this.#batches;
  }

  get acceptedCount(): number {
    return this.#acceptedCount;
  }

  /** Accepts as many records as possible without waiting. */
  start(): WaitReason | null {
    return this.#advance(false);
  }

  resume(): WaitReason | null {
    return this.#advance(true);
  }

  fail(error: unknown): void {
    this.#failure = error;
    this.#finish();
  }

  #advance(isResuming: boolean): WaitReason | null {
    const records = this.#records;
    try {
      while (this.#acceptedCount < records.length) {
        const record = records[this.#acceptedCount]!;
        const batch = this.#accept(record, record?.timestampMs ?? this.#nowMs, isResuming);
        if (typeof batch === "string") return batch;
        this.#note(batch);
      }
      this.#finish();
    } catch (error) {
      this.fail(error);
    }
    return null;
  }

  #note(batch: ProducerBatch): void {
    if (batch.lastCaller !== this) {
      batch.lastCaller = this;
      batch.lastCallerNumber = this.#batches.length;
      this.#batches.push(batch);
    }
    this.#batchNumbers[this.#acceptedCount] = batch.lastCallerNumber;
    this.#indexes[this.#acceptedCount] = batch.recordsCount - 1;
    this.#acceptedCount++;
  }

  #finish(): void {
    void Promise.all(this.#batches.map((batch) => batch.done)).then(() => this.#settle());
  }

  #settle(): void {
    const metadata: RecordMetadata[] = [];
    try {
      for (let index = 0; index < this.#records.length; index++) metadata.push(this.#metadataOf(index));
    } catch {
      this.#reject(this.#error());
      return;
    }
    this.#resolve(metadata);
  }

  #metadataOf(index: number): RecordMetadata {
    if (index >= this.#acceptedCount) throw this.#failure;
    const batch = this.#batches[this.#batchNumbers[index]!]!;
    return batch.metadataOf(this.#indexes[index]!, this.#records[index]!.timestampMs ?? this.#nowMs);
  }

  #error(): unknown {
    const outcomes = this.#records.map((_, index) => this.#outcomeOf(index));
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    const first: unknown = failed[0]?.reason;
    return first instanceof KafkaError ? new ArraySendError(first, failed.length, outcomes) : first;
  }

  #outcomeOf(index: number): RecordOutcome {
    try {
      return { status: "fulfilled", value: this.#metadataOf(index) };
    } catch (reason) {
      return { status: "rejected", reason };
    }
  }
}
