import { beforeEach, describe, expect, test } from "vitest";
import { Tally } from "../tally.ts";
import { ClusterTransactionSimulation, faults, NEVER, NOTHING_LATE } from "./cluster-transaction-simulation.ts";
import { DELAYED_END } from "./delayed-ends.ts";
import type { TransactionVersion } from "./transaction-workload.ts";

/** Of all that is said about transactions EndTxn comes late, and often; nothing befalls brokers and clients. */
const OPTIONS = {
  rare: { ...NOTHING_LATE, lateEndTxn: 8 },
  onceIn: Object.fromEntries(faults.map((fault) => [fault, NEVER])),
  faultsMs: 15_000,
};

/** From the first seed on it has to show within so many. The first one is known to show it. */
const FIRST_SEED = 24;
const SEEDS_MAX = 10;

/** What the hole does: half of a transaction is committed, or what was to be aborted is, or too early; or the client loses its way. */
const DAMAGE =
  /torn transaction|aborted read|precommitted read|lost write|has .* at|too many|INVALID_TXN_STATE|in an invalid state/;

let tally: Tally;
beforeEach(() => {
  tally = new Tally();
});

/** Runs until one of the wrong transactions is hit, and tells what came of it; null: nothing. */
async function untilHit(transactionVersion: TransactionVersion): Promise<string | null> {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS_MAX; seed++) {
    const options = { ...OPTIONS, transactionVersion };
    const damage = await new ClusterTransactionSimulation(seed, tally, options).run().then(() => null, String);
    console.info(`transaction.version ${transactionVersion}, seed ${seed}: ${tally.get(DELAYED_END)} hits: ${damage}`);
    if (damage !== null || (transactionVersion === 2 && tally.get(DELAYED_END) > 0)) return damage;
  }
  return null;
}

describe("KAFKA-17754: a delayed EndTxn comes to its client's next transaction", () => {
  test.each([0, 1] as const)("and ends it, with transaction.version %i", { timeout: 300_000 }, async (version) => {
    expect(await untilHit(version)).toMatch(DAMAGE);
    expect(tally.get(DELAYED_END)).toBeGreaterThan(0);
  });

  test("and is refused, with transaction.version 2", { timeout: 300_000 }, async () => {
    expect(await untilHit(2)).toBeNull();
    expect(tally.get(DELAYED_END)).toBeGreaterThan(0);
  });
});
