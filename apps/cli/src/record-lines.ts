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

/** A record as one JSON line that `produce --json` makes the same record of, byte by byte. */
export function formatJsonLine(record: ConsumerRecord): string {
  const { topic, partition, offset, timestampMs } = record;
  const headers = [...record.headers].map(([name, data]) => [name, dataOf(data)]);
  const [key, value] = [dataOf(record.keyBytes), dataOf(record.valueBytes)];
  return JSON.stringify({ topic, partition, offset, timestampMs, key, value, headers });
}

/** Key and value as text, with a tab between them where there is a key. */
export function formatTextLine(record: ConsumerRecord, keySeparator: string): string {
  const value = record.value ?? "";
  return record.key === null ? value : `${record.key}${keySeparator}${value}`;
}

/** A byte order mark is a part of the data like any other. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Data in a JSON line: text as it is, and what is no text as `{"base64": …}`. */
function dataOf(bytes: Uint8Array | null): string | null | { readonly base64: string } {
  if (bytes === null) return null;
  try {
    return utf8.decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64") };
  }
}
