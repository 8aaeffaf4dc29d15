import { describe, expect, it } from "vitest";
import { GroupSimulation, Tally } from "./test-support/group-simulation.ts";

/** OTTLA_TEST_SEED is the first seed and OTTLA_TEST_SEEDS how many: one seed repeats a failure, many look for one. */
const FIRST_SEED = Number(process.env.OTTLA_TEST_SEED ?? 1);
const SEEDS = Number(process.env.OTTLA_TEST_SEEDS ?? 25);
const DURATION_MS = 180_000;

/** A run in which one of these never happens proves less than it seems to. */
const MUST_HAPPEN = [
  "settled",
  ...["start", "crash", "leave", "pause", "disconnect", "restartStatic", "twin"].map((fault) => `fault ${fault}`),
  ...["refuseRecords", "crashCoordinator", "moveCoordinator"].map((fault) => `fault ${fault}`),
  "Dead -> PreparingRebalance",
  "PreparingRebalance -> CompletingRebalance",
  "CompletingRebalance -> Stable",
  "CompletingRebalance -> PreparingRebalance",
  "Stable -> PreparingRebalance",
  // JoinGroup: unknown member, id required, too many, fenced
  ...[0, 25, 79, 81, 82].map((errorCode) => `JoinGroup answered ${errorCode}`),
  // SyncGroup: coordinator not available, illegal generation, unknown member, rebalance
  ...[0, 15, 22, 25, 27].map((errorCode) => `SyncGroup answered ${errorCode}`),
  ...[0, 22, 25, 27, 82].map((errorCode) => `Heartbeat answered ${errorCode}`),
  ...[0, 15, 25].map((errorCode) => `OffsetCommit answered ${errorCode}`),
];

describe("a group under every kind of fault", () => {
  it(`keeps its promises in ${SEEDS} runs from seed ${FIRST_SEED}`, { timeout: 600_000 }, () => {
    const tally = new Tally();
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      try {
        new GroupSimulation(seed, tally).run(DURATION_MS);
      } catch (error) {
        throw new Error(`OTTLA_TEST_SEED=${seed} OTTLA_TEST_SEEDS=1 repeats it: ${String(error)}`, { cause: error });
      }
    }
    const missing = MUST_HAPPEN.filter((name) => tally.get(name) === 0);
    expect(missing, `never happened; what did:\n${tally}`).toEqual([]);
  });
});
