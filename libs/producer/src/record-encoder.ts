import type { Serializer } from "@ottla/client";
import { describe, invalidArgument, requireMethod } from "@ottla/client/internal";
import type { RecordData, RecordHeaderInput } from "@ottla/protocol";
import { estimateRecordSize, KafkaError } from "@ottla/protocol/client";
import type { ProducerOptions, ProducerSettings } from "./options.ts";
import { headerPairs, isRecordData, type ProducerRecord } from "./record.ts";

/** A record as it goes into a batch, checked and serialized. It may still be the caller's own: see {@link keep}. */
export interface EncodedRecord extends ProducerRecord<RecordData, RecordData> {
  readonly headers?: readonly RecordHeaderInput[];
}

/** Turns what the program sends into what goes into a record. */
export class RecordEncoder<K, V> {
  readonly #keySerializer: Serializer<K> | undefined;
  readonly #valueSerializer: Serializer<V> | undefined;
  readonly #settings: ProducerSettings;

  constructor(options: ProducerOptions<K, V>, settings: ProducerSettings) {
    for (const name of ["keySerializer", "valueSerializer"] as const) {
      if (options[name]) requireMethod(name, options[name], "serialize");
    }
    this.#keySerializer = options.keySerializer;
    this.#valueSerializer = options.valueSerializer;
    this.#settings = settings;
  }

  /**
   * @param nowMs the timestamp of a record that has none
   * @throws KafkaError INVALID_ARGUMENT if it is nothing that can be written; MESSAGE_TOO_LARGE; whatever a serializer
   *   throws
   */
  encode(record: ProducerRecord<K, V>, nowMs: number): EncodedRecord {
    const timestampMs = record?.timestampMs ?? nowMs;
    checkRecord(record, timestampMs);
    const { topic, partition } = record;
    const key = this.#data("key", this.#keySerializer, record.key, topic);
    const value = this.#data("value", this.#valueSerializer, record.value, topic);
    const headers = headerPairs(record.headers);
    this.#checkSize(key, value, headers, topic);
    // Most records are what goes into the batch as they are: an object more for each of them would cost a tenth.
    const isEncoded =
      key === (record.key ?? null) && value === (record.value ?? null) && headers === (record.headers ?? headers);
    return isEncoded ? (record as EncodedRecord) : { topic, partition, key, value, headers, timestampMs };
  }

  /** Refuses what alone does not fit into a request, or into the buffer memory. */
  #checkSize(key: RecordData, value: RecordData, headers: readonly RecordHeaderInput[], topic: string): void {
    const { maxRequestSizeBytes, bufferMemoryBytes } = this.#settings;
    const maxBytes = Math.min(maxRequestSizeBytes, bufferMemoryBytes);
    if (estimateRecordSize(key, value, headers) <= maxBytes) return;
    const sizeBytes = estimateRecordSize(bytesOf(key), bytesOf(value), headers);
    if (sizeBytes <= maxBytes) return;
    const option = maxBytes < maxRequestSizeBytes ? "bufferMemory" : "maxRequestSize";
    const message = `A record of about ${sizeBytes} bytes for "${topic}" is larger than ${option}, ${maxBytes}; raise that (and the topic's max.message.bytes).`;
    throw new KafkaError(message, { code: "MESSAGE_TOO_LARGE" });
  }

  #data<T>(what: string, serializer: Serializer<T> | undefined, data: T | undefined, topic: string): RecordData {
    const encoded: unknown = serializer ? serializer.serialize(data as T, topic) : data;
    if (isRecordData(encoded)) return encoded;
    if (encoded === undefined) return null;
    const advice = serializer ? `${what}Serializer gave it` : `set ${what}Serializer to send anything else`;
    throw wrongField(what, encoded, `a string, bytes or null: ${advice}`);
  }
}

/** A copy that nobody else can change: what has to wait goes out as it was when it was sent. */
export function keep({ topic, partition, key, value, headers, timestampMs }: EncodedRecord): EncodedRecord {
  const pairs = (headers ?? []).map(([name, data]) => [name, copyOf(data)] as const);
  return { topic, partition, key: copyOf(key), value: copyOf(value), headers: pairs, timestampMs };
}

function copyOf<T>(data: T): T | Uint8Array {
  return data instanceof Uint8Array ? new Uint8Array(data) : data;
}

const FIELDS = ["topic", "key", "value", "headers", "partition", "timestampMs"];

function checkRecord(record: ProducerRecord<unknown, unknown>, timestampMs: number): void {
  if (typeof record !== "object" || record === null) throw invalidArgument(`A record is ${record}, and no object.`);
  if (typeof record.topic !== "string" || record.topic === "") {
    throw wrongField("topic", record.topic, "the name of a topic");
  }
  // What has no value may have it under another name, as in kafkajs' { topic, messages }.
  const unknown = record.value === undefined && Object.keys(record).find((name) => !FIELDS.includes(name));
  if (unknown) {
    throw invalidArgument(`A record has no ${unknown} (${FIELDS}); give several as a list.`);
  }
  if (typeof (record.partition ?? 0) !== "number") {
    throw wrongField("partition", record.partition, "a number");
  }
  if (!(timestampMs >= 0) || !Number.isSafeInteger(timestampMs)) {
    throw wrongField("timestampMs", timestampMs, "whole milliseconds since 1970");
  }
}

function wrongField(name: string, value: unknown, allowed: string): Error {
  return invalidArgument(`record.${name} is ${describe(value)}; it must be ${allowed}.`);
}

/** Exact bytes in place of the estimate for text, which counts three bytes a character. */
function bytesOf(data: RecordData): Uint8Array | null {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}
