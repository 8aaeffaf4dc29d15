import { ConfigError } from "./config-error.ts";

/** What the value of an option has to be. */
export interface OptionRule {
  readonly isRight: (value: unknown) => boolean;
  /** Follows "it must be". */
  readonly right: string;
}

const PORT_MAX = 65_535;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The kinds of options with which brokers are started in a process. */
export const OPTION_RULES = {
  port: {
    isRight: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= PORT_MAX,
    right: `a whole number from 0 to ${PORT_MAX}`,
  },
  count: { isRight: (value) => Number.isSafeInteger(value) && (value as number) > 0, right: "a whole number above 0" },
  trueOrFalse: { isRight: (value) => typeof value === "boolean", right: "true or false" },
  text: { isRight: (value) => typeof value === "string" && value !== "", right: "a text that is not empty" },
  list: { isRight: Array.isArray, right: "a list" },
  object: { isRight: isObject, right: "an object" },
  function: { isRight: (value) => typeof value === "function", right: "a function" },
  logger: {
    isRight: (value) => isObject(value) && typeof value.info === "function",
    right: "an object with a method info",
  },
} as const satisfies Readonly<Record<string, OptionRule>>;

/**
 * Refuses options that are no object, values of a wrong type, and names without a rule: a misspelt option would be left at its
 * default.
 * @param call what was called, for the message
 * @throws ConfigError
 */
export function checkStartOptions(call: string, options: unknown, rules: Readonly<Record<string, OptionRule>>): void {
  if (!isObject(options))
    throw new ConfigError([`${call}: the options are ${describe(options)}; they must be an object`]);
  const names = Object.keys(rules);
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const known = `they are ${names.join(", ")}, and Kafka's keys go into config`;
    throw new ConfigError([`${call}: there is no option ${unknown}; ${known}`]);
  }
  for (const [name, { isRight, right }] of Object.entries(rules)) {
    const given = options[name];
    if (given === undefined || isRight(given)) continue;
    throw new ConfigError([`${call}: ${name} is ${describe(given)}; it must be ${right}`]);
  }
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "a list";
  return isObject(value) ? "an object" : String(value);
}
