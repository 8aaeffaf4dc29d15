/** A step into a JSON value: a member's name, an index, or every element. */
type Step = string | number | "*";

type Operator = "=" | "!=" | ">" | ">=" | "<" | "<=" | "~";

/** A condition on a JSON value: what the path finds is there, or compares with a literal. */
export interface JsonCondition {
  readonly steps: readonly Step[];
  readonly operator: Operator | null;
  readonly literal: string | number | boolean | null;
}

/** What is wrong with an expression, in words. */
export class JsonPathError extends Error {}

const EXPRESSION = /^\s*([^=!<>~]+?)\s*(?:(=|!=|>=|<=|>|<|~)\s*(.*?)\s*)?$/s;
const STEP = /^(?:\.?([A-Za-z_$][\w$-]*)|\[(\d+)\]|\[\*\]|\["((?:[^"\\]|\\.)*)"\])/;

/**
 * Parses `order.items[0].price > 10`: a path, and after it (or not) an operator with a literal. `~` means contains,
 * `[*]` any element, `["odd name"]` a member whose name is no word; `$` in front is allowed.
 * @throws JsonPathError
 */
export function parseJsonCondition(text: string): JsonCondition {
  const match = EXPRESSION.exec(text);
  if (match === null) throw new JsonPathError(`"${text}" is no condition; write one such as order.total > 100`);
  const [, path = "", operator, literal = ""] = match;
  if (operator !== undefined && literal === "")
    throw new JsonPathError(`There is nothing to compare with after ${operator}.`);
  return {
    steps: parsePath(path),
    operator: (operator as Operator | undefined) ?? null,
    literal: operator === undefined ? null : parseLiteral(literal),
  };
}

function parsePath(path: string): Step[] {
  const steps: Step[] = [];
  let rest = path.replace(/^\$/, "");
  while (rest !== "") {
    const match = STEP.exec(rest);
    if (match === null) throw new JsonPathError(`"${rest}" is no step of a path; write a.b, a[0], a[*] or a["b c"].`);
    const [all, name, index, quoted] = match;
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(quoted.replace(/\\(.)/g, "$1"));
    else steps.push("*");
    rest = rest.slice(all.length);
  }
  return steps;
}

/** JSON, and anything else as the text that it is. */
function parseLiteral(text: string): string | number | boolean | null {
  if (/^'.*'$/.test(text)) return text.slice(1, -1);
  try {
    const value: unknown = JSON.parse(text);
    if (value === null || typeof value !== "object") return value as string | number | boolean | null;
  } catch {
    // A word without quotes.
  }
  return text;
}

/** Whether the condition holds for anything that its path finds. */
export function holds({ steps, operator, literal }: JsonCondition, value: unknown): boolean {
  return find(value, steps, 0).some((found) => operator === null || compare(found, operator, literal));
}

function find(value: unknown, steps: readonly Step[], at: number): unknown[] {
  if (at === steps.length) return [value];
  if (typeof value !== "object" || value === null) return [];
  const step = steps[at]!;
  if (step === "*") return Object.values(value).flatMap((each) => find(each, steps, at + 1));
  if (!Object.hasOwn(value, step)) return [];
  return find((value as Record<string | number, unknown>)[step], steps, at + 1);
}

function compare(found: unknown, operator: Operator, literal: JsonCondition["literal"]): boolean {
  if (operator === "~") return textOf(found).toLowerCase().includes(String(literal).toLowerCase());
  if (operator === "=") return found === literal || textOf(found) === String(literal);
  if (operator === "!=") return found !== literal && textOf(found) !== String(literal);
  const order = orderOf(found, literal);
  if (order === null) return false;
  if (operator === ">") return order > 0;
  if (operator === ">=") return order >= 0;
  return operator === "<" ? order < 0 : order <= 0;
}

function textOf(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Numbers with numbers, text with text. */
function orderOf(found: unknown, literal: JsonCondition["literal"]): number | null {
  if (typeof found === "number" && typeof literal === "number") return found - literal;
  if (typeof found === "string" && typeof literal === "string") return found < literal ? -1 : Number(found > literal);
  return null;
}
