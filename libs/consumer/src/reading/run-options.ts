import {
  invalidOption,
  nonNegativeNumber,
  requireMethod,
  strangeOption,
  wholeNumber,
  wrongOption,
} from "@ottla/client/internal";
import type { ConsumerRecord } from "../record.ts";

/** What keeps its order while several handlers work: the records of each partition, or those with the same key. */
export type RecordOrder = "partition" | "key";

/** What a handler is told besides its record. */
export interface HandlerContext {
  /** Given when the partition is not this consumer's any more: what the handler does may be done by another one too. */
  readonly signal: AbortSignal;
  /** 1 at first, one more each time that the record is tried again. */
  readonly attempt: number;
}

/** Handles one record; the record is finished when the promise settles. */
export type RecordHandler<K, V> = (record: ConsumerRecord<K, V>, context: HandlerContext) => void | Promise<void>;

/** How a record is tried again whose handler failed. */
export interface RetryOptions {
  /** How often it is tried again at most. */
  readonly retries: number;
  /** Wait before it is tried again for the first time; doubled each further time. Default 100. */
  readonly backoffMs?: number;
  /** The longest such wait. Default 10,000. */
  readonly backoffMaxMs?: number;
}

/** A record for the dead-letter topic, as producers take it. */
export interface DeadLetterRecord {
  /** The dead-letter topic. */
  readonly topic: string;
  /** As it was written. */
  readonly key: Uint8Array | null;
  /** As it was written. */
  readonly value: Uint8Array | null;
  /** The record's own, followed by those that say where it comes from and why it is here. */
  readonly headers: readonly (readonly [string, Uint8Array | string | null])[];
}

/** Where records go that failed for good. */
export interface DeadLetterOptions {
  /** The topic; it has to exist, or be created by the broker. */
  readonly topic: string;
  /** Sends them; settles when they are safe. A `Producer` of `@ottla/producer` fits, with serializers that take bytes. */
  readonly producer: { send(record: DeadLetterRecord): Promise<unknown> };
}

/** How {@link Consumer.run} goes about it. */
export interface RunOptions {
  /** How many records are handled at the same time at most. Default 1. */
  readonly concurrency?: number;
  /** What keeps its order. Records without a key have none among each other with `"key"`. Default `"partition"`. */
  readonly orderBy?: RecordOrder;
  /** What is tried again. Default: nothing; the first failure ends the run. */
  readonly retry?: RetryOptions;
  /** Takes records that failed for good, so that the run goes on. Default: the failure ends the run. */
  readonly deadLetter?: DeadLetterOptions;
  /** Ends the run: handlers at work are waited for, and it rejects with KafkaError `ABORTED`. The consumer stays open. */
  readonly signal?: AbortSignal;
}

/** {@link RunOptions} checked and with the defaults filled in. */
export interface RunSettings {
  readonly concurrency: number;
  readonly orderBy: RecordOrder;
  readonly retries: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly deadLetter: DeadLetterOptions | undefined;
  readonly signal: AbortSignal | undefined;
}

const NAMES: ReadonlySet<string> = new Set<keyof RunOptions>([
  "concurrency",
  "orderBy",
  "retry",
  "deadLetter",
  "signal",
]);

/** @throws KafkaError `INVALID_CONFIG` that names the option */
export function resolveRunOptions(options: RunOptions): RunSettings {
  const strange = strangeOption(options, NAMES);
  if (strange) throw wrongOption(`run: ${strange}`);
  const { orderBy = "partition", retry, deadLetter, signal } = options;
  if (orderBy !== "partition" && orderBy !== "key") throw invalidOption("orderBy", orderBy, '"partition" or "key"');
  return {
    concurrency: wholeNumber("concurrency", options.concurrency ?? 1, 1),
    orderBy,
    retries: wholeNumber("retry.retries", retry ? retry.retries : 0, 0),
    backoffMs: nonNegativeNumber("retry.backoffMs", retry?.backoffMs ?? 100),
    backoffMaxMs: nonNegativeNumber("retry.backoffMaxMs", retry?.backoffMaxMs ?? 10_000),
    deadLetter: deadLetter === undefined ? undefined : checked(deadLetter),
    signal,
  };
}

/** Looked at before the first record: that of the first failure would be lost. */
function checked(deadLetter: DeadLetterOptions): DeadLetterOptions {
  const { topic, producer } = deadLetter;
  if (typeof topic !== "string" || topic === "") throw invalidOption("deadLetter.topic", topic, "the name of a topic");
  requireMethod("deadLetter.producer", producer, "send");
  return deadLetter;
}
