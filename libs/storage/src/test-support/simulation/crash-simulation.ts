import { type CrashKind, DiskError, type Random, type SimulatedDisk, type SimulatedDiskOptions } from "@ottla/runtime";
import { DIRECTORY } from "../fixture.ts";
import { checkRecovered, checkVouchedFor } from "./check-recovered.ts";
import { insist, Violation } from "./log-model.ts";
import { Simulation } from "./simulation.ts";
import { checkTableNow, type StepName, steps } from "./steps.ts";
import { loadCodecs } from "./table-model.ts";

const STEPS = 40;
/** A crash comes after about this many operations of the disk. */
const OPERATIONS_MAX = 120;
/** Nothing waits for real time here. */
const HUNG_AFTER_MS = 20_000;

/** What has happened in all runs so far. */
export class Coverage {
  readonly steps = new Map<string, number>();
  /** Crashes by the step that they hit, and by what the disk was doing. */
  readonly crashes = new Map<string, number>();
  readonly disk = new Map<string, number>();
  /** What compaction has done. */
  readonly compaction = new Map<string, number>();

  count(where: Map<string, number>, what: string, times = 1): void {
    where.set(what, (where.get(what) ?? 0) + times);
  }
}

/** Runs one seed to its end. Throws a {@link Violation} that names the seed where an invariant was broken. */
export async function simulate(
  seed: number,
  coverage: Coverage,
  options: Partial<SimulatedDiskOptions> = {},
): Promise<void> {
  await loadCodecs();
  const simulation = new Simulation(seed, options);
  const history: string[] = [];
  try {
    await run(simulation, coverage, history);
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Violation(`seed ${seed}: ${problem}\nafter ${history.join(", ")}`);
  } finally {
    for (const [what, times] of simulation.disk.counts) coverage.count(coverage.disk, what, times);
    for (const [what, times] of simulation.compaction) coverage.count(coverage.compaction, what, times);
  }
}

async function run(simulation: Simulation, coverage: Coverage, history: string[]): Promise<void> {
  await openAndCrashMaybe(simulation, coverage, history, null);
  for (let i = 0; i < STEPS; i++) {
    const name = pickStep(simulation.random);
    history.push(name);
    const { disk } = simulation;
    let needsRestart = false;
    const done = steps[name].run(simulation).catch((error) => {
      // A disk that failed for good takes its log offline: then the broker is started again.
      if (!(error instanceof DiskError) || !steps[name].mayFail) throw error;
      needsRestart = true;
    });
    await settled(Promise.race([done, disk.stopped]), name);
    coverage.count(coverage.steps, name);
    if (disk.stoppedAt !== null || needsRestart) await crash(simulation, coverage, history, name);
  }
  disarm(simulation.disk);
  simulation.disk.crashAfter(Number.POSITIVE_INFINITY);
  await settled(simulation.manager.close(), "close");
}

/** A promise that never settles is a bug too. */
async function settled(promise: Promise<unknown>, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const hung = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Violation(`${what} does not come to an end`)), HUNG_AFTER_MS);
  });
  await Promise.race([promise, hung]).finally(() => clearTimeout(timer));
}

async function crash(
  simulation: Simulation,
  coverage: Coverage,
  history: string[],
  during: string,
  earlier: CrashKind = "process",
): Promise<void> {
  const { stoppedAt } = simulation.disk;
  if (stoppedAt !== null)
    coverage.count(coverage.crashes, `${during}: ${stoppedAt.operation} ${kindOf(stoppedAt.path)}`);
  const kind = crashKind(simulation.random, during);
  history.push(`[${kind} crash${stoppedAt === null ? "" : ` at ${stoppedAt.operation} ${stoppedAt.path}`}]`);
  coverage.count(coverage.steps, `${kind} crash`);
  simulation.disk = simulation.disk.crash(kind);
  if (kind === "power") await checkVouchedFor(simulation.disk);
  // Of two crashes without a check in between it is the worse one that tells what must be there.
  await openAndCrashMaybe(simulation, coverage, history, earlier === "power" ? "power" : kind);
}

/**
 * After a failed sync the page cache shows what the medium has lost for good, and a broker that is only started again
 * has no means to know: so the machine is, and docs/corruption.md says that it must be.
 */
function crashKind(random: Random, during: string): CrashKind {
  if (during === "failingDisk") return "power";
  return random.nextInt(2) === 0 ? "process" : "power";
}

/** Opens the directory; a crash in the midst of a recovery is followed by another recovery. */
async function openAndCrashMaybe(
  simulation: Simulation,
  coverage: Coverage,
  history: string[],
  kind: CrashKind | null,
): Promise<void> {
  const { disk, random } = simulation;
  disarm(disk);
  disk.crashAfter(random.nextInt(OPERATIONS_MAX));
  await settled(Promise.race([simulation.open(), disk.stopped]), "open");
  if (disk.stoppedAt !== null) {
    return await crash(simulation, coverage, history, "open", kind ?? "process");
  }
  const crashAt = disk.operations;
  disk.crashAfter(Number.POSITIVE_INFINITY);
  if (kind !== null) await checkAll(simulation, kind);
  disk.crashAfter(Math.max(0, crashAt + random.nextInt(OPERATIONS_MAX) - disk.operations));
}

async function checkAll(simulation: Simulation, kind: CrashKind): Promise<void> {
  const { disk, random, manager, passing, isPassingSynced } = simulation;
  for (const model of simulation.models) {
    const log = simulation.logOf(model);
    const found = await checkRecovered(disk, random, kind, model, log);
    if (model === simulation.table) await checkTableNow(simulation, found, model.guaranteedEnd(kind));
    model.adopt(kind, found, log);
  }
  const isThere = manager.get("passing", 0) !== undefined;
  const mayBeGone = kind === "power" && passing === "present" && !isPassingSynced;
  const isRight = passing === "either" || (passing === "present") === isThere || mayBeGone;
  insist(isRight, () => `topic "passing" should be ${passing}`);
  if (kind === "process") return;
  // What a killed process was creating, or did not sync, is there, but no power cut has been promised to keep it.
  if (passing !== "absent") simulation.passing = isThere ? "present" : "absent";
  simulation.isPassingSynced = true;
}

function disarm(disk: SimulatedDisk): void {
  Object.assign(disk.faults, { noSpace: 0, writeError: 0, syncError: 0, readError: 0, nameError: 0, shortWrite: 0.2 });
}

function pickStep(random: Random): StepName {
  const names = Object.keys(steps) as StepName[];
  let at = random.nextInt(names.reduce((sum, name) => sum + steps[name].weight, 0));
  return names.find((name) => {
    at -= steps[name].weight;
    return at < 0;
  })!;
}

/** What kind of file a path is: `.log`, `leader-epoch-checkpoint.tmp`, `directory`. */
export function kindOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const digits = /^\d{20}(\..+)$/.exec(name);
  if (digits !== null) return digits[1]!;
  return /^[a-z]+-\d+(\.|$)/.test(name) || path === DIRECTORY ? "directory" : name;
}
