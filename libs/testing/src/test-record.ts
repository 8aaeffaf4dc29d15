import type { ConsumerRecord } from "@ottla/consumer";

/** A record as a plain object, for assertions. */
export interface TestRecord<K = string | null, V = string | null> {
  /** The topic it was read from. */
  readonly topic: string;
  /** The partition it was read from. */
  readonly partition: number;
  /** Its offset in the partition. */
  readonly offset: number;
  /** Milliseconds since the Unix epoch. */
  readonly timestampMs: number;
  /** The key; null without one. */
  readonly key: K;
  /** The value; null for a tombstone. */
  readonly value: V;
  /** In order, names may repeat; values as UTF-8 text. */
  readonly headers: readonly (readonly [name: string, value: string | null])[];
}

export function toTestRecord<K, V>(record: ConsumerRecord<K, V>): TestRecord<K, V> {
  const { topic, partition, offset, timestampMs, key, value } = record;
  const headers = [...record.headers].map(([name, data]) => [name, textOf(data)] as const);
  return { topic, partition, offset, timestampMs, key, value, headers };
}

function textOf(data: Uint8Array | null): string | null {
  return data === null ? null : new TextDecoder().decode(data);
}

/** The order of `records()`: by partition, and by offset within each. */
export function byPosition(a: TestRecord<unknown, unknown>, b: TestRecord<unknown, unknown>): number {
  return a.partition - b.partition || a.offset - b.offset;
}
