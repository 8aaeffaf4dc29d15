import { expect, test } from "vitest";
import { failureOf, seedsOf } from "../seeds.ts";
import { Tally } from "../tally.ts";
import { faults, TransactionSimulation } from "./transaction-simulation.ts";
import { CLIENTS_MUST_HAVE } from "./transaction-workload.ts";

const STANDARD_SEEDS = 16;
const { seeds, isReplay } = seedsOf(STANDARD_SEEDS);

/** Of each of the older versions. */
const OLDER_SEEDS = 4;
const older = seedsOf(OLDER_SEEDS);

const FAULTS = faults.map((fault) => `fault ${fault}`);

/** A run in which one of these never happens proves less than it seems to. */
const MUST_HAPPEN = ["settled", ...FAULTS, ...CLIENTS_MUST_HAVE];

/** A server finds no message here that is older than what it has had of the same client: nothing hits the next transaction. */
const OLDER_MUST_HAVE = ["settled", ...FAULTS, "transaction committed", "transaction aborted", "transaction unknown"];

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

test.each([0, 1] as const)(
  `so it does with transaction.version %i, in ${older.seeds.length} runs`,
  { timeout: 60_000 * Math.max(older.seeds.length, 10) },
  async (transactionVersion) => {
    const tally = new Tally();
    for (const seed of older.seeds) {
      await new TransactionSimulation(seed, tally, { transactionVersion }).run().catch((error) => {
        throw failureOf(seed, error);
      });
    }
    console.info(`${older.seeds.length} runs:\n${tally}`);
    if (older.isReplay || older.seeds.length < OLDER_SEEDS) return;
    expect(tally.missing(OLDER_MUST_HAVE), "never happened").toEqual([]);
  },
);
