import { isSignal } from "./deadline.ts";
import { describe, invalidArgument, wrongOption } from "./errors.ts";

/** What a field has to be; with `?` it may be left out, with `|null` it may be null. Integers are whole, offsets 0 or above, too. */
type Kind = "string" | "integer" | "offset" | "boolean" | "function" | "list" | "object";

/** The fields that an item of a list has to have, or may have; errors show it as it is. */
export type Fields = Readonly<Record<string, Kind | `${Kind}?` | `${Kind}|null` | `${Kind}?|null`>>;

/** @throws KafkaError `INVALID_CONFIG` where a client is made without options */
export function requireOptions(client: string, options: unknown): void {
  if (isObject(options)) return;
  const right = `new ${client}({ bootstrapServers: "localhost:9092" })`;
  throw wrongOption(`The options of the ${client} are ${describe(options)}; they must be an object: ${right}.`);
}

/** The options of a call, which may be left out. @throws KafkaError `INVALID_ARGUMENT` */
export function checkCallOptions(call: string, options: unknown): void {
  if (options === undefined) return;
  if (!isObject(options)) {
    throw invalidArgument(`${call}: the options are ${describe(options)}; they must be an object, or left out.`);
  }
  const { signal } = options;
  if (signal && !isSignal(signal)) throw invalidArgument(`${call}: signal is no AbortSignal.`);
}

/**
 * `list` as an array: of objects with these fields, where they are given, and of texts where `texts` says so.
 * @throws KafkaError `INVALID_ARGUMENT` that says what is wrong with it, and what would be right
 */
export function checkedList<T>(call: string, list: Iterable<T>, fields?: Fields, texts?: "strings"): T[] {
  const given: unknown = list;
  const isList = isObject(given) && Symbol.iterator in given;
  const items = isList ? [...list] : [];
  const wrong = isList ? items.map((item) => wrongIn(item, fields, texts)).find(Boolean) : describe(given);
  if (wrong === undefined) return items;
  const right = [texts, fields && JSON.stringify(fields)].filter(Boolean).join(" or ");
  throw invalidArgument(`${call} takes a list${right && ` of ${right}`}, and was given ${wrong}.`);
}

/** In words; undefined for nothing. */
function wrongIn(item: unknown, fields: Fields | undefined, texts: string | undefined): string | undefined {
  if ((fields ?? texts) === undefined || (texts && typeof item === "string")) return undefined;
  if (!fields || !isObject(item)) return `one with ${describe(item)}`;
  const wrong = wrongField(item, fields);
  return wrong && `one where ${wrong} is ${describe(item[wrong])}`;
}

/** The name of one that is not as it has to be. */
export function wrongField(item: Readonly<Record<string, unknown>>, fields: Fields): string | undefined {
  return Object.keys(fields).find((name) => !fits(item[name], fields[name]!));
}

function fits(value: unknown, rule: string): boolean {
  if (value === undefined) return rule.includes("?");
  if (value === null) return rule.endsWith("null");
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && (rule.startsWith("integer") || (rule.startsWith("offset") && value >= 0));
  }
  return rule.startsWith(Array.isArray(value) ? "list" : typeof value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
