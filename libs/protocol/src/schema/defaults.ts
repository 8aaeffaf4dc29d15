import type { FieldSpec, StructSpec } from "./field.ts";

const EMPTY_ARRAY: readonly never[] = /*#__PURE__*/ Object.freeze([]);
const EMPTY_BYTES = /*#__PURE__*/ new Uint8Array(0);
const ZERO_UUID = "AAAAAAAAAAAAAAAAAAAAAA";

/** The value of a field that is not there. Arrays and structs are shared by all messages and frozen. */
export function defaultOf(spec: FieldSpec): unknown {
  if (spec.default !== undefined) return spec.default;
  switch (spec.type) {
    case "bool":
      return false;
    case "string":
      return "";
    case "uuid":
      return ZERO_UUID;
    case "bytes":
    case "records":
      return EMPTY_BYTES;
    case "array":
      return EMPTY_ARRAY;
    case "struct":
      return defaultStruct(spec.fields!);
    case "bigint64":
      return 0n;
    default:
      return 0;
  }
}

function defaultStruct(fields: StructSpec): unknown {
  const entries = Object.entries(fields).map(([name, spec]) => [name, defaultOf(spec)] as const);
  return Object.freeze(Object.fromEntries(entries));
}

/** Whether `value` says no more than leaving the field out would. */
export function isDefault(spec: FieldSpec, value: unknown): boolean {
  if (value === undefined) return true;
  if (value === null || spec.default === null) return value === spec.default;
  switch (spec.type) {
    case "array":
    case "bytes":
    case "records":
      return (value as { readonly length: number }).length === 0;
    case "struct":
      return isDefaultStruct(spec.fields!, value as Readonly<Record<string, unknown>>);
    default:
      return value === defaultOf(spec);
  }
}

function isDefaultStruct(fields: StructSpec, value: Readonly<Record<string, unknown>>): boolean {
  const unknown = value.unknownTaggedFields as readonly unknown[] | undefined;
  if (unknown !== undefined && unknown.length > 0) return false;
  for (const name in fields) if (!isDefault(fields[name]!, value[name])) return false;
  return true;
}
