import type { CompressionType, KafkaError, RecordData, RecordHeaderInput } from "@ottla/protocol";
import { RecordBatchBuilder, setProducerState } from "@ottla/protocol/client";
import type { RecordCursor } from "@ottla/protocol/internal";
import type { RecordMetadata } from "../record.ts";

/** The base sequence of a batch that has not been given one. */
export const NO_SEQUENCE = -1;

/** How the records of a batch were written. */
export interface BatchResult {
  /** Offset of the first record, -1 if the broker did not tell. */
  readonly baseOffset: number;
  /** The broker's time, -1 where the records keep their own. */
  readonly logAppendTimeMs: number;
}

/** Why the records of a batch were not written. */
export interface BatchFailure {
  readonly error: KafkaError;
  /** What the broker said of single records, by their index in the batch (KIP-467). */
  readonly recordErrors?: ReadonlyMap<number, KafkaError>;
}

/** How a batch starts. */
export interface ProducerBatchOptions {
  readonly topic: string;
  readonly partition: number;
  /** On the monotonic clock. */
  readonly createdAtMs: number;
  /** What records are written into; a larger one takes its place when it is full. */
  readonly buffer: Uint8Array;
  /** Whether the records belong to a transaction. Default: false. */
  readonly isTransactional?: boolean;
}

/**
 * Records on their way to one partition. They are written into the batch's own buffer as they come; nothing is kept
 * of each, as its index in the batch is all that it takes to answer its send.
 *
 * A batch is open (takes records), then sealed (takes none, may be compressing), then sent any number of times, and
 * once done: written or failed for good.
 */
export class ProducerBatch {
  readonly topic: string;
  readonly partition: number;
  readonly createdAtMs: number;
  /** Settles when the outcome of every record is known: see {@link metadataOf}. Never rejects. */
  readonly done: Promise<void>;
  /** Times that the batch was sent. */
  attempts = 0;
  /** Not before this moment may the batch be sent again. */
  retryAtMs = 0;
  /** Why the last attempt failed: the cause of the error, if the batch expires. */
  lastFailure: KafkaError | undefined;
  producerId = -1;
  producerEpoch = -1;
  baseSequence = NO_SEQUENCE;
  /** Records that were taken before it for the same partition: the order in which batches belong. */
  order = -1;
  /** Bytes that it counts for in the producer's buffer memory. */
  accountedBytes = 0;
  /** The array send whose record came last: lets it notice batches that are new to it. */
  lastCaller: object | null = null;
  /** What that call knows the batch by. */
  lastCallerNumber = 0;
  /** The buffer that the batch was given. */
  readonly buffer: Uint8Array;
  readonly isTransactional: boolean;
  readonly #builder: RecordBatchBuilder;
  #bytes: Uint8Array | null = null;
  #compressing = false;
  #sealed = false;
  #finish: () => void = () => {};
  #result: BatchResult | null = null;
  #failure: BatchFailure | null = null;
  #parts: readonly ProducerBatch[] | null = null;

  constructor({ topic, partition, createdAtMs, buffer, isTransactional = false }: ProducerBatchOptions) {
    this.topic = topic;
    this.partition = partition;
    this.createdAtMs = createdAtMs;
    this.buffer = buffer;
    this.isTransactional = isTransactional;
    this.#builder = new RecordBatchBuilder({ buffer });
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  get recordsCount(): number {
    return this.#builder.recordsCount;
  }

  /** Bytes on the wire, once the batch is closed; until then what it takes uncompressed. */
  get sizeBytes(): number {
    return this.#bytes?.length ?? this.#builder.sizeBytes;
  }

  get isDone(): boolean {
    return this.#result !== null || this.#failure !== null || this.#parts !== null;
  }

  /** Whether the batch can be sent: not while a codec is at work on it. */
  get isReady(): boolean {
    return !this.#compressing;
  }

  get hasSequence(): boolean {
    return this.baseSequence !== NO_SEQUENCE;
  }

  /** Whether the batch has records and this one might not fit in with them. */
  isFullFor(
    batchSizeBytes: number,
    key: RecordData,
    value: RecordData,
    headers: readonly RecordHeaderInput[],
  ): boolean {
    return this.#builder.wouldExceed(batchSizeBytes, key, value, headers);
  }

  /** Writes a record into the batch. @returns the bytes that it took; its index is `recordsCount - 1` now */
  append(key: RecordData, value: RecordData, headers: readonly RecordHeaderInput[], timestampMs: number): number {
    const sizeBefore = this.#builder.sizeBytes;
    this.#builder.append(key, value, headers, timestampMs);
    return this.#builder.sizeBytes - sizeBefore;
  }

  /** Writes the record that `cursor` stands on into the batch, as it lies. */
  appendCopy(cursor: RecordCursor): void {
    this.#builder.appendCopy(cursor, this.#builder.recordsCount);
  }

  /**
   * Ends the taking of records and starts compression, if there is any.
   * @param onReady called if the codec was not done at once, when the batch is ready or has failed
   */
  seal(compression: CompressionType, level: number | undefined, onReady: (error?: unknown) => void): void {
    if (this.#sealed) return;
    this.#sealed = true;
    if (compression === "none") return;
    const closed = this.#compress(compression, level);
    if (closed instanceof Uint8Array) this.#setBytes(closed);
    else this.#awaitBytes(closed, onReady);
  }

  /** A codec may also fail at once: whoever seals is told of both in one way. */
  #compress(compression: CompressionType, level: number | undefined): Uint8Array | Promise<Uint8Array> {
    try {
      const { isTransactional } = this;
      return this.#builder.close({
        compression,
        isTransactional,
        ...(level !== undefined && { compressionLevel: level }),
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #awaitBytes(closed: Promise<Uint8Array>, onReady: (error?: unknown) => void): void {
    this.#compressing = true;
    closed.then(
      (bytes) => {
        this.#setBytes(bytes);
        onReady();
      },
      (error) => onReady(error),
    );
  }

  #setBytes(bytes: Uint8Array): void {
    this.#compressing = false;
    this.#bytes = bytes;
    if (this.hasSequence) this.assignSequence(this.producerId, this.producerEpoch, this.baseSequence);
  }

  /** Gives the batch its place in the sequence of its producer; {@link encode} writes it down. */
  assignSequence(producerId: number, producerEpoch: number, baseSequence: number): void {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
    this.baseSequence = baseSequence;
    if (this.#bytes !== null) setProducerState(this.#bytes, 0, producerId, producerEpoch, baseSequence);
  }

  /** The bytes to send; the same ones each time, unless the sequence was given anew. */
  encode(): Uint8Array {
    const { producerId, producerEpoch, baseSequence, isTransactional } = this;
    const options = { producerId, producerEpoch, baseSequence, isTransactional, compression: "none" } as const;
    this.#bytes ??= this.#builder.close(options);
    return this.#bytes;
  }

  complete(result: BatchResult): void {
    if (this.isDone) return;
    this.#result = result;
    this.#settle();
  }

  fail(failure: BatchFailure): void {
    if (this.isDone) return;
    this.#failure = failure;
    this.#settle();
  }

  /** Ends this batch in favour of `parts`, which hold its records in order; it is done when they are. */
  splitInto(parts: readonly ProducerBatch[]): void {
    this.#parts = parts;
    void Promise.all(parts.map((part) => part.done)).then(() => this.#settle());
  }

  /**
   * Where the record at `index` was written.
   * @param createTimeMs the timestamp that it was sent with
   * @throws KafkaError why it was not written
   */
  metadataOf(index: number, createTimeMs: number): RecordMetadata {
    if (this.#parts !== null) return this.#metadataOfPart(this.#parts, index, createTimeMs);
    if (this.#result === null) throw this.#errorOf(index);
    const { baseOffset, logAppendTimeMs } = this.#result;
    return {
      topic: this.topic,
      partition: this.partition,
      offset: baseOffset < 0 ? -1 : baseOffset + index,
      timestampMs: logAppendTimeMs < 0 ? createTimeMs : logAppendTimeMs,
    };
  }

  #metadataOfPart(parts: readonly ProducerBatch[], index: number, createTimeMs: number): RecordMetadata {
    let rest = index;
    for (const part of parts) {
      if (rest < part.recordsCount) return part.metadataOf(rest, createTimeMs);
      rest -= part.recordsCount;
    }
    throw new RangeError(`the batch has no record ${index}`);
  }

  #errorOf(index: number): KafkaError {
    if (this.#failure === null) throw new Error("the batch is not done yet");
    return this.#failure.recordErrors?.get(index) ?? this.#failure.error;
  }

  #settle(): void {
    this.#bytes = null;
    this.#finish();
  }
}
