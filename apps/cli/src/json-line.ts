import * as z from "zod";
import { UsageError } from "./exit.ts";
import type { ParsedLine } from "./record-lines.ts";

/** What is no text. */
const bytes = z
  .strictObject({ base64: z.base64() })
  .transform(({ base64 }) => new Uint8Array(Buffer.from(base64, "base64")));

/** Any JSON: text and null stand for themselves, `{"base64": …}` for bytes; anything else is written as JSON text. */
const data = z.json().transform((value, context) => {
  if (value === null || typeof value === "string") return value;
  if (!isBytes(value)) return JSON.stringify(value);
  const parsed = bytes.safeParse(value);
  if (parsed.success) return parsed.data;
  context.addIssue('{"base64": …} holds no base64');
  return z.NEVER;
});

function isBytes(value: z.core.util.JSONType): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).join() === "base64";
}

const HEADER = 'a header is a pair such as ["name", "text"] or ["name", {"base64": "AP8="}]';
const header = z.tuple([z.string(), z.union([z.string(), z.null(), bytes])], HEADER);

/** One line of `produce --json`, with all that `consume --json` writes. */
const recordLine = z.strictObject({
  key: data.default(null),
  value: data.default(null),
  headers: z.array(header).optional(),
  partition: z.int().min(0).optional(),
  /** Records of long ago have none: -1. */
  timestampMs: z.int().min(-1).optional(),
  /** Where the record was read from; where it goes is the command's to say. */
  topic: z.string().optional(),
  offset: z.int().min(0).optional(),
});

/** The record that a line of JSON stands for. @throws UsageError that names the line and what is wrong in it */
export function parseJsonLine(line: string, lineNumber: number): ParsedLine {
  const result = recordLine.safeParse(parseJson(line, lineNumber));
  if (!result.success) throw new UsageError(`Line ${lineNumber} is not a record: ${explain(result.error)}.`);
  const { key, value, headers, partition, timestampMs } = result.data;
  return {
    key,
    value,
    ...(headers !== undefined && { headers }),
    ...(partition !== undefined && { partition }),
    ...(timestampMs !== undefined && timestampMs >= 0 && { timestampMs }),
  };
}

function parseJson(line: string, lineNumber: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new UsageError(`Line ${lineNumber} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function explain(error: z.ZodError): string {
  const problems = error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  return `${problems.join("; ")} (fields: ${Object.keys(recordLine.shape).join(", ")})`;
}
