/** Kafka's types of config values; the numbers are those of DescribeConfigs. */
export const ConfigType = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
} as const;

export type ConfigType = (typeof ConfigType)[keyof typeof ConfigType];

/** When a changed value takes effect, and for whom. */
export type ConfigUpdateMode =
  /** Only at a restart. */
  | "read-only"
  /** At run time, for one broker. */
  | "per-broker"
  /** At run time, for one broker or for all of them. */
  | "cluster-wide";

/** What this broker does with a key that Kafka knows. */
export type ConfigSupport =
  | { readonly kind: "honoured" }
  /** Harmless here: accepted, named in one warning. */
  | { readonly kind: "ignored"; readonly reason: string }
  /** Would promise what this broker does not do: any value but the harmless ones stops the start. */
  | { readonly kind: "refused"; readonly reason: string };

/** One config key: its type, default, limits and documentation. All that is said of a key anywhere comes from here. */
export interface ConfigDefinition<Value> {
  readonly type: ConfigType;
  /** Null where the key has no value unless one is set. */
  readonly defaultValue: Value | null;
  readonly documentation: string;
  /** What values are allowed, as the end of the sentence "it must be …". */
  readonly allowed: string;
  readonly updateMode: ConfigUpdateMode;
  readonly support: ConfigSupport;
  /** The value that `text` means, or undefined where it is not allowed. */
  parse(text: string): Value | undefined;
  /** What is wrong with a `text` that is not allowed for the key `name`, in Apache Kafka's words: clients may know them. */
  complaint(name: string, text: string): string;
  format(value: Value): string;
}

/** What a definition may say besides its type's own. */
export interface DefinitionOptions {
  readonly updateMode?: ConfigUpdateMode;
  readonly support?: ConfigSupport;
}

/** Apache Kafka's sentence about a value that is not allowed. */
export function invalidValue(name: string, value: string, reason: string): string {
  return `Invalid value ${value} for configuration ${name}: ${reason}`;
}

const HONOURED: ConfigSupport = { kind: "honoured" };

function common(documentation: string, options: DefinitionOptions) {
  return {
    documentation,
    updateMode: options.updateMode ?? "read-only",
    support: options.support ?? HONOURED,
  } as const;
}

/** `Long.MAX_VALUE`: what Kafka writes for "no limit". */
export const LONG_MAX = 2 ** 63;
const LONG_MAX_TEXT = "9223372036854775807";
export const INT_MAX = 2 ** 31 - 1;

function parseInteger(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === LONG_MAX_TEXT) return LONG_MAX;
  return /^[+-]?\d{1,16}$/.test(trimmed) ? Number(trimmed) : undefined;
}

function formatNumber(value: number): string {
  return value === LONG_MAX ? LONG_MAX_TEXT : String(value);
}

interface Range {
  readonly min?: number;
  readonly max?: number;
  /** A value below `min` that has a meaning of its own. */
  readonly special?: number;
}

function isWithin(value: number, { min = -Infinity, max = Infinity, special }: Range): boolean {
  return value === special || (value >= min && value <= max);
}

function rangeComplaint(value: number, { min = -Infinity, max, special }: Range): string {
  if (special !== undefined) return `Value must be between ${min} and ${max} or equal to ${special}`;
  return value < min ? `Value must be at least ${min}` : `Value must be no more than ${max}`;
}

function describeRange(what: string, { min, max, special }: Range): string {
  if (special !== undefined) return `${what} from ${min} to ${max}, or ${special}`;
  if (min !== undefined && max !== undefined) return `${what} from ${min} to ${max}`;
  if (min !== undefined) return `${what}, ${min} or more`;
  return max !== undefined ? `${what}, at most ${max}` : what;
}

function integer(type: ConfigType, typeName: string, typeMin: number, typeMax: number) {
  const ofType = (text: string) => {
    const value = parseInteger(text);
    return value !== undefined && value >= typeMin && value <= typeMax ? value : undefined;
  };
  return (
    defaultValue: number | null,
    documentation: string,
    options: DefinitionOptions & Range = {},
  ): ConfigDefinition<number> => ({
    ...common(documentation, options),
    type,
    defaultValue,
    allowed: describeRange("a whole number", options),
    parse(text) {
      const value = ofType(text);
      return value !== undefined && isWithin(value, options) ? value : undefined;
    },
    complaint(name, text) {
      const value = ofType(text);
      const reason = value === undefined ? `Not a number of type ${typeName}` : rangeComplaint(value, options);
      return invalidValue(name, text, reason);
    },
    format: formatNumber,
  });
}

export const intConfig = integer(ConfigType.INT, "INT", -(2 ** 31), INT_MAX);
export const shortConfig = integer(ConfigType.SHORT, "SHORT", -(2 ** 15), 2 ** 15 - 1);
export const longConfig = integer(ConfigType.LONG, "LONG", -LONG_MAX, LONG_MAX);

function parseDouble(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text);
}

export function doubleConfig(
  defaultValue: number | null,
  documentation: string,
  options: DefinitionOptions & Range = {},
): ConfigDefinition<number> {
  return {
    ...common(documentation, options),
    type: ConfigType.DOUBLE,
    defaultValue,
    allowed: describeRange("a number", options),
    parse(text) {
      const value = parseDouble(text);
      return isWithin(value, options) ? value : undefined;
    },
    complaint(name, text) {
      const value = parseDouble(text);
      const reason = Number.isNaN(value) ? "Not a number of type DOUBLE" : rangeComplaint(value, options);
      return invalidValue(name, text, reason);
    },
    // Java's form of what is too long to be written out.
    format: (value) => String(value).replace("e+", "E"),
  };
}

export function booleanConfig(
  defaultValue: boolean | null,
  documentation: string,
  options: DefinitionOptions = {},
): ConfigDefinition<boolean> {
  return {
    ...common(documentation, options),
    type: ConfigType.BOOLEAN,
    defaultValue,
    allowed: "true or false",
    parse(text) {
      const value = text.trim().toLowerCase();
      return value === "true" ? true : value === "false" ? false : undefined;
    },
    complaint: (name, text) => invalidValue(name, text, "Expected value to be either true or false"),
    format: String,
  };
}

interface TextOptions extends DefinitionOptions {
  readonly type?: ConfigType;
  /** For values with a grammar of their own, which is checked where they are used. */
  readonly allowed?: string;
}

export function stringConfig(
  defaultValue: string | null,
  documentation: string,
  options: TextOptions = {},
): ConfigDefinition<string> {
  return {
    ...common(documentation, options),
    type: options.type ?? ConfigType.STRING,
    defaultValue,
    allowed: options.allowed ?? "text",
    parse: (text) => text.trim(),
    complaint: (name, text) => invalidValue(name, text, "Not a text"), // every text is one
    format: (value) => value,
  };
}

export function passwordConfig(documentation: string, options: DefinitionOptions = {}): ConfigDefinition<string> {
  return stringConfig(null, documentation, { ...options, type: ConfigType.PASSWORD });
}

/** One of a fixed set of words. */
export function choiceConfig<const Choice extends string>(
  choices: readonly Choice[],
  defaultValue: NoInfer<Choice> | null,
  documentation: string,
  options: DefinitionOptions = {},
): ConfigDefinition<Choice> {
  return {
    ...common(documentation, options),
    type: ConfigType.STRING,
    defaultValue,
    allowed: `one of ${choices.join(", ")}`,
    parse: (text) => choices.find((choice) => choice === text.trim()),
    complaint: (name, text) => invalidValue(name, text, `String must be one of: ${choices.join(", ")}`),
    format: (value) => value,
  };
}

interface ListOptions<Item extends string> extends DefinitionOptions {
  /** The items allowed; any where absent. */
  readonly choices?: readonly Item[];
  readonly nonEmpty?: boolean;
}

/** Words separated by commas. */
export function listConfig<const Item extends string = string>(
  defaultValue: readonly NoInfer<Item>[] | null,
  documentation: string,
  options: ListOptions<Item> = {},
): ConfigDefinition<readonly Item[]> {
  const { choices } = options;
  return {
    ...common(documentation, options),
    type: ConfigType.LIST,
    defaultValue,
    allowed: choices ? `a comma-separated list of ${choices.join(", ")}` : "a comma-separated list",
    parse(text) {
      const items = splitList(text);
      if (options.nonEmpty && items.length === 0) return undefined;
      const known = items.filter((item): item is Item => !choices || choices.some((choice) => choice === item));
      return known.length === items.length ? known : undefined;
    },
    complaint(name, text) {
      const other = splitList(text).find((item) => !choices?.some((choice) => choice === item));
      if (!choices || other === undefined) return invalidValue(name, text, "List must not be empty");
      return invalidValue(name, other, `String must be one of: ${choices.join(", ")}`);
    },
    format: (value) => value.join(","),
  };
}

/** Replicas as `partition:broker` pairs, or `*` for all of them. */
export function replicasConfig(documentation: string): ConfigDefinition<readonly string[]> {
  const list = listConfig([], documentation);
  return {
    ...list,
    allowed: "partition:broker pairs separated by commas, or *",
    parse(text) {
      const items = splitList(text);
      const isEach = items.every((item) => /^\d+:\d+$/.test(item));
      return isEach || text.trim() === "*" ? items : undefined;
    },
    complaint: (name, text) =>
      invalidValue(
        name,
        `[${splitList(text).join(", ")}]`,
        `${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`,
      ),
  };
}

/** `host:count` pairs; a host is a name, an IPv4 address or an IPv6 address, in brackets or not. */
export function countsByHostConfig(
  documentation: string,
  options: DefinitionOptions = {},
): ConfigDefinition<ReadonlyMap<string, number>> {
  const ENTRY = /^([\w.%-]+|[\da-fA-F:.%]+|\[[\da-fA-F:.%]+\])\s*:\s*(\d{1,10})$/;
  return {
    ...common(documentation, options),
    type: ConfigType.STRING,
    defaultValue: new Map(),
    allowed: "host:count pairs separated by commas",
    parse(text) {
      const entries = splitList(text).map((item) => ENTRY.exec(item));
      if (entries.includes(null)) return undefined;
      return new Map(entries.map((entry) => [entry![1]!, Math.min(Number(entry![2]), INT_MAX)]));
    },
    complaint: (name, text) => invalidValue(name, text, "It must be host:count pairs separated by commas"),
    format: (value) => [...value].map(([host, count]) => `${host}:${count}`).join(","),
  };
}

/** The items of a comma-separated list, trimmed, without empty ones. */
export function splitList(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** The type of value that a definition parses to. */
export type ConfigValue<Definition> = Definition extends ConfigDefinition<infer Value> ? Value : never;

/** Whether values of this key must not be shown. */
export function isSensitive(definition: ConfigDefinition<unknown>): boolean {
  return definition.type === ConfigType.PASSWORD;
}
