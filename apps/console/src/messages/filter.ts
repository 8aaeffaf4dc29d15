import { holds, type JsonCondition, parseJsonCondition } from "./json-path.ts";

/** What a filter looks at. */
export type FilterField = "any" | "key" | "value" | "header" | "json";

/** A record as filters see it. */
export interface FilteredRecord {
  readonly keyBytes: Uint8Array | null;
  readonly valueBytes: Uint8Array | null;
  readonly headers: Iterable<readonly [string, Uint8Array | null]>;
}

export type Filter = (record: FilteredRecord) => boolean;

const utf8 = new TextDecoder();

/** Makes a filter of what was typed; null for none. @throws JsonPathError */
export function parseFilter(field: FilterField, text: string): Filter | null {
  if (text.trim() === "") return null;
  if (field === "json") return jsonFilter(parseJsonCondition(text));
  const wanted = text.toLowerCase();
  const has = (bytes: Uint8Array | null) => bytes !== null && utf8.decode(bytes).toLowerCase().includes(wanted);
  if (field === "key") return ({ keyBytes }) => has(keyBytes);
  if (field === "value") return ({ valueBytes }) => has(valueBytes);
  if (field === "header") return headerFilter(text);
  return (record) => has(record.keyBytes) || has(record.valueBytes) || headerFilter(text)(record);
}

/** `name`, or `name=part of the value`. */
function headerFilter(text: string): Filter {
  const [name = "", ...rest] = text.split("=");
  const wanted = rest.length === 0 ? null : rest.join("=").trim().toLowerCase();
  const wantedName = name.trim().toLowerCase();
  return ({ headers }) => {
    for (const [header, value] of headers) {
      if (!header.toLowerCase().includes(wantedName)) continue;
      if (wanted === null || (value !== null && utf8.decode(value).toLowerCase().includes(wanted))) return true;
    }
    return false;
  };
}

function jsonFilter(condition: JsonCondition): Filter {
  return ({ valueBytes }) => {
    if (valueBytes === null) return false;
    try {
      return holds(condition, JSON.parse(utf8.decode(valueBytes)));
    } catch {
      return false;
    }
  };
}
