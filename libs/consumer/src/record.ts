import { type Deserializer, KafkaError, stringSerde } from "@ottla/client";
import type { RecordHeaders, TimestampType } from "@ottla/protocol";
import { decodeUtf8, RecordBytes } from "@ottla/protocol/client";

/** What the records of one stored batch have in common. */
export interface RecordSource<K, V> {
  readonly topic: string;
  readonly partition: number;
  /** Stands for the time in which the partition is assigned to the consumer without a break. */
  readonly owner: object;
  readonly leaderEpoch: number;
  readonly timestampType: TimestampType;
  readonly keyDeserializer: Deserializer<K>;
  readonly valueDeserializer: Deserializer<V>;
}

/** Where one record lies: what a cursor shows of the record it stands on. */
export interface RecordPosition {
  readonly source: RecordBytes;
  readonly offset: number;
  readonly timestampMs: number;
  readonly keyStart: number;
  readonly keyLength: number;
  readonly valueStart: number;
  readonly valueLength: number;
  readonly headersStart: number;
  readonly end: number;
}

const inspect = Symbol.for("nodejs.util.inspect.custom");

/**
 * One record. Key and value are deserialized when they are first asked for: a record that cannot be read throws
 * there, and the loop can skip it, since topic, partition and offset are known.
 *
 * The record is a view over the batch it came in and keeps that in memory; {@link copy} gives one that stands alone.
 * The bytes below it are never reused.
 */
export class ConsumerRecord<K = string | null, V = string | null> {
  /** Position of the record in its partition. */
  readonly offset: number;
  /** When the record was made, or stored: see {@link timestampType}. Milliseconds since the Unix epoch. */
  readonly timestampMs: number;
  private readonly source: RecordSource<K, V>;
  private readonly data: RecordBytes;
  private readonly keyStart: number;
  private readonly keyLength: number;
  private readonly valueStart: number;
  private readonly valueLength: number;
  private readonly headersStart: number;
  private readonly end: number;
  private keyData: K | typeof NOT_READ;
  private valueData: V | typeof NOT_READ;

  /** @internal */
  constructor(source: RecordSource<K, V>, position: RecordPosition) {
    this.source = source;
    this.offset = position.offset;
    this.timestampMs = position.timestampMs;
    this.data = position.source;
    this.keyStart = position.keyStart;
    this.keyLength = position.keyLength;
    this.valueStart = position.valueStart;
    this.valueLength = position.valueLength;
    this.headersStart = position.headersStart;
    this.end = position.end;
    this.keyData = NOT_READ;
    this.valueData = NOT_READ;
  }

  /** The topic it was read from. */
  get topic(): string {
    return this.source.topic;
  }

  /** The partition it was read from. */
  get partition(): number {
    return this.source.partition;
  }

  /** Stands for the time in which the partition is assigned to the consumer without a break. @internal */
  get owner(): object {
    return this.source.owner;
  }

  /** `CreateTime`: the producer's clock. `LogAppendTime`: the broker's (`message.timestamp.type`). */
  get timestampType(): TimestampType {
    return this.source.timestampType;
  }

  /** Epoch of the partition's leader that took the record; -1 if not known. */
  get leaderEpoch(): number {
    return this.source.leaderEpoch;
  }

  /**
   * The key, read by `keyDeserializer`.
   * @throws KafkaError `DESERIALIZATION_FAILED`
   */
  get key(): K {
    if (this.keyData === NOT_READ) {
      this.keyData = this.read("key", this.source.keyDeserializer, this.keyStart, this.keyLength);
    }
    return this.keyData;
  }

  /**
   * The value, read by `valueDeserializer`.
   * @throws KafkaError `DESERIALIZATION_FAILED`
   */
  get value(): V {
    if (this.valueData === NOT_READ) {
      this.valueData = this.read("value", this.source.valueDeserializer, this.valueStart, this.valueLength);
    }
    return this.valueData;
  }

  /** The key as it was written: a view, made at each call. */
  get keyBytes(): Uint8Array | null {
    return this.data.view(this.keyStart, this.keyLength);
  }

  /** The value as it was written: a view, made at each call. */
  get valueBytes(): Uint8Array | null {
    return this.data.view(this.valueStart, this.valueLength);
  }

  /** The headers in order, names may repeat; decoded at each call. */
  get headers(): RecordHeaders {
    return this.data.headers(this.headersStart, this.end);
  }

  /** The same record over a copy of its own bytes, so that the batch it came in can be freed. */
  copy(): ConsumerRecord<K, V> {
    const start = this.keyStart;
    return new ConsumerRecord(this.source, {
      source: new RecordBytes(this.data.bytes.slice(start, this.end)),
      offset: this.offset,
      timestampMs: this.timestampMs,
      keyStart: 0,
      keyLength: this.keyLength,
      valueStart: this.valueStart - start,
      valueLength: this.valueLength,
      headersStart: this.headersStart - start,
      end: this.end - start,
    });
  }

  /** Everything about the record as a plain object. */
  toJSON(): Record<string, unknown> {
    const { topic, partition, offset, timestampMs, key, value, headers } = this;
    return { topic, partition, offset, timestampMs, key, value, headers: [...headers] };
  }

  /** What `console.log` shows in Node.js: the same, or why it cannot be read. */
  [inspect](): unknown {
    try {
      return this.toJSON();
    } catch (error) {
      return error; // who prints a record may be about to tell of it
    }
  }

  private read<T>(what: string, deserializer: Deserializer<T>, start: number, length: number): T {
    if (deserializer === TEXT && length >= 0) return decodeUtf8(this.data.bytes, start, start + length) as T;
    try {
      return deserializer.deserialize(this.data.view(start, length), this.topic);
    } catch (cause) {
      throw this.unreadable(what, cause);
    }
  }

  private unreadable(what: string, cause: unknown): KafkaError {
    const why = cause instanceof Error ? cause.message : String(cause);
    const where = `${this.topic}-${this.partition} at offset ${this.offset}`;
    return new KafkaError(`The ${what} of the record in ${where} cannot be deserialized: ${why}`, {
      code: "DESERIALIZATION_FAILED",
      cause,
    });
  }
}

/** Read in place, without the view that a deserializer is given. */
const TEXT: Deserializer<unknown> = stringSerde;

/** Stands for a key or value that nobody asked for yet; undefined may be what a deserializer gives. */
const NOT_READ: unique symbol = Symbol("not read");
