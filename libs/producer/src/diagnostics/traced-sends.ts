import { headerPairs, type ProducerRecord } from "../record.ts";
import type { OperationTracing, SendContext, SendTracing, TracedRecord } from "./contract.ts";

/** Sends followed by tracers, who may give the records headers of theirs. */
export class TracedSends implements SendTracing {
  readonly #tracing: OperationTracing<SendContext>;

  constructor(tracing: OperationTracing<SendContext>) {
    this.#tracing = tracing;
  }

  get hasSubscribers(): boolean {
    return this.#tracing.hasSubscribers;
  }

  async trace<I extends object, T>(clientId: string, input: I, send: (input: I) => Promise<T>): Promise<T> {
    const records = (Array.isArray(input) ? input : [input]).map((record) => withOwnHeaders(record));
    const own: unknown = Array.isArray(input) ? records : records[0];
    return await this.#tracing.tracePromise(async () => await send(own as I), {
      clientId,
      records: records.map(traced),
    });
  }
}

/** The fields by name too: they may be those of a class, as in a record that was read. */
function withOwnHeaders(record: ProducerRecord<unknown, unknown>) {
  if (typeof record !== "object" || record === null) return record;
  const { topic, key, value, partition, timestampMs, headers } = record;
  return { ...record, topic, key, value, partition, timestampMs, headers: [...headerPairs(headers)] };
}

/** What a tracer sees of a record: the same headers, so that those which it adds are sent. */
function traced(record: TracedRecord): TracedRecord {
  const { topic, key, value, headers } = record ?? {};
  return { topic, key, value, headers };
}
