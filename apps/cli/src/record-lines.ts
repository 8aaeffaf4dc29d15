import type { ConsumerRecord } from "@ottla/consumer";
import type { ProducerRecord } from "@ottla/producer";
import { UsageError } from "./exit.ts";

/** A record without its topic. */
export type ParsedLine = Omit<ProducerRecord, "topic">;

/** Turns a line into the record that it stands for. Throws UsageError, which names the line. */
export type LineParser = (line: string, lineNumber: number) => ParsedLine;

/** Lines of text: the value, or key and value with `keySeparator` between them. */
export function textLineParser(keySeparator: string | undefined): LineParser {
  if (keySeparator === undefined) return (line) => ({ value: line });
  return (line, lineNumber) => {
    const at = line.indexOf(keySeparator);
    if (at < 0) throw new UsageError(`Line ${lineNumber} does not hold the key separator "${keySeparator}".`);
    return { key: line.slice(0, at), value: line.slice(at + keySeparator.length) };
  };
}

/** A record as one JSON line that `produce --json` of another topic can read in part. */
export function formatJsonLine(record: ConsumerRecord): string {
  const { topic, partition, offset, timestampMs, key, value } = record;
  const headers = [...record.headers].map(([name, data]) => [name, data === null ? null : textOf(data)]);
  return JSON.stringify({ topic, partition, offset, timestampMs, key, value, headers });
}

/** Key and value as text, with a tab between them where there is a key. */
export function formatTextLine(record: ConsumerRecord, keySeparator: string): string {
  const value = record.value ?? "";
  return record.key === null ? value : `${record.key}${keySeparator}${value}`;
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
