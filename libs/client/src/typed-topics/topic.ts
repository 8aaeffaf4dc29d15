import { KafkaError } from "@ottla/protocol/client";
import { bytes, type Format, nullable } from "./formats.ts";

/** The formats of a topic. */
export interface TopicFormats<KeyIn, KeyOut, ValueIn, ValueOut> {
  /** Default: bytes or null, as they are. */
  readonly key?: Format<KeyIn, KeyOut>;
  /** How values are written and read. */
  readonly value: Format<ValueIn, ValueOut>;
}

/** A record to send to a typed topic. */
export interface TypedRecordInput<KeyIn, ValueIn> {
  /** As the topic's `key` takes it. */
  readonly key: KeyIn;
  /** As the topic's `value` takes it. */
  readonly value: ValueIn;
  /** Default: none. */
  readonly headers?: TypedHeaders;
  /** Default: the partitioner chooses. */
  readonly partition?: number;
  /** Milliseconds since the epoch. Default: now. */
  readonly timestampMs?: number;
}

type TypedHeaders =
  | readonly (readonly [string, string | Uint8Array | null])[]
  | Readonly<Record<string, string | Uint8Array | null>>;

/** A record whose key and value are written down: what a producer without serializers sends. */
export interface WrittenRecord {
  /** The topic to write to. */
  readonly topic: string;
  /** The key as bytes or text; null or absent for none. */
  readonly key: string | Uint8Array | null;
  /** The value as bytes or text; null for a tombstone. */
  readonly value: string | Uint8Array | null;
  /** Its headers. Default: none. */
  readonly headers?: TypedHeaders;
  /** The partition to write to. Default: the partitioner chooses. */
  readonly partition?: number;
  /** Milliseconds since the Unix epoch. Default: now. */
  readonly timestampMs?: number;
}

/** A record as it was read, as far as a typed topic looks at it. */
export interface ReadableRecord {
  /** The topic it was read from. */
  readonly topic: string;
  /** The partition it was read from. */
  readonly partition: number;
  /** Its offset in the partition. */
  readonly offset: number;
  /** The key as it was written; null without one. */
  readonly keyBytes: Uint8Array | null;
  /** The value as it was written; null for a tombstone. */
  readonly valueBytes: Uint8Array | null;
}

/** A key may be left out where null is one. */
type WithKey<KeyIn, ValueIn> = null extends KeyIn
  ? Omit<TypedRecordInput<KeyIn, ValueIn>, "key"> & { readonly key?: KeyIn }
  : TypedRecordInput<KeyIn, ValueIn>;

/** A topic whose keys and values have types that are checked: when they are written and when they are read. */
export interface TypedTopic<Name extends string, KeyIn, KeyOut, ValueIn, ValueOut> {
  /** The name of the topic. */
  readonly name: Name;
  /**
   * The record for `producer.send`, with key and value checked and written down.
   * @throws KafkaError SERIALIZATION_FAILED that says what is wrong with them
   */
  record(input: WithKey<KeyIn, ValueIn>): WrittenRecord;
  /**
   * Key and value of a record that was read.
   * @throws KafkaError DESERIALIZATION_FAILED that says where the record is, and what is wrong with it
   */
  read(record: ReadableRecord): { readonly key: KeyOut; readonly value: ValueOut };
}

/** Any typed topic. */
export type AnyTypedTopic = TypedTopic<string, never, unknown, never, unknown>;

/**
 * Says once what a topic holds, for producers and consumers alike.
 *
 * ```ts
 * const orders = topic("orders", { key: string(), value: json(z.object({ amount: z.number() })) });
 * await producer.send(orders.record({ key: "k1", value: { amount: 3 } }));
 * for await (const { value } of readTopics(consumer, [orders], { onInvalid: "throw" })) total += value.amount;
 * ```
 */
export function topic<
  const Name extends string,
  ValueIn,
  ValueOut,
  KeyIn = Uint8Array | null,
  KeyOut = Uint8Array | null,
>(
  name: Name,
  formats: TopicFormats<KeyIn, KeyOut, ValueIn, ValueOut>,
): TypedTopic<Name, KeyIn, KeyOut, ValueIn, ValueOut> {
  // Without a format of the user's, the types of the key are those of the default: see the type parameters.
  const keyFormat = formats.key ?? (nullable(bytes()) as unknown as Format<KeyIn, KeyOut>);
  return {
    name,
    record(input) {
      const { key, value, ...others } = input as TypedRecordInput<KeyIn, ValueIn>;
      return {
        ...others,
        topic: name,
        key: written(name, "key", keyFormat, key === undefined ? (null as KeyIn) : key),
        value: written(name, "value", formats.value, value),
      };
    },
    read: (record) => ({
      key: readPart(record, "key", keyFormat, record.keyBytes),
      value: readPart(record, "value", formats.value, record.valueBytes),
    }),
  };
}

function written<In>(topicName: string, part: "key" | "value", format: Format<In, unknown>, data: In) {
  try {
    return format.write(data);
  } catch (cause) {
    const message = `The ${part} of a record for "${topicName}" cannot be written: ${describe(cause)}`;
    throw new KafkaError(message, { code: "SERIALIZATION_FAILED", cause });
  }
}

function readPart<Out>(
  { topic: topicName, partition, offset }: ReadableRecord,
  part: "key" | "value",
  format: Format<never, Out>,
  data: Uint8Array | null,
): Out {
  try {
    return format.read(data);
  } catch (cause) {
    const where = `${topicName}-${partition} at offset ${offset}`;
    const message = `The ${part} of the record in ${where} cannot be read: ${describe(cause)}`;
    throw new KafkaError(message, { code: "DESERIALIZATION_FAILED", cause });
  }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
