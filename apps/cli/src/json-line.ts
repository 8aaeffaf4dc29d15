import * as z from "zod";
import { UsageError } from "./exit.ts";
import type { ParsedLine } from "./record-lines.ts";

/** Any JSON: text and null stand for themselves, anything else is written as JSON text. */
const data = z
  .json()
  .transform((value) => (value === null || typeof value === "string" ? value : JSON.stringify(value)));

const header = z.tuple([z.string(), z.string().nullable()], 'a header is a pair such as ["name", "text"]');

/** One line of `produce --json`. */
const recordLine = z.strictObject({
  key: data.default(null),
  value: data.default(null),
  headers: z.array(header).optional(),
  partition: z.int().min(0).optional(),
  timestampMs: z.int().min(0).optional(),
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
    ...(timestampMs !== undefined && { timestampMs }),
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
