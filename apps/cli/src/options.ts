import { InvalidArgumentError } from "commander";

/** An argument parser for whole numbers of at least `min`, or what else is allowed, such as -1 for no limit. */
export function wholeNumber(min: number, orElse?: number): (text: string) => number {
  const other = orElse === undefined ? "" : `, or ${orElse},`;
  return (text) => {
    const value = wholeNumberOf(text);
    if (value === orElse || value >= min) return value;
    throw new InvalidArgumentError(`A whole number of at least ${min}${other} is expected.`);
  };
}

/** An argument parser for what is a number of so many bits in Kafka's protocol, and above 0. */
export function positiveInt(bits: 16 | 32): (text: string) => number {
  const max = 2 ** (bits - 1) - 1;
  return (text) => {
    const value = wholeNumberOf(text);
    if (value >= 1 && value <= max) return value;
    throw new InvalidArgumentError(`A whole number of at least 1 and at most ${max} is expected.`);
  };
}

/** NaN where it is none. */
function wholeNumberOf(text: string): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** Collects a `key=value` option that may be given several times. */
export function collectKeyValue(text: string, collected: Record<string, string> = {}): Record<string, string> {
  const separator = text.indexOf("=");
  if (separator <= 0) throw new InvalidArgumentError("key=value is expected.");
  return { ...collected, [text.slice(0, separator).trim()]: text.slice(separator + 1).trim() };
}

/** Collects the numbers of partitions: several with commas between them, and the option several times. */
export function collectPartitions(text: string, collected: readonly number[] = []): number[] {
  return [...collected, ...text.split(",").map((each) => wholeNumber(0)(each.trim()))];
}
