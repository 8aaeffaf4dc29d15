import { signal } from "@preact/signals";
import type { GroupLag } from "./lag.ts";

/** A group's lag at a moment. */
export interface LagReading {
  readonly atMs: number;
  readonly lag: number;
}

export type LagHistory = ReadonlyMap<string, readonly LagReading[]>;

/** So many readings of a group are kept. */
const KEPT = 150;

/** A reading that comes sooner after the one before adds nothing: the list and the view of a group both look. */
const APART_MS = 1_500;

/** Lag of groups over the time that the page is open, oldest first. */
export const lagHistory = signal<LagHistory>(new Map());

export function rememberLags(lags: readonly GroupLag[], atMs: number): void {
  lagHistory.value = withReadings(lagHistory.peek(), lags, atMs);
}

/** Groups that are gone leave no history behind. */
export function forgetLagsBut(groupIds: readonly string[]): void {
  const there = new Set(groupIds);
  const kept = [...lagHistory.peek()].filter(([groupId]) => there.has(groupId));
  if (kept.length < lagHistory.peek().size) lagHistory.value = new Map(kept);
}

export function withReadings(history: LagHistory, lags: readonly GroupLag[], atMs: number): LagHistory {
  const changed = new Map(history);
  for (const { groupId, total: lag } of lags) {
    const before = history.get(groupId) ?? [];
    const last = before.at(-1);
    if (last !== undefined && atMs - last.atMs < APART_MS) continue;
    changed.set(groupId, [...before, { atMs, lag }].slice(-KEPT));
  }
  return changed;
}

/** A group whose lag has grown for a while. */
export interface GrowingLag {
  readonly groupId: string;
  readonly lag: number;
  readonly grownBy: number;
  /** Within so much time. */
  readonly overMs: number;
}

/** Lag grows that was never lower for so many readings in a row and so long, and is more than it was. */
const READINGS_OF_GROWTH = 5;
const GROWTH_MS = 15_000;

export function growingLags(history: LagHistory): GrowingLag[] {
  return [...history].flatMap(([groupId, readings]) => {
    const growth = growthOf(readings);
    return growth === null ? [] : [{ groupId, ...growth }];
  });
}

function growthOf(readings: readonly LagReading[]): Omit<GrowingLag, "groupId"> | null {
  const last = readings.at(-1);
  if (last === undefined) return null;
  const firstOfFew = readings.length - READINGS_OF_GROWTH;
  const from = Math.min(
    firstOfFew,
    readings.findLastIndex(({ atMs }) => last.atMs - atMs >= GROWTH_MS),
  );
  if (from < 0) return null;
  const recent = readings.slice(from);
  const grownBy = last.lag - recent[0]!.lag;
  const everGrew = recent.every(({ lag }, index) => index === 0 || lag >= recent[index - 1]!.lag);
  return everGrew && grownBy > 0 ? { lag: last.lag, grownBy, overMs: last.atMs - recent[0]!.atMs } : null;
}
