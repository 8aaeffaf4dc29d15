import type { Contestant, Effort, LatencyMs, Measurement, Row } from "./scenario.ts";
import { ratio, type Summary, summarize } from "./statistics.ts";

/** What a contestant did in a row. */
export interface ContestantResult extends Compared {
  readonly name: string;
  /** The same for the amount of work a CPU second, if the contestant measures that: all processes, client, broker. */
  readonly perCpuSecond?: Compared;
  readonly perClientCpuSecond?: Compared;
  readonly perBrokerCpuSecond?: Compared;
  /** Median over the repetitions. */
  readonly brokerDelayP99Ms?: number;
  /** Medians over the repetitions. */
  readonly latencyMs?: LatencyMs;
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
  readonly recordBytes?: number;
  readonly contestants: readonly ContestantResult[];
}

/**
 * Puts the row's question to all contestants, one after the other and then again: what disturbs a repetition disturbs
 * all of them. The order turns with each repetition, so that none is always the one after the worst litterer.
 */
export async function runRow(row: Row, effort: Effort, collectGarbage: () => void): Promise<RowResult> {
  const samples = new Map<Contestant, Measurement[]>(row.contestants.map((contestant) => [contestant, []]));
  for (let warmUp = 0; warmUp < (row.warmUps ?? 1); warmUp++) {
    for (const contestant of row.contestants) await contestant.measure(effort);
  }
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
  const ofBaseline = measurements.get(baseline)!;
  const contestants = row.contestants.map((contestant): ContestantResult => {
    const own = measurements.get(contestant)!;
    const latencyMs = summarizeLatency(own);
    return {
      name: contestant.name,
      ...compare(
        own.map(({ figure }) => figure),
        ofBaseline.map(({ figure }) => figure),
        better,
      ),
      ...compareCpuFigures("perCpuSecond", own, ofBaseline),
      ...compareCpuFigures("perClientCpuSecond", own, ofBaseline),
      ...compareCpuFigures("perBrokerCpuSecond", own, ofBaseline),
      ...(latencyMs === undefined ? {} : { latencyMs }),
      ...summarizeDelay(own),
    };
  });
  const { name, unit, recordBytes } = row;
  const result = { name, unit, better, baseline: row.baseline, contestants };
  return recordBytes === undefined ? result : { ...result, recordBytes };
}

type CpuFigure = "perCpuSecond" | "perClientCpuSecond" | "perBrokerCpuSecond";

/** Nothing where one of the two did not measure it, or used too little CPU time to tell. */
function compareCpuFigures<F extends CpuFigure>(
  which: F,
  own: readonly Measurement[],
  baseline: readonly Measurement[],
): { [K in F]?: Compared } {
  const figures = (all: readonly Measurement[]) => all.flatMap((one) => one[which] ?? []).filter(Number.isFinite);
  if (figures(own).length === 0 || figures(baseline).length === 0) return {};
  return { [which]: compare(figures(own), figures(baseline), "more") } as { [K in F]: Compared };
}

function summarizeLatency(all: readonly Measurement[]): LatencyMs | undefined {
  const latencies = all.flatMap(({ latencyMs }) => latencyMs ?? []);
  if (latencies.length === 0) return undefined;
  const median = (of: keyof LatencyMs) => summarize(latencies.map((latency) => latency[of])).median;
  return { p50: median("p50"), p99: median("p99"), p999: median("p999") };
}

function summarizeDelay(all: readonly Measurement[]): Pick<ContestantResult, "brokerDelayP99Ms"> {
  const delays = all.flatMap(({ brokerDelayP99Ms }) => brokerDelayP99Ms ?? []);
  return delays.length === 0 ? {} : { brokerDelayP99Ms: summarize(delays).median };
}

function compare(samples: readonly number[], baseline: readonly number[], better: "more" | "less"): Compared {
  const summary = summarize(samples);
  return { ...summary, ratio: ratio(summary.median, summarize(baseline).median, better), samples };
}
