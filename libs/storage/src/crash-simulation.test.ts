import type { SimulatedDiskOptions } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { Coverage, kindOf, simulate } from "./test-support/simulation/crash-simulation.ts";
import { steps } from "./test-support/simulation/steps.ts";

/** The seed of a failing run plays it again: OTTLA_TEST_SEED=<seed> OTTLA_TEST_SEEDS=1. */
const FIRST_SEED = Number(process.env.OTTLA_TEST_SEED ?? 1);
const SEEDS = Number(process.env.OTTLA_TEST_SEEDS ?? 400);
/** With fewer seeds some of what can happen may not. */
const COVERING_SEEDS = 200;
/** How many seeds a missing sync may survive. */
const MUTANT_SEEDS = 200;

const DISK_EVENTS = [
  ...["create", "write", "sync", "truncate", "rename", "remove", "makeDirectory", "syncDirectory"],
  ...["shortWrite", "noSpace", "writeError", "syncError", "readError", "nameError"],
  ...["lostWrite", "tornWrite", "zeroedTail", "garbageTail", "lostName"],
];

const COMPACTION_EFFECTS = [
  ...["record replaced", "aborted record removed", "tombstone removed", "marker removed"],
  ...["batch emptied", "batch rewritten", "compressed batch rewritten", "pass ended by a full map"],
];

/** Crashes that must have come in the midst of these. */
const CRASH_POINTS: Readonly<Record<string, RegExp>> = {
  append: /^append: write \.log$/,
  roll: /^append: (create \.log|write \.snapshot)$/,
  flush: /^flush: (sync|write) /,
  retention: /^retention: rename \.(log|index|timeindex)$/,
  "removal of deleted segments": /^retention: remove /,
  checkpoint: /^checkpoint: (write|sync|rename) .*checkpoint\.tmp$/,
  truncation: /^truncate: truncate \./,
  "a fresh start": /^startAnew: /,
  DeleteRecords: /^deleteRecords: .*log-start-offset-checkpoint/,
  "creation or deletion of a topic": /^createOrDelete: /,
  "a clean stop": /^cleanStop: /,
  recovery: /^open: /,
  "writing what compaction leaves": /: (create|write|truncate) \.(log|index|timeindex|txnindex)\.cleaned$/,
  "syncing what compaction leaves": /: sync \.(log|index|timeindex|txnindex)\.cleaned$/,
  "making cleaned indexes .swap": /: rename \.(index|timeindex|txnindex)\.cleaned$/,
  "making a cleaned log .swap": /: rename \.log\.cleaned$/,
  "making what was compacted .deleted": /^compact: rename \.(log|index|timeindex|txnindex)$/,
  "putting indexes in place": /: rename \.(index|timeindex|txnindex)\.swap$/,
  "putting a log in place": /: rename \.log\.swap$/,
  "a recovery that ends a swap": /^open: (rename \.\w+\.swap|remove \.\w+(\.swap)?)$/,
  "the cleaner's checkpoint": /: (write|sync|rename) cleaner-offset-checkpoint\.tmp$/,
};

describe(`a log directory on a disk that does its worst (seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1})`, () => {
  it("keeps what it promised, wherever a crash comes", { timeout: 60_000 + SEEDS * 2_000 }, async () => {
    const coverage = new Coverage();
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) await simulate(seed, coverage);
    console.log(
      table("the disk", coverage.disk) +
        table("steps", coverage.steps) +
        table("compaction", coverage.compaction) +
        table("crashes in", crashPoints(coverage)),
    );
    if (SEEDS < COVERING_SEEDS) return;
    for (const event of DISK_EVENTS) expect(coverage.disk.get(event) ?? 0, event).toBeGreaterThan(0);
    for (const effect of COMPACTION_EFFECTS) expect(coverage.compaction.get(effect) ?? 0, effect).toBeGreaterThan(0);
    for (const step of Object.keys(steps)) expect(coverage.steps.get(step) ?? 0, step).toBeGreaterThan(0);
    for (const [point, times] of crashPoints(coverage)) expect(times, `a crash in ${point}`).toBeGreaterThan(0);
  });

  it("does the same again on the same seed", async () => {
    const [one, two] = [new Coverage(), new Coverage()];
    await simulate(FIRST_SEED, one);
    await simulate(FIRST_SEED, two);
    expect(two).toEqual(one);
  });

  it.each<[string, SimulatedDiskOptions["ignoresSync"]]>([
    ["the log", (path, operation) => operation === "sync" && kindOf(path) === ".log"],
    ["the time index", (path, operation) => operation === "sync" && kindOf(path) === ".timeindex"],
    ["a partition's directory", (path, operation) => operation === "syncDirectory" && path !== "/data"],
    [
      "a checkpoint",
      (path, operation) => operation === "sync" && path.endsWith("recovery-point-offset-checkpoint.tmp"),
    ],
  ])("finds out when the sync of %s is left out", { timeout: 120_000 }, async (_what, ignoresSync) => {
    const run = async () => {
      for (let seed = 1; seed <= MUTANT_SEEDS; seed++) await simulate(seed, new Coverage(), { ignoresSync });
    };
    await expect(run()).rejects.toThrow(/^seed \d+: /);
  });
});

function crashPoints({ crashes }: Coverage): Map<string, number> {
  const times = (pattern: RegExp) =>
    [...crashes].reduce((sum, [where, count]) => (pattern.test(where) ? sum + count : sum), 0);
  return new Map(Object.entries(CRASH_POINTS).map(([point, pattern]) => [point, times(pattern)]));
}

function table(title: string, counts: ReadonlyMap<string, number>): string {
  return `${title}: ${Array.from(counts, ([what, times]) => `${what} ${times}`).join(", ")}\n`;
}
