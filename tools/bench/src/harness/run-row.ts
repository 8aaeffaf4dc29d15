import type { Contestant, Effort, Measurement, Row } from "./scenario.ts";
import { ratio, type Summary, summarize } from "./statistics.ts";

/** What a contestant did in a row. */
export interface ContestantResult extends Compared {
  readonly name: string;
  /** The same for the amount of work a CPU second, if the contestant measures that. */
  readonly perCpuSecond?: Compared;
}

/** Figures over the repetitions, and how they stand to the baseline's. */
export interface Compared extends Summary {
  /** Of the medians; above 1: better than the baseline. */
  readonly ratio: number;
  readonly samples: readonly number[];
}

/** A row with its figures. */
export interface RowResult {
  readonly name: string;
  readonly unit: string;
  readonly better: "more" | "less";
  readonly baseline: string;
  readonly contestants: readonly ContestantResult[];
}

/**
 * Puts the row's question to all contestants, one after the other and then again: what disturbs a repetition disturbs
 * all of them. The order turns with each repetition, so that none is always the one after the worst litterer.
 */
export async function runRow(row: Row, effort: Effort, collectGarbage: () => void): Promise<RowResult> {
  const samples = new Map<Contestant, Measurement[]>(row.contestants.map((contestant) => [contestant, []]));
  for (const contestant of row.contestants) await contestant.measure(effort);
  const repetitions = Math.min(effort.repetitions, row.repetitions ?? effort.repetitions);
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const contestant of turned(row.contestants, repetition)) {
      collectGarbage();
      samples.get(contestant)!.push(await contestant.measure(effort));
    }
  }
  for (const contestant of row.contestants) await contestant.close?.();
  return summarizeRow(row, samples);
}

function turned<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function summarizeRow(row: Row, measurements: ReadonlyMap<Contestant, readonly Measurement[]>): RowResult {
  const better = row.better ?? "more";
  const baseline = row.contestants.find(({ name }) => name === row.baseline);
  if (baseline === undefined) throw new Error(`row "${row.name}" has no contestant called ${row.baseline}`);
  const figures = (contestant: Contestant) => measurements.get(contestant)!.map(({ figure }) => figure);
  const cpuFigures = (contestant: Contestant) =>
    measurements.get(contestant)!.flatMap(({ perCpuSecond }) => perCpuSecond ?? []);
  const contestants = row.contestants.map((contestant): ContestantResult => {
    const result = { name: contestant.name, ...compare(figures(contestant), figures(baseline), better) };
    if (cpuFigures(contestant).length === 0 || cpuFigures(baseline).length === 0) return result;
    return { ...result, perCpuSecond: compare(cpuFigures(contestant), cpuFigures(baseline), "more") };
  });
  return { name: row.name, unit: row.unit, better, baseline: row.baseline, contestants };
}

function compare(samples: readonly number[], baseline: readonly number[], better: "more" | "less"): Compared {
  const summary = summarize(samples);
  return { ...summary, ratio: ratio(summary.median, summarize(baseline).median, better), samples };
}
