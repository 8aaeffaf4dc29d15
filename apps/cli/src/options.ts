import { InvalidArgumentError } from "commander";

/** An argument parser for whole numbers of at least `min`, or what else is allowed, such as -1 for no limit. */
export function wholeNumber(min: number, orElse?: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value === orElse || (Number.isSafeInteger(value) && value >= min)) return value;
    const other = orElse === undefined ? "" : `, or ${orElse},`;
    throw new InvalidArgumentError(`A whole number of at least ${min}${other} is expected.`);
  };
}

/** Collects a `key=value` option that may be given several times. */
export function collectKeyValue(text: string, collected: Record<string, string> = {}): Record<string, string> {
  const separator = text.indexOf("=");
  if (separator <= 0) throw new InvalidArgumentError("key=value is expected.");
  return { ...collected, [text.slice(0, separator).trim()]: text.slice(separator + 1).trim() };
}
