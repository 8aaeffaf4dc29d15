import { isSignal } from "./deadline.ts";
import { describe, invalidArgument, isText, wrongOption } from "./errors.ts";

/** What a field has to be; with `?` it may be left out, with `|null` it may be null. Integers are whole, naturals 0 or above, too. */
type Kind = "string" | "integer" | "natural" | "boolean" | "function" | "list" | "object";

/** The fields that an item of a list has to have, or may have; errors show it as it is. */
export type Fields = Readonly<Record<string, Kind | `${Kind}?` | `${Kind}|null` | `${Kind}?|null`>>;

/** @throws KafkaError `INVALID_CONFIG` where a client is made without options */
function requireOptions(client: string, options: unknown): void {
  if (isObject(options)) return;
  throw wrongOption(
    `new ${client}({ bootstrapServers: "localhost:9092" }) is right; it was given ${describe(options)}.`,
  );
}

/**
 * The options of a client, which note what they are asked for: what was not asked for by the end is no option. So there is no
 * list of names that a page has to load, and none to keep.
 * @throws KafkaError `INVALID_CONFIG` as {@link requireOptions} does; the function that it gives, for an option that is none
 */
export function watchedOptions<T extends object>(client: string, options: T): [options: T, refuseOthers: () => void] {
  requireOptions(client, options);
  const known = new Set<string>();
  const get = (target: T, name: string | symbol) => {
    known.add(name as string);
    return target[name as keyof T];
  };
  const refuseOthers = () => {
    const strange = strangeOption(options, known);
    if (strange) throw wrongOption(`new ${client}: ${strange}`);
  };
  return [new Proxy(options, { get }), refuseOthers];
}

/** What is given and not known, in words, with the known name that is nearest; undefined where there is none. */
export function strangeOption(given: object, known: ReadonlySet<string>): string | undefined {
  const name = Object.keys(given).find((each) => !known.has(each));
  if (name === undefined) return undefined;
  const typed = name.toLowerCase();
  // More than 0 where more than half of its letters stand, with the two behind them, in what was typed.
  const likeness = (other: string) =>
    [...typed].filter((_, at) => other.toLowerCase().includes(typed.slice(at, at + 3))).length * 2 - other.length;
  const [near = ""] = [...known].sort((a, b) => likeness(b) - likeness(a));
  return `there is no option ${name}${likeness(near) > 0 ? `; did you mean ${near}?` : "."}`;
}

/** The options of a call, which may be left out. @throws KafkaError `INVALID_ARGUMENT` */
export function checkCallOptions(call: string, options: unknown): void {
  if (options === undefined) return;
  if (!isObject(options)) {
    throw invalidArgument(`${call}: the options are ${describe(options)}; they must be an object.`);
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
  if ((fields ?? texts) === undefined || (texts && isText(item))) return undefined;
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
  if (typeof value === "string" && !isText(value)) return false;
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && (rule.startsWith("integer") || (rule.startsWith("natural") && value >= 0));
  }
  return rule.startsWith(Array.isArray(value) ? "list" : typeof value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
