import type { ConsumerRecord } from "../record.ts";

/** Follows an operation from its start to its end, for tracers. The shape of Node.js's `TracingChannel`. */
export interface OperationTracing<C extends object> {
  readonly hasSubscribers: boolean;
  /** Tells of the start, does the work in the scope that subscribers have bound, and tells of its end. */
  tracePromise<T>(work: () => Promise<T>, context: C): Promise<T>;
}

/** What a tracer sees of a record that a handler of `consumer.run` is given. */
export interface ProcessContext {
  /** The consumer's `clientId`. */
  readonly clientId: string;
  /** The consumer's `groupId`; null without one. */
  readonly groupId: string | null;
  /** The record. */
  readonly record: ConsumerRecord<unknown, unknown>;
  /** 1 at first, then 2 and so on for retries. */
  readonly attempt: number;
}
