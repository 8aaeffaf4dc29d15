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
  format(value: Value): string;
}

/** What a definition may say besides its type's own. */
export interface DefinitionOptions {
  readonly updateMode?: ConfigUpdateMode;
  readonly support?: ConfigSupport;
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
}

function describeRange(what: string, { min, max }: Range): string {
  if (min !== undefined && max !== undefined) return `${what} from ${min} to ${max}`;
  if (min !== undefined) return `${what}, ${min} or more`;
  return max !== undefined ? `${what}, at most ${max}` : what;
}

function integer(type: ConfigType, typeMin: number, typeMax: number) {
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
      const value = parseInteger(text);
      if (value === undefined) return undefined;
      return value >= (options.min ?? typeMin) && value <= (options.max ?? typeMax) ? value : undefined;
    },
    format: formatNumber,
  });
}

export const intConfig = integer(ConfigType.INT, -(2 ** 31), INT_MAX);
export const shortConfig = integer(ConfigType.SHORT, -(2 ** 15), 2 ** 15 - 1);
export const longConfig = integer(ConfigType.LONG, -LONG_MAX, LONG_MAX);

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
      const value = text.trim() === "" ? Number.NaN : Number(text);
      return value >= (options.min ?? -Infinity) && value <= (options.max ?? Infinity) ? value : undefined;
    },
    format: String,
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
    format: (value) => value.join(","),
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
