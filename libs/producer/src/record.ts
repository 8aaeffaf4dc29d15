import type { Data } from "@ottla/client";
import { invalidArgument } from "@ottla/client/internal";
import type { RecordData, RecordHeaderInput } from "@ottla/protocol";

/**
 * Headers on their way into a record: a list of `[name, value]` pairs, in which names may repeat and the order is
 * kept, or an object.
 */
export type HeadersInput = readonly RecordHeaderInput[] | Readonly<Record<string, RecordData>>;

/** A record to send. `K` and `V` are what the producer's serializers take: text, bytes or null without any. */
export interface ProducerRecord<K = Data, V = Data> {
  /** The topic to write to. */
  readonly topic: string;
  /** Decides about the partition, and is what compaction keeps the last record of. Absent means null. */
  readonly key?: K;
  /** Null (or absent) is a tombstone: on a compacted topic it deletes the key. */
  readonly value?: V;
  /** Pairs of name and value, which keep their order; or an object. Default: none. */
  readonly headers?: HeadersInput;
  /** The partition to write to. Default: the partitioner chooses. */
  readonly partition?: number;
  /** Milliseconds since the epoch. Default: now. */
  readonly timestampMs?: number;
}

/** Where a record was written. */
export interface RecordMetadata {
  /** The topic it was written to. */
  readonly topic: string;
  /** The partition it was written to. */
  readonly partition: number;
  /** -1 where the broker did not tell: with `acks: 0`, and after a retry whose first attempt had long succeeded. */
  readonly offset: number;
  /** The record's timestamp: the broker's time on a topic with `message.timestamp.type=LogAppendTime`. */
  readonly timestampMs: number;
}

export const NO_HEADERS: readonly RecordHeaderInput[] = [];

/** Headers as the pairs that go into the record. @throws KafkaError INVALID_ARGUMENT if they are neither form */
export function headerPairs(headers: HeadersInput | undefined): readonly RecordHeaderInput[] {
  if (headers === undefined || headers === null) return NO_HEADERS;
  if (typeof headers !== "object") throw wrongHeaders();
  const pairs = pairsIn(headers);
  for (const pair of pairs) checkHeader(pair);
  return pairs;
}

function pairsIn(headers: HeadersInput): readonly RecordHeaderInput[] {
  if (Array.isArray(headers)) return headers;
  // A Map or Headers has no entries as an object: its headers would be lost without a word.
  if (Symbol.iterator in headers) throw wrongHeaders();
  return Object.entries(headers);
}

function checkHeader(header: RecordHeaderInput): void {
  if (!Array.isArray(header) || header.length !== 2 || typeof header[0] !== "string" || !isRecordData(header[1])) {
    throw wrongHeaders();
  }
}

/** Whether a value can be written into a record as it is. A Proxy of bytes is an instance, and has none. */
export function isRecordData(data: unknown): data is RecordData {
  return typeof data === "string" || data === null || (data instanceof Uint8Array && ArrayBuffer.isView(data));
}

function wrongHeaders(): Error {
  return invalidArgument("headers must be [name, value] pairs or a plain object, of text, bytes or null.");
}
