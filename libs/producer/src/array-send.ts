import { toKafkaError } from "@ottla/client/internal";
import { KafkaError } from "@ottla/protocol/client";
import type { ProducerBatch } from "./accumulator/producer-batch.ts";
import type { WaitingSend, WaitReason } from "./accumulator/waiting-sends.ts";
import type { RecordMetadata } from "./record.ts";
import { type EncodedRecord, keep } from "./record-encoder.ts";

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

  /** @param index that of the record that `first` is about */
  constructor(first: KafkaError, index: number, outcomes: readonly RecordOutcome[]) {
    const failedCount = outcomes.filter(isRejected).length;
    super(`${failedCount} of ${outcomes.length} records were not written, the first at ${index}: ${first.message}`, {
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

/** What becomes of each record of an array. */
export interface ArrayHost<R> {
  /** @throws why the record cannot be sent */
  encode(record: R, nowMs: number): EncodedRecord;
  /** Accepts it into a batch. @returns the batch, whose last record it is then, or why it has to wait */
  accept(record: EncodedRecord, timestampMs: number, isResuming: boolean): ProducerBatch | WaitReason;
  /** Has a topic found out about, of which that is known by now or not: those of a call together, not each in its turn. */
  load(topic: string): void;
}

/**
 * The records of one call, accepted one after the other once it is known that all of them can be sent. Nothing is kept
 * for a record but its batch, its index there and its time; one promise answers for all.
 */
export class ArraySend<R> implements WaitingSend {
  readonly result: Promise<RecordMetadata[]>;
  /** Those that are not accepted yet. */
  readonly #records: (EncodedRecord | undefined)[] = [];
  readonly #count: number;
  readonly #nowMs: number;
  readonly #host: ArrayHost<R>;
  /** The batches that hold the records, each once. */
  readonly batches: ProducerBatch[] = [];
  /** Of each record accepted: which of the batches, and its index there. */
  readonly #batchNumbers: Int32Array;
  readonly #indexes: Int32Array;
  /** Of each record accepted: it may be the caller's own, who may change it. */
  readonly #timestamps: Float64Array;
  acceptedCount = 0;
  /** Which record ended all, where none is accepted. */
  #refusedIndex = 0;
  /** No more records are accepted. */
  #finish = () => {};
  /** Why no more records were accepted. */
  #failure: unknown;

  constructor(count: number, nowMs: number, host: ArrayHost<R>) {
    this.#count = count;
    this.#nowMs = nowMs;
    this.#host = host;
    this.#batchNumbers = new Int32Array(count);
    this.#indexes = new Int32Array(count);
    this.#timestamps = new Float64Array(count);
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    this.result = finished.then(() => this.#settle());
  }

  get topic(): string {
    return this.#records[this.acceptedCount]!.topic;
  }

  /** Accepts as many records as possible without waiting, unless one cannot be sent. What is left is kept as it is now. */
  start(input: readonly R[]): WaitReason | null {
    const records = this.#records;
    try {
      for (const record of input) {
        const encoded = this.#host.encode(record, this.#nowMs);
        // A serializer may use its bytes again for the next record.
        records.push((encoded as unknown) === record ? encoded : keep(encoded));
      }
    } catch (error) {
      this.#refusedIndex = records.length;
      this.fail(error);
      return null;
    }
    const reason = this.#advance(false);
    for (let index = this.acceptedCount; reason !== null && index < this.#count; index++) {
      const kept = keep(records[index]!);
      records[index] = kept;
      this.#host.load(kept.topic);
    }
    return reason;
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
      while (this.acceptedCount < this.#count) {
        const record = records[this.acceptedCount]!;
        const timestampMs = record.timestampMs ?? this.#nowMs;
        const batch = this.#host.accept(record, timestampMs, isResuming);
        if (typeof batch === "string") return batch;
        this.#timestamps[this.acceptedCount] = timestampMs;
        records[this.acceptedCount] = undefined;
        this.#note(batch);
      }
      this.#finish();
    } catch (error) {
      this.fail(this.acceptedCount > 0 ? toKafkaError(error) : error);
    }
    return null;
  }

  #note(batch: ProducerBatch): void {
    if (batch.lastCaller !== this) {
      batch.lastCaller = this;
      batch.lastCallerNumber = this.batches.length;
      this.batches.push(batch);
    }
    this.#batchNumbers[this.acceptedCount] = batch.lastCallerNumber;
    this.#indexes[this.acceptedCount] = batch.recordsCount - 1;
    this.acceptedCount++;
  }

  async #settle(): Promise<RecordMetadata[]> {
    await Promise.all(this.batches.map((batch) => batch.done));
    const metadata: RecordMetadata[] = [];
    try {
      for (let index = 0; index < this.#count; index++) metadata.push(this.#metadataOf(index));
    } catch {
      throw this.#error();
    }
    return metadata;
  }

  #metadataOf(index: number): RecordMetadata {
    if (index >= this.acceptedCount) throw this.#failure;
    const batch = this.batches[this.#batchNumbers[index]!]!;
    return batch.metadataOf(this.#indexes[index]!, this.#timestamps[index]!);
  }

  #error(): unknown {
    const outcomes = Array.from({ length: this.#count }, (_, index): RecordOutcome => {
      try {
        return { status: "fulfilled", value: this.#metadataOf(index) };
      } catch (reason) {
        return { status: "rejected", reason };
      }
    });
    const index = outcomes.findIndex(isRejected) || this.#refusedIndex;
    const first: unknown = (outcomes[index] as PromiseRejectedResult).reason;
    return first instanceof KafkaError ? new ArraySendError(first, index, outcomes) : first;
  }
}

function isRejected({ status }: RecordOutcome): boolean {
  return status === "rejected";
}
