import { test } from "vitest";
import { runSeeds, timeoutOf } from "../run-seeds.ts";
import { faults, TransactionSimulation } from "./transaction-simulation.ts";
import { CLIENTS_MUST_HAVE } from "./transaction-workload.ts";

const STANDARD_SEEDS = 16;
/** A test run has 40 seconds for both kinds of simulations of transactions: seeds of a cluster take the most of it. */
const STANDARD_MS = 8_000;

/** Of each of the older versions. */
const OLDER_SEEDS = 4;
const OLDER_MS = 3_000;

const FAULTS = faults.map((fault) => `fault ${fault}`);

/** A run in which one of these never happens proves less than it seems to. */
const MUST_HAPPEN = ["settled", ...FAULTS, ...CLIENTS_MUST_HAVE];

/** A server finds no message here that is older than what it has had of the same client: nothing hits the next transaction. */
const OLDER_MUST_HAVE = ["settled", ...FAULTS, "transaction committed", "transaction aborted", "transaction unknown"];

test(
  "what is written in transactions counts once under every kind of fault",
  {
    timeout: timeoutOf(STANDARD_SEEDS),
  },
  () =>
    runSeeds({ standard: STANDARD_SEEDS, mustHappen: MUST_HAPPEN, standardMs: STANDARD_MS }, (seed, tally) =>
      new TransactionSimulation(seed, tally).run(),
    ),
);

test.each([0, 1] as const)("so it does with transaction.version %i", { timeout: timeoutOf(OLDER_SEEDS) }, (version) =>
  runSeeds({ standard: OLDER_SEEDS, mustHappen: OLDER_MUST_HAVE, standardMs: OLDER_MS }, (seed, tally) =>
    new TransactionSimulation(seed, tally, { transactionVersion: version }).run(),
  ),
);
