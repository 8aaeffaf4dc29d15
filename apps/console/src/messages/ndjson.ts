import type { ConsumerRecord } from "@ottla/consumer";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A record as a line, with the fields of `ottla consume --json`. What is no text is given as `{"base64": …}`. */
export function toJsonLine(record: ConsumerRecord): string {
  const { topic, partition, offset, timestampMs } = record;
  const headers = [...record.headers].map(([name, value]) => [name, dataOf(value)]);
  return JSON.stringify({
    ...{ topic, partition, offset, timestampMs },
    key: dataOf(record.keyBytes),
    value: dataOf(record.valueBytes),
    headers,
  });
}

function dataOf(bytes: Uint8Array | null): string | null | { readonly base64: string } {
  if (bytes === null) return null;
  try {
    return utf8.decode(bytes);
  } catch {
    return { base64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) };
  }
}

/** Hands text to the person as a file. */
export function downloadText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
