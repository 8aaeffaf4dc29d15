import { expect, test } from "vitest";
import { runSeeds, timeoutOf } from "../run-seeds.ts";
import { seedsOf } from "../seeds.ts";
import { Tally } from "../tally.ts";
import { ClusterSimulation, faults } from "./cluster-simulation.ts";

const STANDARD_SEEDS = 36;
const STANDARD_MS = 60_000;
/** Known to show all that must happen. */
const FIRST_SEEDS = [24, 28, 1, 5];

/** A run in which one of these never happens proves less than it seems to. */
const MUST_HAPPEN = [
  ...[
    "settled",
    "went on without one",
    "zombie",
    "record acknowledged",
    "record of a changing topic acknowledged",
    "record offsetCommit",
    "delayed message",
    "message overtaken on another connection",
  ],
  ...faults.map((fault) => `fault ${fault}`),
  ...["fault joinerLoses", "fault electedPaused"],
  ...["lost-request", "lost-answer", "late-request", "stale-read", "expired", "moved"].map(
    (fault) => `ZooKeeper: ${fault}`,
  ),
  ...["connected", "disconnected", "expired"].map((event) => `ZooKeeper session ${event}`),
  ...["controller elected", "controller gone", "ISR grows", "ISR shrinks", "no leader"].map(transition),
  ...["leader elected from ISR", "leader elected from ELR", "last known leader elected"].map(transition),
  ...["broker registered", "broker fenced", "broker unfenced", "controlled shutdown"].map(transition),
  ...["replicas move", "replicas have moved", "leader elected by reassignment"].map(transition),
  ...["snapshot written"].map(transition),
  ...["topic created", "topic deleted", "partitions added"].map(transition),
  ...["NONE", "NOT_LEADER_OR_FOLLOWER", "NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND"].map(
    (error) => `Produce answered ${error}`,
  ),
  ...["NONE", "FENCED_LEADER_EPOCH"].map((error) => `Fetch answered ${error}`),
  ...["NONE", "FENCED_LEADER_EPOCH", "INVALID_UPDATE_VERSION", "INELIGIBLE_REPLICA"].map(
    (error) => `AlterPartition answered ${error}`,
  ),
  "late request: AlterPartition",
];

/** Once in so many operations. What else befalls the ensemble it suffers in all simulated clusters. */
const SESSIONS_MOVE = { moved: 1_000 };

function transition(name: string): string {
  return `transition: ${name}`;
}

test("a cluster keeps its promises under every kind of fault", { timeout: timeoutOf(STANDARD_SEEDS) }, () =>
  runSeeds(
    { standard: STANDARD_SEEDS, first: FIRST_SEEDS, mustHappen: MUST_HAPPEN, standardMs: STANDARD_MS },
    (seed, tally) => new ClusterSimulation(seed, tally, { zooKeeperFaults: SESSIONS_MOVE }).run(),
  ),
);

test("the same seed gives the same messages, at the same times, with the same bytes", {
  timeout: 300_000,
}, async () => {
  const first = seedsOf(1).seeds[0]!;
  const hashOf = (seed: number) => new ClusterSimulation(seed, new Tally(), { faultsMs: 8_000 }).run();
  const hash = await hashOf(first);
  // So that runs on several versions of Node.js can be compared.
  console.info(`trace of seed ${first}: ${hash}`);
  expect(await hashOf(first)).toBe(hash);
  expect(await hashOf(first + 1)).not.toBe(hash);
});
