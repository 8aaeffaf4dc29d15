import type { RunTime } from "./run-time.ts";
import type { Contestant, Effort, LatencyMs, Measurement, Row } from "./scenario.ts";
import { ratio, type Summary, summarize } from "./statistics.ts";

/** What a contestant did in a row. */
export interface ContestantResult extends Compared, BrokerFigures {
  readonly name: string;
  /** The same for the amount of work a CPU second, if the contestant measures that: all processes, client, broker. */
  readonly perCpuSecond?: Compared;
  readonly perClientCpuSecond?: Compared;
  readonly perBrokerCpuSecond?: Compared;
  /** Medians over the repetitions. */
  readonly latencyMs?: LatencyMs;
  /** Of each round, the warm-up first: a process is slow in its first seconds. */
  readonly latencies?: readonly LatencyMs[];
  /** Key and value of a record, where the figure counts records of one size. */
  readonly recordBytes?: number;
  /** The share of its work that it did, where all of it would have taken too long. */
  readonly share?: number;
}

/** How what a broker says of itself becomes one figure of all repetitions. */
const BROKER_FIGURES = {
  brokerDelayP99Ms: "median",
  brokerMegabytes: "max",
  brokerRequests: "median",
  brokerMegabytesOut: "median",
} as const;

type BrokerFigures = { readonly [F in keyof typeof BROKER_FIGURES]?: number };

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
  readonly isMain?: boolean;
  readonly contestants: readonly ContestantResult[];
}

/** What the first look takes of the work of those that can do less: whoever is slow shows it. */
const FIRST_SHARE = 0.2;

/**
 * Puts the row's question to all contestants, one after the other and then again: what disturbs a repetition disturbs
 * all of them. The order turns with each repetition, so that none is always the one after the worst litterer. What
 * takes longer in the warm-up than there is time for is shortened.
 */
export async function runRow(
  row: Row,
  effort: Effort,
  collectGarbage: () => void,
  time?: Pick<RunTime, "sharesOf">,
): Promise<RowResult> {
  const rounds: Round[] = [];
  const isSized = time !== undefined && row.contestants.every(({ canDoLess }) => canDoLess);
  let shares: readonly number[] = row.contestants.map(() => (isSized ? FIRST_SHARE : 1));
  const shareOf = (contestant: Contestant) => shares[row.contestants.indexOf(contestant)]!;
  /** How long all of its work takes each, in the order of the row, from what its share took. */
  const round = async (contestants: readonly Contestant[]): Promise<readonly number[]> => {
    const measured = new Map<Contestant, Measurement>();
    const wholeMs = new Map<Contestant, number>();
    for (const contestant of contestants) {
      collectGarbage();
      const startedMs = performance.now();
      measured.set(contestant, await contestant.measure({ ...effort, share: shareOf(contestant) }));
      wholeMs.set(contestant, (performance.now() - startedMs) / shareOf(contestant));
    }
    rounds.push(measured);
    return row.contestants.map((contestant) => wholeMs.get(contestant)!);
  };
  for (const contestant of row.contestants) await contestant.prepare?.();
  // Who is cold takes longer than who is not: another look, at what the first has found, says what it is to be.
  const warmUps = (row.warmUps ?? 1) + (isSized ? 1 : 0);
  for (let done = 0; done < warmUps; done++) {
    const wholeMs = await round(row.contestants);
    if (isSized) shares = time.sharesOf(wholeMs);
  }
  const repetitions = Math.min(effort.repetitions, row.repetitions ?? effort.repetitions);
  for (let repetition = 0; repetition < repetitions; repetition++) await round(turned(row.contestants, repetition));
  for (const contestant of row.contestants) await contestant.close?.();
  return summarizeRow(row, rounds, rounds.length - repetitions, shareOf);
}

type Round = ReadonlyMap<Contestant, Measurement>;

function turned<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function summarizeRow(
  row: Row,
  rounds: readonly Round[],
  warmUps: number,
  shareOf: (contestant: Contestant) => number,
): RowResult {
  const better = row.better ?? "more";
  const baseline = row.contestants.find(({ name }) => name === row.baseline);
  if (baseline === undefined) throw new Error(`row "${row.name}" has no contestant called ${row.baseline}`);
  const repetitionsOf = (contestant: Contestant) => rounds.slice(warmUps).map((round) => round.get(contestant)!);
  const ofBaseline = repetitionsOf(baseline);
  const contestants = row.contestants.map((contestant): ContestantResult => {
    const own = repetitionsOf(contestant);
    const latencies = rounds.flatMap((round) => round.get(contestant)!.latencyMs ?? []);
    const recordBytes = contestant.recordBytes ?? row.recordBytes;
    const share = shareOf(contestant);
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
      ...(latencies.length > 0 && { latencies, latencyMs: medianLatency(latencies.slice(warmUps)) }),
      ...summarizeBrokerFigures(own),
      ...(recordBytes !== undefined && { recordBytes }),
      ...(share < 1 && { share }),
    };
  });
  const { name, unit, isMain } = row;
  return { name, unit, better, baseline: row.baseline, ...(isMain && { isMain }), contestants };
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

function medianLatency(latencies: readonly LatencyMs[]): LatencyMs {
  const median = (of: keyof LatencyMs) => summarize(latencies.map((latency) => latency[of])).median;
  return { p50: median("p50"), p99: median("p99"), p999: median("p999") };
}

function summarizeBrokerFigures(all: readonly Measurement[]): BrokerFigures {
  const names = Object.keys(BROKER_FIGURES) as (keyof typeof BROKER_FIGURES)[];
  const figures = names.flatMap((name) => {
    const measured = all.flatMap((one) => one[name] ?? []);
    return measured.length === 0 ? [] : [[name, summarize(measured)[BROKER_FIGURES[name]]]];
  });
  return Object.fromEntries(figures);
}

function compare(samples: readonly number[], baseline: readonly number[], better: "more" | "less"): Compared {
  const summary = summarize(samples);
  return { ...summary, ratio: ratio(summary.median, summarize(baseline).median, better), samples };
}
