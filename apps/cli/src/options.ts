import { InvalidArgumentError } from "commander";

/** An argument parser for whole numbers of at least `min`. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= min) return value;
    throw new InvalidArgumentError(`A whole number of at least ${min} is expected.`);
  };
}

/** Collects a `key=value` option that may be given several times. */
export function collectKeyValue(text: string, collected: Record<string, string> = {}): Record<string, string> {
  const separator = text.indexOf("=");
  if (separator <= 0) throw new InvalidArgumentError("key=value is expected.");
  return { ...collected, [text.slice(0, separator).trim()]: text.slice(separator + 1).trim() };
}
