import type { SimulatedDiskOptions } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { Coverage, simulate } from "./test-support/simulation/crash-simulation.ts";
import { steps } from "./test-support/simulation/steps.ts";

/** The seed of a failing run plays it again: OTTLA_TEST_SEED=<seed> OTTLA_TEST_SEEDS=1. */
const FIRST_SEED = Number(process.env.OTTLA_TEST_SEED ?? 1);
const SEEDS = Number(process.env.OTTLA_TEST_SEEDS ?? 300);
/** With fewer seeds some of what can happen may not. */
const COVERING_SEEDS = 200;
/** Once these have run, a test run on a slow machine has others no longer than this. */
const STANDARD_MS = 60_000;
/** How many seeds a missing guard may survive. */
const MUTANT_SEEDS = 300;

interface Mutant {
  /** Takes one guard away. */
  readonly disk: Partial<SimulatedDiskOptions>;
  /** What has to be reported then, among other things. */
  readonly violation: RegExp;
  /** Where to begin, for what shows in one of some hundred seeds only. */
  readonly firstSeed?: number;
}

/** Without the syncs of files whose path matches. */
function unsynced(path: RegExp, violation: RegExp): Mutant {
  return { disk: { ignoresSync: (synced, operation) => operation === "sync" && path.test(synced) }, violation };
}

/** Without the syncs of directories whose path matches. */
function namesUnsynced(path: RegExp, violation: RegExp): Mutant {
  return {
    disk: { ignoresSync: (synced, operation) => operation === "syncDirectory" && path.test(synced) },
    violation,
  };
}

/** A test of the test: each takes out one thing that keeps data safe. */
const MUTANTS: Readonly<Record<string, Mutant>> = {
  "a sync of the log before the recovery point moves": unsynced(
    /\d\.log$/,
    /batch \[\d+, \d+\] was synced and is gone/,
  ),
  "a sync of the offset index": unsynced(/\d\.index$/, /\.index","position":\d+,"problem"/),
  "a sync of the time index": unsynced(/\d\.timeindex$/, /\.timeindex","position":\d+,"problem"/),
  "a sync of the transaction index": unsynced(/\d\.txnindex$/, /aborted at \d+, is missing/),
  "a sync of the producer snapshot": unsynced(/\.snapshot\.tmp$/, /the snapshot at the recovery point \d+ is damaged/),
  "a sync of the leader epochs": unsynced(
    /leader-epoch-checkpoint/,
    /leader-epoch-checkpoint cannot be used|is of epoch \d+, not/,
  ),
  "a sync of the recovery points": unsynced(/recovery-point-offset-checkpoint/, /recovery-point-.* cannot be used/),
  "a sync of the log start offsets": unsynced(/log-start-offset-checkpoint/, /records below \d+ were deleted for good/),
  "a sync of the topic's id": unsynced(/partition\.metadata/, /partition\.metadata cannot be used/),
  "a sync of a partition's directory": namesUnsynced(/^\/data\/./, /batch \[\d+, \d+\] was synced and is gone/),
  "a sync of the log directory": namesUnsynced(/^\/data$/, /records below \d+ were deleted for good/),
  "a sync of a cleaned log": {
    ...unsynced(/\.log\.cleaned$/, /key-\d+@\d+ was the last value of its key and is gone/),
    firstSeed: 80,
  },
  "a sync of a cleaned offset index": {
    ...unsynced(/\.index\.cleaned$/, /table-0\/\d+\.index","position":\d+,"problem"/),
    firstSeed: 260,
  },
  "a sync of a cleaned time index": {
    ...unsynced(/\.timeindex\.cleaned$/, /table-0\/\d+\.timeindex","position":\d+/),
    firstSeed: 375,
  },
  "a sync of a cleaned transaction index": {
    ...unsynced(/\.txnindex\.cleaned$/, /table-0\/\d+\.txnindex"/),
    firstSeed: 470,
  },
  "the removal of the mark of a clean stop": {
    disk: { ignoresRemoval: (path) => path.endsWith(".kafka_cleanshutdown") },
    violation: /is of epoch|no whole entry|was never written|was acknowledged and is gone/,
  },
};

const DISK_EVENTS = [
  ...["create", "write", "sync", "truncate", "rename", "remove", "makeDirectory", "syncDirectory"],
  ...["shortWrite", "noSpace", "writeError", "syncError", "readError", "nameError"],
  ...["lostWrite", "tornWrite", "zeroedTail", "garbageTail", "lostName"],
];

const COMPACTION_EFFECTS = [
  ...["record replaced", "aborted record removed", "tombstone removed", "marker removed"],
  ...["batch emptied", "batch rewritten", "pass ended by a full map"],
  ...["gzip batch rewritten", "snappy batch rewritten", "lz4 batch rewritten", "zstd batch rewritten"],
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
    const startedMs = performance.now();
    let runs = 0;
    for (; runs < SEEDS; runs++) {
      const isOver = performance.now() - startedMs > STANDARD_MS && process.env.OTTLA_TEST_SEEDS === undefined;
      if (isOver && runs >= COVERING_SEEDS) break;
      await simulate(FIRST_SEED + runs, coverage);
    }
    console.log(
      `${runs} runs`,
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

  it.each(Object.entries(MUTANTS))("finds out what is lost without %s", { timeout: 120_000 }, async (_what, mutant) => {
    const violations: string[] = [];
    const { firstSeed = 1 } = mutant;
    for (let seed = firstSeed; seed < firstSeed + MUTANT_SEEDS; seed++) {
      const problem = await simulate(seed, new Coverage(), mutant.disk).then(() => null, String);
      if (problem === null) continue;
      violations.push(problem.split("\n", 1)[0]!);
      if (!mutant.violation.test(violations.at(-1)!)) continue;
      console.log(`seed ${seed}: ${violations.at(-1)}`);
      return;
    }
    expect(violations, `nothing was reported like ${mutant.violation}`).toContain(mutant.violation);
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
