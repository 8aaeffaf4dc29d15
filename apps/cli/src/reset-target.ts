import { UsageError } from "./exit.ts";
import { parseTime } from "./time.ts";

/** Where offsets are to go. */
export type ResetTarget =
  | { readonly kind: "earliest" | "latest" }
  | { readonly kind: "time"; readonly timestampMs: number }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "shift"; readonly by: number };

/** What `--to` means: `earliest`, `latest`, an offset, `+10` or `-10`, or a time in ISO 8601. @throws UsageError */
export function parseResetTarget(text: string): ResetTarget {
  if (text === "earliest" || text === "latest") return { kind: text };
  if (/^[+-]\d+$/.test(text)) return { kind: "shift", by: Number(text) };
  if (/^\d+$/.test(text)) return { kind: "offset", offset: Number(text) };
  const timestampMs = parseTime(text);
  if (!Number.isNaN(timestampMs)) return { kind: "time", timestampMs };
  throw new UsageError(
    `--to is "${text}"; it must be earliest, latest, an offset such as 42, a shift such as -100 or +50, or a time such as 2026-01-31T12:00:00Z.`,
  );
}

/**
 * The offset that a target means for a partition; never outside of what is there, as with Kafka's own tool.
 * @param found the first offset at or after the target's time, -1 where nothing is as late
 */
export function newOffsetOf(
  target: ResetTarget,
  committed: number,
  { begin, end }: { readonly begin: number; readonly end: number },
  found: number,
): number {
  const within = (offset: number) => Math.min(end, Math.max(begin, offset));
  if (target.kind === "earliest") return begin;
  if (target.kind === "latest") return end;
  if (target.kind === "offset") return within(target.offset);
  if (target.kind === "shift") return within(committed + target.by);
  return found < 0 ? end : within(found);
}
