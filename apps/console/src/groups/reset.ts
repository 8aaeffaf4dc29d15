import { PartialFailureError } from "@ottla/admin";

/** Where offsets are to go. */
export type ResetTarget =
  | { readonly kind: "earliest" | "latest" }
  | { readonly kind: "time"; readonly timestampMs: number }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "shift"; readonly by: number };

/**
 * The offset that a target means for a partition; never outside of what is there, as with Kafka's own tool.
 * @param found the first offset at or after the target's time, -1 where nothing is as late
 */
export function newOffsetOf(
  target: ResetTarget,
  committed: number,
  { begin, end }: { readonly begin: number; readonly end: number },
  found: number | undefined,
): number {
  const within = (offset: number) => Math.min(end, Math.max(begin, offset));
  if (target.kind === "earliest") return begin;
  if (target.kind === "latest") return end;
  if (target.kind === "offset") return within(target.offset);
  if (target.kind === "shift") return within(committed + target.by);
  return found === undefined || found < 0 ? end : within(found);
}

/** The coordinator only says that it does not know the member who commits. @throws what the person can do about it, or `error` */
export function explainRefusedReset(error: unknown): never {
  const isJoined =
    error instanceof PartialFailureError && error.failures.some((each) => each.error.code === "UNKNOWN_MEMBER_ID");
  if (!isJoined) throw error;
  throw new Error(
    "Somebody has joined the group. Its offsets are moved while it has no members: stop its consumers first.",
  );
}
