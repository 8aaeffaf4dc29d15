import type { ConsumerRecord } from "@ottla/consumer";
import type { ProducerRecord } from "@ottla/producer";
import { UsageError } from "./exit.ts";

/** How lines become records. */
export type LineFormat =
  | { readonly kind: "json" }
  | { readonly kind: "text"; readonly keySeparator?: string | undefined };

/** A record without its topic. */
export type ParsedLine = Omit<ProducerRecord, "topic">;

const JSON_FIELDS = ["key", "value", "headers", "partition", "timestampMs"];

/** The record that a line stands for. @throws UsageError that names the line */
export function parseLine(line: string, format: LineFormat, lineNumber: number): ParsedLine {
  if (format.kind === "json") return parseJsonLine(line, lineNumber);
  if (format.keySeparator === undefined) return { value: line };
  const at = line.indexOf(format.keySeparator);
  if (at < 0) throw new UsageError(`Line ${lineNumber} does not hold the key separator "${format.keySeparator}".`);
  return { key: line.slice(0, at), value: line.slice(at + format.keySeparator.length) };
}

function parseJsonLine(line: string, lineNumber: number): ParsedLine {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    throw new UsageError(`Line ${lineNumber} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`Line ${lineNumber} is not a JSON object such as {"key": "k1", "value": "v1"}.`);
  }
  const unknownField = Object.keys(parsed).find((name) => !JSON_FIELDS.includes(name));
  if (unknownField !== undefined) {
    throw new UsageError(`Line ${lineNumber} has a field "${unknownField}"; possible are ${JSON_FIELDS.join(", ")}.`);
  }
  const { key, value, ...rest } = parsed as ParsedLine & Record<string, unknown>;
  return { ...rest, key: asText(key), value: asText(value) };
}

/** Text and null stand for themselves; anything else in JSON is written as JSON text. */
function asText(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
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
