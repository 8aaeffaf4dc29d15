import { beforeEach, expect, test, vi } from "vitest";
import { Tally } from "../tally.ts";
import { GroupSimulation } from "./group-simulation.ts";

const fencing = vi.hoisted(() => ({ ofCommits: true, ofHeartbeats: true }));

vi.mock("../../../../coordinator/src/classic/classic-validation.ts", async (importOriginal) => {
  const original = await importOriginal<Record<string, (...args: unknown[]) => unknown>>();
  return {
    ...original,
    checkOffsetCommit: (...args: unknown[]) => (fencing.ofCommits ? original.checkOffsetCommit!(...args) : 0),
    checkGeneration: (...args: unknown[]) => (fencing.ofHeartbeats ? original.checkGeneration!(...args) : 0),
  };
});

vi.mock("../../../../coordinator/src/consumer/offset-checks.ts", async (importOriginal) => {
  const original = await importOriginal<Record<string, (...args: unknown[]) => unknown>>();
  return {
    ...original,
    checkConsumerCommit: (...args: unknown[]) => (fencing.ofCommits ? original.checkConsumerCommit!(...args) : 0),
  };
});

/** From its first seed on, which is known to show it, the simulation has to notice a mutant within so many. */
const SEEDS_MAX = 20;

async function firstViolation(firstSeed: number): Promise<string> {
  for (let seed = firstSeed; seed < firstSeed + SEEDS_MAX; seed++) {
    const violation = await new GroupSimulation(seed, new Tally()).run().catch((error: unknown) => String(error));
    if (violation === undefined) continue;
    console.info(`seed ${seed}: ${violation}`);
    return violation;
  }
  return "none";
}

beforeEach(() => {
  fencing.ofCommits = true;
  fencing.ofHeartbeats = true;
});

test("a coordinator that takes commits from anybody is found out", { timeout: 300_000 }, async () => {
  fencing.ofCommits = false;
  expect(await firstViolation(6)).toMatch(/was committed at \d+ and goes back to \d+/);
});

test("a coordinator that keeps members of past generations is found out", { timeout: 300_000 }, async () => {
  fencing.ofHeartbeats = false;
  expect(await firstViolation(151)).toMatch(/belongs to .* and to|has waited|of calm/);
});
