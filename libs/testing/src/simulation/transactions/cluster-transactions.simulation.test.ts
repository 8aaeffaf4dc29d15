import { test } from "vitest";
import { runSeeds, timeoutOf } from "../run-seeds.ts";
import { ClusterTransactionSimulation, faults, NOTHING_LATE } from "./cluster-transaction-simulation.ts";
import { CLIENTS_MUST_HAVE } from "./transaction-workload.ts";

const STANDARD_SEEDS = 6;
/** Known to show all that must happen. */
const FIRST_SEEDS = [3, 2];
/** A test run has 40 seconds for both kinds of simulations of transactions. */
const STANDARD_MS = 17_000;

/** Of the older versions, one after the other; for half of the time, as the workload takes longer with them. */
const OLDER_SEEDS = 2;
const OLDER_MS = 7_000;
const OLDER_FAULTS_MS = 20_000;

/** A run in which one of these never happens proves less than it seems to. */
const MUST_HAPPEN = [
  ...["settled", "zombie", "delayed message", "message overtaken on another connection"],
  ...faults.map((fault) => `fault ${fault}`),
  ...CLIENTS_MUST_HAVE,
  ...["EndTxn", "AddPartitionsToTxn", "WriteTxnMarkers"].flatMap((api) => [
    `late request: ${api}`,
    `lost response: ${api}`,
  ]),
  ...["NONE", "NOT_COORDINATOR", "CONCURRENT_TRANSACTIONS"].map((error) => `EndTxn answered ${error}`),
  ...["NONE", "NOT_ENOUGH_REPLICAS"].map((error) => `WriteTxnMarkers answered ${error}`),
  ...["NONE", "CONCURRENT_TRANSACTIONS"].map((error) => `AddPartitionsToTxn answered ${error}`),
  "TxnOffsetCommit answered NONE",
  ...["NONE", "NOT_LEADER_OR_FOLLOWER"].map((error) => `Produce answered ${error}`),
];

const OLDER_MUST_HAVE = [
  ...["settled with transaction.version 0", "settled with transaction.version 1"],
  ...["transaction committed", "transaction aborted", "transaction unknown"],
  ...["AddPartitionsToTxn", "AddOffsetsToTxn", "EndTxn", "WriteTxnMarkers"].map((api) => `${api} answered NONE`),
];

test(
  "what is written in transactions counts once in a cluster under every kind of fault",
  {
    timeout: timeoutOf(STANDARD_SEEDS),
  },
  () =>
    runSeeds(
      { standard: STANDARD_SEEDS, first: FIRST_SEEDS, mustHappen: MUST_HAPPEN, standardMs: STANDARD_MS },
      (seed, tally) => new ClusterTransactionSimulation(seed, tally).run(),
    ),
);

/** But for what is said about transactions and comes late: see `delayed-ends.test.ts`. */
test("so it does with older transaction.versions", { timeout: timeoutOf(OLDER_SEEDS) }, () =>
  runSeeds({ standard: OLDER_SEEDS, mustHappen: OLDER_MUST_HAVE, standardMs: OLDER_MS }, async (seed, tally) => {
    const transactionVersion = seed % 2 === 0 ? 0 : 1;
    const options = { transactionVersion, rare: NOTHING_LATE, faultsMs: OLDER_FAULTS_MS } as const;
    await new ClusterTransactionSimulation(seed, tally, options).run();
    tally.add(`settled with transaction.version ${transactionVersion}`);
  }),
);
