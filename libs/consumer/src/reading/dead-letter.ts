import type { ConsumerRecord } from "../record.ts";
import type { DeadLetterRecord } from "./run-options.ts";

/**
 * A record as it goes to the dead-letter topic: the same bytes and headers, and headers that say where it comes from
 * and why. Numbers are text.
 */
export function toDeadLetter<K, V>(topic: string, record: ConsumerRecord<K, V>, error: unknown): DeadLetterRecord {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  return {
    topic,
    key: record.keyBytes,
    value: record.valueBytes,
    headers: [
      ...record.headers,
      ["__ottla.errors.topic", record.topic],
      ["__ottla.errors.partition", String(record.partition)],
      ["__ottla.errors.offset", String(record.offset)],
      ["__ottla.errors.timestamp", String(record.timestampMs)],
      ["__ottla.errors.exception", name],
      ["__ottla.errors.message", message],
    ],
  };
}
