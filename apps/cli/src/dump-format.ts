import type { DumpEntry } from "@ottla/storage/internal";

/** One line for a person: `key: value` pairs, as Apache Kafka's own dump tool shows them. */
export function formatEntry({ kind, fields }: DumpEntry): string {
  const pairs = Object.entries(fields).map(([key, value]) => `${key}: ${formatValue(value)}`);
  if (kind === "damage") return `DAMAGED ${pairs.join(" ")}`;
  return kind === "record" ? `| ${pairs.join(" ")}` : pairs.join(" ");
}

function formatValue(value: unknown): string {
  if (value instanceof Uint8Array) return asText(value);
  return typeof value === "object" && value !== null ? toJson(value) : String(value);
}

/** JSON in one line. Bytes become text where they are text, else `base64:` and what it takes. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, member) => {
    if (member instanceof Uint8Array) return asText(member);
    return typeof member === "bigint" ? member.toString() : member;
  });
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

function asText(bytes: Uint8Array): string {
  try {
    const text = strictUtf8.decode(bytes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what tells binary data from text
    if (!/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text)) return text;
  } catch {
    // Not text.
  }
  return `base64:${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64")}`;
}
