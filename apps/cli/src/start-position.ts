import { UsageError } from "./exit.ts";
import { parseTime } from "./time.ts";

/** Where reading starts. */
export type StartPosition =
  | { readonly kind: "beginning" }
  | { readonly kind: "end" }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "time"; readonly timestampMs: number };

/** What `--from` means: `beginning`, `end`, an offset, or a time in ISO 8601. @throws UsageError */
export function parseStart(text: string): StartPosition {
  if (text === "beginning" || text === "end") return { kind: text };
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return { kind: "offset", offset: Number(text) };
  const timestampMs = parseTime(text);
  if (!Number.isNaN(timestampMs)) return { kind: "time", timestampMs };
  throw new UsageError(
    `--from is "${text}"; it must be beginning, end, an offset such as 42, or a time such as 2026-01-31T12:00:00Z.`,
  );
}

/** @throws UsageError where members of a group would have to begin elsewhere than where it committed, or at an end */
export function checkGroupStart({ kind }: StartPosition): void {
  if (kind === "beginning" || kind === "end") return;
  const what = kind === "offset" ? "an offset" : "a time";
  throw new UsageError(`--group and ${what} in --from exclude each other: a group goes on where it committed.`);
}
