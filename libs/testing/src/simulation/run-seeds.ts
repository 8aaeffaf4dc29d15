import { expect } from "vitest";
import { seedsOf } from "./seeds.ts";
import { Tally } from "./tally.ts";

/** A seed that takes longer than this stands still. */
const SEED_MS = 120_000;

/** The simulation of one seed: counts what happens, throws at a violated invariant. */
type SeedRun = (seed: number, tally: Tally) => Promise<unknown>;

/** How many seeds are tried, and what has to come of it. */
export interface SeedPlan {
  /** As many as a fast machine runs in the time. */
  readonly standard: number;
  /** Seeds to begin with: those that are known to show what must happen, so that the time goes to what comes after. */
  readonly first?: readonly number[];
  /** Of what never happens nothing is proven: a run without one of these fails. */
  readonly mustHappen: readonly string[];
  /** What they take of a test run: after that they go on only for what has yet to happen. */
  readonly standardMs: number;
}

/**
 * Runs seeds one after another. `OTTLA_TEST_SEED` replays one; `OTTLA_TEST_SEEDS` says how many are run, however long
 * they take. By default the `standard` ones are, or as many as fit their time, if all that must happen has happened by then.
 */
export async function runSeeds(plan: SeedPlan, run: SeedRun): Promise<void> {
  const { standard, first = [], mustHappen, standardMs } = plan;
  const { seeds, isReplay } = seedsOf(standard);
  const isBounded = process.env.OTTLA_TEST_SEEDS === undefined && !isReplay;
  const tally = new Tally();
  const startedMs = performance.now();
  let runs = 0;
  let completeAfter: number | undefined;
  for (const seed of isReplay ? seeds : beginningWith(first, seeds)) {
    const isOver = performance.now() - startedMs > standardMs;
    if (isBounded && isOver && completeAfter !== undefined) break;
    await run(seed, tally).catch((error) => {
      throw failureOf(seed, error);
    });
    runs++;
    if (completeAfter === undefined && tally.missing(mustHappen).length === 0) completeAfter = runs;
  }
  console.info(`${runs} runs, all that must happen had after ${completeAfter ?? "none"}:\n${tally}`);
  if (!isReplay && seeds.length >= standard) expect(tally.missing(mustHappen), "never happened").toEqual([]);
}

/** The same seeds in another order. */
function beginningWith(first: readonly number[], seeds: readonly number[]): number[] {
  const chosen = first.filter((seed) => seeds.includes(seed));
  return [...chosen, ...seeds.filter((seed) => !first.includes(seed))];
}

/** For a test that runs `standard` seeds, or as many as the environment says. */
export function timeoutOf(standard: number): number {
  return SEED_MS * Math.max(seedsOf(standard).seeds.length, 10);
}

/** A violated invariant of one seed, with what repeats it. */
function failureOf(seed: number, cause: unknown): Error {
  return new Error(`OTTLA_TEST_SEED=${seed} repeats it: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
}
