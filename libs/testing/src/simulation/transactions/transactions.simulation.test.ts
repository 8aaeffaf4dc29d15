import { expect, test } from "vitest";
import { failureOf, seedsOf } from "../seeds.ts";
import { Tally } from "../tally.ts";
import { faults, TransactionSimulation } from "./transaction-simulation.ts";
import { CLIENTS_MUST_HAVE } from "./transaction-workload.ts";

const STANDARD_SEEDS = 12;
const { seeds, isReplay } = seedsOf(STANDARD_SEEDS);

/** A run in which one of these never happens proves less than it seems to. */
const MUST_HAPPEN = ["settled", ...faults.map((fault) => `fault ${fault}`), ...CLIENTS_MUST_HAVE];

test(`what is written in transactions counts once under every kind of fault, in ${seeds.length} runs`, {
  timeout: 60_000 * Math.max(seeds.length, 10),
}, async () => {
  const tally = new Tally();
  for (const seed of seeds) {
    await new TransactionSimulation(seed, tally).run().catch((error) => {
      throw failureOf(seed, error);
    });
  }
  console.info(`${seeds.length} runs:\n${tally}`);
  if (isReplay || seeds.length < STANDARD_SEEDS) return;
  expect(tally.missing(MUST_HAPPEN), "never happened").toEqual([]);
});
