import { expect, test } from "vitest";
import { failureOf, seedsOf } from "../seeds.ts";
import { Tally } from "../tally.ts";
import { ClusterTransactionSimulation, faults, NOTHING_LATE } from "./cluster-transaction-simulation.ts";
import { CLIENTS_MUST_HAVE } from "./transaction-workload.ts";

const STANDARD_SEEDS = 6;
const { seeds, isReplay } = seedsOf(STANDARD_SEEDS);

/** Of the older versions, one after the other. */
const OLDER_SEEDS = 2;
const older = seedsOf(OLDER_SEEDS);

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
  ...["settled", "zombie", "transaction committed", "transaction aborted", "transaction unknown"],
  ...["AddPartitionsToTxn", "AddOffsetsToTxn", "EndTxn", "WriteTxnMarkers"].map((api) => `${api} answered NONE`),
];

test(`what is written in transactions counts once in a cluster under every kind of fault, in ${seeds.length} runs`, {
  timeout: 120_000 * Math.max(seeds.length, 10),
}, async () => {
  const tally = new Tally();
  for (const seed of seeds) {
    await new ClusterTransactionSimulation(seed, tally).run().catch((error) => {
      throw failureOf(seed, error);
    });
  }
  console.info(`${seeds.length} runs:\n${tally}`);
  if (isReplay || seeds.length < STANDARD_SEEDS) return;
  expect(tally.missing(MUST_HAPPEN), "never happened").toEqual([]);
});

/** But for what is said about transactions and comes late: see `delayed-ends.test.ts`. */
test(`so it does with older transaction.versions, in ${older.seeds.length} runs`, {
  timeout: 120_000 * Math.max(older.seeds.length, 10),
}, async () => {
  const tally = new Tally();
  for (const seed of older.seeds) {
    const transactionVersion = seed % 2 === 0 ? 0 : 1;
    const options = { transactionVersion, rare: NOTHING_LATE } as const;
    await new ClusterTransactionSimulation(seed, tally, options).run().catch((error) => {
      throw failureOf(seed, error);
    });
  }
  console.info(`${older.seeds.length} runs:\n${tally}`);
  if (older.isReplay || older.seeds.length < OLDER_SEEDS) return;
  expect(tally.missing(OLDER_MUST_HAVE), "never happened").toEqual([]);
});
