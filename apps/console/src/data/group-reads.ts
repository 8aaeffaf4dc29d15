import { signal } from "@preact/signals";
import type { GroupLag } from "./lag.ts";

/** What a group has committed, and when that was looked up. */
export interface SeenLag extends GroupLag {
  readonly atMs: number;
  /** Records that it committed per second since the time before; undefined where there was none. */
  readonly recordsPerSecond: number | undefined;
}

/** Records per second that groups read, as far as they have committed them; undefined where none is known. */
export const readPerSecond = signal<number | undefined>(undefined);

/** Compares what a group has committed with what it had. A partition that is new to it, or was set back, counts nothing. */
export function seenAgain(before: SeenLag | undefined, now: GroupLag, atMs: number): SeenLag {
  if (before === undefined || atMs <= before.atMs) return { ...now, atMs, recordsPerSecond: undefined };
  const had = new Map(before.partitions.map(({ topic, partition, committed }) => [`${topic}-${partition}`, committed]));
  const read = now.partitions.reduce((sum, { topic, partition, committed }) => {
    const from = had.get(`${topic}-${partition}`) ?? committed;
    return sum + Math.max(0, committed - from);
  }, 0);
  return { ...now, atMs, recordsPerSecond: (read * 1_000) / (atMs - before.atMs) };
}

export function sumOfReads(seen: Iterable<SeenLag>): number | undefined {
  const known = [...seen].flatMap(({ recordsPerSecond }) => (recordsPerSecond === undefined ? [] : [recordsPerSecond]));
  return known.length === 0 ? undefined : known.reduce((sum, rate) => sum + rate, 0);
}
