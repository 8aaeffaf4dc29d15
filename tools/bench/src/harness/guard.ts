import { cpuUsage } from "node:process";

/** One piece of the data path, as a call that is made over and over. */
export interface GuardedWork {
  readonly name: string;
  /** What it is measured beside: `sums` by default. */
  readonly reference?: ReferenceName;
  run(): unknown;
}

/** By name: how many calls are made in the CPU time of a thousand rounds of the work's reference loop. */
export type GuardFigures = Readonly<Record<string, number>>;

/**
 * A figure below this share of what was written down is a slow-down: work that takes twice as long has half, and what is
 * measured goes up and down.
 */
const LEAST_SHARE = 0.6;

/** Of a step with much code in it; half a second of a processor compiles that. */
const WARM_UPS = 20;
const REPETITIONS = 7;
const AGAIN_MAX = 3;
const REFERENCE_ROUNDS = 1_000;
/** Calls between two looks at the clock. */
const CALLS_A_LOOK = 16;

/** How the guard measures; tests put their own in the place of each. */
export interface GuardOptions {
  readonly repetitionMs?: number;
  /** CPU time so far, in ms. */
  readonly cpuMs?: () => number;
  readonly references?: Readonly<Record<ReferenceName, () => unknown>>;
  readonly collectGarbage?: () => void;
}

/**
 * Measures each piece beside its reference loop: both in turn, in one process, by CPU time. How fast the machine is,
 * and who else uses it, falls out of the quotient.
 */
export async function measureGuard(
  work: readonly GuardedWork[],
  { repetitionMs = 25, cpuMs = processCpuMs, references = REFERENCES, collectGarbage = () => {} }: GuardOptions = {},
): Promise<GuardFigures> {
  const rate = (call: () => unknown) => callsPerCpuMs(call, repetitionMs, cpuMs);
  const figures: Record<string, number> = {};
  for (const { name, run, reference: referenceName = "sums" } of work) {
    const reference = references[referenceName];
    const quotients: number[] = [];
    // Once: a collection throws away optimized code too, which on a busy machine takes long to come back.
    collectGarbage();
    await rate(reference);
    for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) await rate(run);
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      const referenceRate = await rate(reference);
      quotients.push(((await rate(run)) / referenceRate) * REFERENCE_ROUNDS);
    }
    quotients.sort((a, b) => a - b);
    figures[name] = Number(quotients[REPETITIONS >> 1]!.toPrecision(3));
  }
  return figures;
}

/** Measures again what seems to be slow, a few times at most: what a busy moment did does not come back, a slow-down does. */
export async function measureSlowAgain(
  work: readonly GuardedWork[],
  figures: GuardFigures,
  before: GuardFigures,
  options: GuardOptions = {},
): Promise<GuardFigures> {
  const best: Record<string, number> = { ...figures };
  for (let again = 0; again < AGAIN_MAX; again++) {
    const slow = work.filter(({ name }) => isSlow(best[name]!, before[name]));
    if (slow.length === 0) break;
    for (const [name, figure] of Object.entries(await measureGuard(slow, options))) {
      best[name] = Math.max(best[name]!, figure);
    }
  }
  return best;
}

function isSlow(figure: number, was: number | undefined): boolean {
  return was !== undefined && figure < was * LEAST_SHARE;
}

/** A sentence for each piece that is twice as slow as it was, or that was not measured before. */
export function findSlowDowns(now: GuardFigures, before: GuardFigures): string[] {
  return Object.entries(now).flatMap(([name, figure]) => {
    const was = before[name];
    if (was === undefined) return [`${name}: not written down yet (--update)`];
    return isSlow(figure, was) ? [`${name}: ${figure}, and it was ${was}: about half as fast`] : [];
  });
}

const referenceBytes = Uint8Array.from({ length: 16_384 }, (_, i) => (i * 31) & 0xff);

/**
 * What work does most of: how fast memory is beside the processor differs from machine to machine. (A third loop, that copies
 * into new buffers, went up and down more than what was measured beside it.)
 */
const REFERENCES = { sums: sumsLoop, objects: objectsLoop } as const;

export type ReferenceName = keyof typeof REFERENCES;

/** Reads bytes and does sums. */
function sumsLoop(): number {
  let hash = 0;
  for (let i = 0; i < referenceBytes.length; i++) hash = Math.imul(hash ^ referenceBytes[i]!, 16_777_619);
  return hash;
}

/** Makes small objects with views of bytes, as records and frames are. */
function objectsLoop(): number {
  const made = [];
  for (let i = 0; i < 1_000; i++) made.push({ offset: i, bytes: referenceBytes.subarray(i, i + 100) });
  return made.length;
}

/** Calls that return a promise are awaited; the others never see one. */
async function callsPerCpuMs(call: () => unknown, wantedMs: number, cpuMs: () => number): Promise<number> {
  const startMs = cpuMs();
  let calls = 0;
  for (;;) {
    for (let i = 0; i < CALLS_A_LOOK; i++) {
      const pending = call();
      if (pending instanceof Promise) await pending;
    }
    calls += CALLS_A_LOOK;
    const spentMs = cpuMs() - startMs;
    if (spentMs >= wantedMs) return calls / spentMs;
  }
}

function processCpuMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}
