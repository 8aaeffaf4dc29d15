import { invalidOption } from "@ottla/client/internal";

/**
 * Where reading begins without a committed offset, or when the position is not (or no longer) in the partition: at the
 * first record, after the last one, nowhere (reading throws instead), or at the first record that is no older than a
 * duration (KIP-1106; after the last one where all are older). The duration may also be given as Kafka writes it:
 * `by_duration:` and an ISO 8601 duration, such as `by_duration:PT1H30M` or `by_duration:P7D`.
 */
export type OffsetResetPolicy =
  | "earliest"
  | "latest"
  | "none"
  | { readonly byDurationMs: number }
  | `by_duration:${string}`;

/** {@link OffsetResetPolicy} in one form. */
export type ResolvedResetPolicy = "earliest" | "latest" | "none" | { readonly byDurationMs: number };

const BY_DURATION = "by_duration:";
const ALLOWED = '"earliest", "latest", "none", { byDurationMs: number } or "by_duration:PT1H"';

/** Days to seconds: the parts of ISO 8601 that have a fixed length. */
const ISO_DURATION = /^P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d{1,9})?)S)?)?$/i;
const PART_MS = [86_400_000, 3_600_000, 60_000, 1_000];

/** @throws KafkaError `INVALID_CONFIG` */
export function resolveResetPolicy(given: OffsetResetPolicy = "latest"): ResolvedResetPolicy {
  if (given === "earliest" || given === "latest" || given === "none") return given;
  const byDurationMs = typeof given === "string" ? parseByDuration(given) : given?.byDurationMs;
  if (typeof byDurationMs === "number" && Number.isFinite(byDurationMs) && byDurationMs >= 0) return { byDurationMs };
  throw invalidOption("autoOffsetReset", typeof given === "string" ? given : JSON.stringify(given), ALLOWED);
}

function parseByDuration(text: string): number | undefined {
  const parts = text.startsWith(BY_DURATION) ? ISO_DURATION.exec(text.slice(BY_DURATION.length)) : null;
  if (parts === null || parts.slice(1).every((part) => part === undefined)) return undefined;
  return PART_MS.reduce((sum, ms, index) => sum + ms * Number((parts[index + 1] ?? "0").replace(",", ".")), 0);
}
