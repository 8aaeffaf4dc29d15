import type { Serializer } from "@ottla/client";
import { invalidArgument, requireMethod } from "@ottla/client/internal";
import type { RecordData, RecordHeaderInput } from "@ottla/protocol";
import { ErrorCode, estimateRecordSize, KafkaError } from "@ottla/protocol/client";
import { isRecordData } from "./record.ts";

/** Turns what the program sends into what goes into a record. */
export class RecordEncoder<K, V> {
  readonly #keySerializer: Serializer<K> | undefined;
  readonly #valueSerializer: Serializer<V> | undefined;
  readonly #maxRecordBytes: number;

  constructor(options: {
    readonly keySerializer: Serializer<K> | undefined;
    readonly valueSerializer: Serializer<V> | undefined;
    readonly maxRecordBytes: number;
  }) {
    for (const name of ["keySerializer", "valueSerializer"] as const) {
      if (options[name]) requireMethod(name, options[name], "serialize");
    }
    this.#keySerializer = options.keySerializer;
    this.#valueSerializer = options.valueSerializer;
    this.#maxRecordBytes = options.maxRecordBytes;
  }

  /** @throws KafkaError INVALID_ARGUMENT if it is nothing that can be written; whatever the serializer throws */
  key(key: K | undefined, topic: string): RecordData {
    return this.#encode("key", this.#keySerializer, key, topic);
  }

  value(value: V | undefined, topic: string): RecordData {
    return this.#encode("value", this.#valueSerializer, value, topic);
  }

  /** @throws KafkaError MESSAGE_TOO_LARGE if the record alone does not fit into a request */
  checkSize(key: RecordData, value: RecordData, headers: readonly RecordHeaderInput[], topic: string): void {
    if (estimateRecordSize(key, value, headers) <= this.#maxRecordBytes) return;
    const sizeBytes = estimateRecordSize(bytesOf(key), bytesOf(value), headers);
    if (sizeBytes <= this.#maxRecordBytes) return;
    const message = `A record of about ${sizeBytes} bytes for topic "${topic}" is larger than maxRequestSize, ${this.#maxRecordBytes}; raise that option (and the topic's max.message.bytes), or send smaller records.`;
    throw new KafkaError(message, { code: "MESSAGE_TOO_LARGE", errno: ErrorCode.MESSAGE_TOO_LARGE });
  }

  #encode<T>(what: string, serializer: Serializer<T> | undefined, data: T | undefined, topic: string): RecordData {
    const encoded: unknown = serializer ? serializer.serialize(data as T, topic) : data;
    if (isRecordData(encoded)) return encoded;
    if (encoded === undefined) return null;
    const advice = serializer ? `${what}Serializer gave it` : `set ${what}Serializer to send anything else`;
    throw invalidArgument(`The record's ${what} is ${typeof encoded}, not a string, bytes or null: ${advice}.`);
  }
}

/** Exact bytes in place of the estimate for text, which counts three bytes a character. */
function bytesOf(data: RecordData): Uint8Array | null {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}
