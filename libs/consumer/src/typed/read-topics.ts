import type { AnyTypedTopic, ReadableRecord } from "@ottla/client";
import { invalidArgument, invalidOption } from "@ottla/client/internal";
import type { RecordHeaders } from "@ottla/protocol";
import { toDeadLetter } from "../reading/dead-letter.ts";
import type { ReadOptions } from "../reading/iterators.ts";
import type { DeadLetterOptions } from "../reading/run-options.ts";
import type { ConsumerRecord } from "../record.ts";

/** A record of a typed topic. Where topics differ, `topic` tells which type the value has. */
export type TypedRecord<Topic extends AnyTypedTopic> = Topic extends AnyTypedTopic
  ? {
      /** The name of its topic. */
      readonly topic: Topic["name"];
      /** As the topic's `key` gives it. */
      readonly key: ReturnType<Topic["read"]>["key"];
      /** As the topic's `value` gives it. */
      readonly value: ReturnType<Topic["read"]>["value"];
      /** The partition it was read from. */
      readonly partition: number;
      /** Its offset in the partition. */
      readonly offset: number;
      /** Milliseconds since the Unix epoch. */
      readonly timestampMs: number;
      /** Its headers, in their order. */
      readonly headers: RecordHeaders;
      /** The record as it was read: for `consumer.commit(record)`, and its bytes. */
      readonly record: ConsumerRecord<unknown, unknown>;
    }
  : never;

/**
 * What becomes of a record whose key or value is not what its topic says:
 * - `"throw"`: the loop ends with KafkaError `DESERIALIZATION_FAILED`, and the record counts as not processed
 * - `"skip"`: the loop goes on with the next one, as if it were not there
 * - `{ deadLetter }`: it goes to that topic, with headers that say where it was and why; then the loop goes on
 */
export type InvalidRecordPolicy = "throw" | "skip" | { readonly deadLetter: DeadLetterOptions };

/** How typed topics are read. */
export interface ReadTopicsOptions extends ReadOptions {
  /** Has to be said: each of them is wrong for somebody. */
  readonly onInvalid: InvalidRecordPolicy;
  /** Told of each record that is not what its topic says, whatever becomes of it. */
  readonly onInvalidRecord?: (error: unknown, record: ConsumerRecord<unknown, unknown>) => void;
}

/** What is read from: a `Consumer` that is subscribed to the topics, or has partitions of them. */
export interface RecordReader {
  /** Its records, one after another. */
  records(options?: ReadOptions): AsyncIterable<ConsumerRecord<unknown, unknown>>;
}

/**
 * Reads typed topics record by record. When a record counts as processed is as in `consumer.records()`; one that goes
 * to a dead-letter topic does once it is safe there.
 *
 * ```ts
 * const consumer = new Consumer({ groupId: "billing", topics: [orders.name], ... });
 * for await (const { value } of readTopics(consumer, [orders], { onInvalid: "throw" })) bill(value);
 * ```
 *
 * @throws KafkaError `INVALID_ARGUMENT` for a record of a topic that is not among them; what `consumer.records()` throws;
 *   what the dead-letter producer throws
 */
export async function* readTopics<const Topics extends readonly AnyTypedTopic[]>(
  consumer: RecordReader,
  topics: Topics,
  options: ReadTopicsOptions,
): AsyncGenerator<TypedRecord<Topics[number]>, void, void> {
  const { onInvalid, onInvalidRecord, ...readOptions } = options;
  checkPolicy(onInvalid);
  const byName = new Map<string, AnyTypedTopic>(topics.map((topic) => [topic.name, topic]));
  for await (const record of consumer.records(readOptions)) {
    const typed = await typedRecord(record, byName, onInvalid, onInvalidRecord);
    if (typed !== null) yield typed as TypedRecord<Topics[number]>;
  }
}

function checkPolicy(policy: InvalidRecordPolicy): void {
  if (policy === "throw" || policy === "skip" || typeof policy?.deadLetter === "object") return;
  throw invalidOption("onInvalid", policy, '"throw", "skip" or { deadLetter: { topic, producer } }');
}

/** Null for a record that the policy has dealt with. */
async function typedRecord(
  record: ConsumerRecord<unknown, unknown>,
  topics: ReadonlyMap<string, AnyTypedTopic>,
  policy: InvalidRecordPolicy,
  onInvalidRecord: ReadTopicsOptions["onInvalidRecord"],
): Promise<TypedRecord<AnyTypedTopic> | null> {
  const topic = topics.get(record.topic);
  if (topic === undefined) throw notAmong(record, topics);
  try {
    return toTyped(record, topic);
  } catch (error) {
    onInvalidRecord?.(error, record);
    if (policy === "throw") throw error;
    if (policy !== "skip") {
      await policy.deadLetter.producer.send(toDeadLetter(policy.deadLetter.topic, record, error));
    }
    return null;
  }
}

function toTyped(record: ConsumerRecord<unknown, unknown>, topic: AnyTypedTopic): TypedRecord<AnyTypedTopic> {
  const { key, value } = topic.read(record);
  const { partition, offset, timestampMs } = record;
  return {
    ...{ topic: topic.name, key, value, partition, offset, timestampMs, record },
    get headers() {
      return record.headers;
    },
  };
}

function notAmong({ topic }: ReadableRecord, topics: ReadonlyMap<string, AnyTypedTopic>): Error {
  return invalidArgument(`A record of topic "${topic}" came; the typed topics are ${[...topics.keys()].join(", ")}.`);
}
