import { describe, expect, test } from "vitest";
import { chosenScenarios, findScenarios } from "./find-scenarios.ts";
import { readOptions } from "./options.ts";
import { repeat } from "./repeat.ts";
import { formatNumber, formatRow } from "./report.ts";
import { runRow } from "./run-row.ts";
import { RunTime } from "./run-time.ts";
import type { Contestant, Effort, Row } from "./scenario.ts";
import { ratio, summarize } from "./statistics.ts";

const scenarios = await findScenarios();
const EFFORT: Effort = { repetitions: 3, repetitionMs: 1, quick: true, soakMinutes: 0 };

/** Answers with the given figures, one a repetition, the warm-up first, and writes its name down. */
function scripted(name: string, figures: number[], log: string[]): Contestant {
  const left = [...figures];
  return {
    name,
    measure: () => {
      log.push(name);
      return { figure: left.shift()! };
    },
    close: () => {
      log.push(`close ${name}`);
    },
  };
}

test("statistics", () => {
  expect(summarize([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(summarize([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(ratio(300, 100, "more")).toBe(3);
  expect(ratio(20, 100, "less")).toBe(5);
});

describe("a row", () => {
  test("asks all in turn, drops the warm-up, compares with the baseline, and closes", async () => {
    const log: string[] = [];
    const contestants = [scripted("ottla", [1, 20, 40, 30], log), scripted("rival", [99, 10, 5, 15], log)];
    const row: Row = { name: "row", unit: "records/s", baseline: "rival", contestants };
    const result = await runRow(row, EFFORT, () => log.push("gc"));
    expect(log.filter((entry) => entry !== "gc")).toEqual([
      ...["ottla", "rival"],
      ...["ottla", "rival", "rival", "ottla", "ottla", "rival"],
      ...["close ottla", "close rival"],
    ]);
    expect(log.filter((entry) => entry === "gc")).toHaveLength(8);
    expect(result.contestants.map(({ name, median, ratio }) => [name, median, ratio])).toEqual([
      ["ottla", 30, 3],
      ["rival", 10, 1],
    ]);
    expect(formatRow(result)).toMatch(/ottla +30\.0 +\(20\.0 … 40\.0\) +3\.00x/);
  });

  test("less may be better", async () => {
    const contestants = [scripted("ottla", [0, 10, 10, 10], []), scripted("rival", [0, 40, 40, 40], [])];
    const row: Row = { name: "start", unit: "ms", better: "less", baseline: "rival", contestants };
    const result = await runRow(row, EFFORT, () => {});
    expect(result.contestants[0]!.ratio).toBe(4);
  });

  test("a baseline that nobody is called is an error", async () => {
    const row: Row = { name: "row", unit: "x", baseline: "nobody", contestants: [scripted("a", [1, 1, 1, 1], [])] };
    await expect(runRow(row, EFFORT, () => {})).rejects.toThrow(/nobody/);
  });
});

/** The last row is begun in time, and goes on for a while. */
const OVERRUN = 1.03;

describe("the time of a run", () => {
  /** Scenarios of one row each, planned at ten seconds, on a machine that is so many times slower than planned. */
  function runOn(slowness: number, limits = { runSeconds: 60, measureMs: 3_000 }) {
    let nowMs = 0;
    const time = new RunTime(limits, 50, () => nowMs);
    const shares: number[] = [];
    for (let scenario = 0; scenario < 5; scenario++) {
      time.begin(10);
      if (time.isOver) continue;
      const roundMs = slowness * 2_000;
      nowMs += roundMs * 0.2;
      const [share] = time.sharesOf([roundMs]) as [number];
      shares.push(share);
      nowMs += 4.8 * roundMs * share;
    }
    return { seconds: nowMs / 1_000, shares };
  }

  test("is what was planned where the machine is as fast as planned: nothing is shortened", () => {
    expect(runOn(1)).toEqual({ seconds: 50, shares: [1, 1, 1, 1, 1] });
  });

  test("is kept on a slow machine by doing less, each row its part of it", () => {
    for (const slowness of [1.5, 2, 3]) {
      const { seconds, shares } = runOn(slowness);
      expect(seconds).toBeLessThan(60 * OVERRUN);
      expect(shares).toHaveLength(5);
      expect(Math.max(...shares)).toBeLessThanOrEqual(1);
    }
  });

  test("leaves rows out where nothing else helps", () => {
    expect(runOn(20).shares.length).toBeLessThan(5);
  });

  const endless = { runSeconds: Number.POSITIVE_INFINITY, measureMs: 3_000 };

  test("bounds a repetition by what the warm-up took", () => {
    expect(runOn(3, endless).shares).toEqual([0.5, 0.5, 0.5, 0.5, 0.5]);
  });

  test("lets the slow ones do less first, and nobody less than can be measured", () => {
    const timeOf = (runSeconds: number) => {
      let nowMs = 0;
      const time = new RunTime({ ...endless, runSeconds }, 50, () => nowMs);
      time.begin(10);
      nowMs = 20_000;
      return time;
    };
    const time = timeOf(Number.POSITIVE_INFINITY);
    expect(time.sharesOf([1_000, 2_000, 6_000])).toEqual([1, 1, 1]);
    expect(time.sharesOf([1_000, 10_000, 2_000, 18_000])).toEqual([1, 0.45, 1, 0.25]);
    expect(time.sharesOf([6_000, 12_000])).toEqual([0.5, 0.25]);
    expect(timeOf(10).sharesOf([40, 8_000])).toEqual([0.2, 0.2]);
    expect(time.sharesOf([1_000, 40_000])).toEqual([1, 0.125]);
    expect(timeOf(10).sharesOf([40, 40_000])).toEqual([0.2, 0.1]);
  });

  test("is told to the contestants of a row that can do less, each its own, and the table tells", async () => {
    const asked: [string, number | undefined][] = [];
    const contestants = ["ottla", "rival"].map((name) => ({
      name,
      canDoLess: true,
      measure: ({ share }: Effort) => ({ figure: asked.push([name, share]) }),
    }));
    const row: Row = { name: "row", unit: "records/s", baseline: "rival", contestants };
    const time = { sharesOf: () => [1, 0.25] };
    const result = await runRow(row, { ...EFFORT, repetitions: 2 }, () => {}, time);
    const shares = (of: string) => asked.filter(([name]) => name === of).map(([, share]) => share);
    expect([shares("ottla"), shares("rival")]).toEqual([
      [0.2, 1, 1, 1],
      [0.2, 0.25, 0.25, 0.25],
    ]);
    expect(formatRow(result)).toMatch(/of its records[\s\S]*rival +25%/);
    const fixed = { ...row, contestants: contestants.map((contestant) => ({ ...contestant, canDoLess: false })) };
    asked.length = 0;
    await runRow(fixed, { ...EFFORT, repetitions: 1 }, () => {}, time);
    expect(asked.every(([, share]) => share === 1)).toBe(true);
  });
});

test("repeat counts every call and awaits promises", async () => {
  let running = 0;
  let calls = 0;
  const contestant = repeat("async", 10, async () => {
    expect(++running).toBe(1);
    calls++;
    await Promise.resolve();
    running--;
  });
  const { figure, perCpuSecond } = await contestant.measure({ ...EFFORT, repetitionMs: 5 });
  expect(calls).toBeGreaterThan(1);
  expect(figure).toBeGreaterThan(0);
  expect(perCpuSecond).toBeGreaterThan(0);
});

test("numbers", () => {
  expect([0.4249, 12.34, 999, 1000, 12_345_678, 7.1e9].map(formatNumber)).toEqual([
    "0.42",
    "12.3",
    "999",
    "1.00 k",
    "12.3 M",
    "7.10 G",
  ]);
});

test("options", () => {
  expect(readOptions(["--quick", "--only", "crc", "--only", "lz4", "--json", "-"])).toMatchObject({
    effort: { quick: true },
    only: ["crc", "lz4"],
    json: "-",
    list: false,
  });
  expect(readOptions([])).toMatchObject({ effort: { quick: false }, only: [], json: undefined });
  expect(() => readOptions(["--fast"])).toThrow(/--fast.*--quick, --only NAMES/s);
  // What cannot be written is found out before twenty minutes are over.
  expect(() => readOptions(["--json", "/no/such/run.json"])).toThrow("--json /no/such/run.json cannot be written");
  expect(() => readOptions(["--picture", "/no/such/run.svg"])).toThrow("--picture /no/such/run.svg cannot be written");
});

test("what a row has of CPU time and latency goes into its table, and into no other", async () => {
  const measurement = { figure: 2_000, perCpuSecond: 1_000, perClientCpuSecond: 4_000, perBrokerCpuSecond: 8_000 };
  const latencyMs = { p50: 1, p99: 2, p999: 3 };
  const contestants = [
    { name: "ottla", measure: () => ({ ...measurement, perBrokerCpuSecond: 16_000, latencyMs }) },
    { name: "rival", measure: () => measurement },
    // A broker that used less than a tick of the clock: nothing can be said.
    { name: "quick", measure: () => ({ ...measurement, perBrokerCpuSecond: Number.POSITIVE_INFINITY }) },
  ];
  const row: Row = { name: "row", unit: "records/s", baseline: "rival", recordBytes: 100, warmUps: 0, contestants };
  const result = await runRow(row, EFFORT, () => {});
  expect(result.contestants.map(({ perBrokerCpuSecond }) => perBrokerCpuSecond?.ratio)).toEqual([2, 1, undefined]);
  const table = formatRow(result);
  expect(table).toMatch(/per client CPU s +ratio +per broker CPU s +ratio/);
  expect(table).toMatch(/ottla .* 0\.20 .* 1\.00 +2\.00 +3\.00 .* 16\.0 k +2\.00x/);
  const bare = { ...row, contestants: [{ name: "rival", measure: () => ({ figure: 1 }) }] };
  expect(formatRow(await runRow(bare, EFFORT, () => {}))).not.toMatch(/CPU|p50/);
});

test("scenarios are named one by one or between commas", () => {
  expect(readOptions(["--only", "produce,consume", "--only", "idle"]).only).toEqual(["produce", "consume", "idle"]);
  expect(readOptions([]).only).toEqual([]);
});

test("a scenario's name chooses that one alone, a part of names all that have it", () => {
  const chosen = (only: string) => chosenScenarios(scenarios, readOptions(["--only", only])).map(({ name }) => name);
  expect(chosen("produce")).toEqual(["produce"]);
  expect(chosen("produce,scrape")).toEqual(["produce", "scrape"]);
  expect(chosen("scrape-b,consume")).toEqual(["consume", "scrape-beside-produce"]);
  expect(chosen("produc")).toEqual(["produce", "scrape-beside-produce"]);
});

test("a full run takes less than twenty minutes, a quick one less than two; quiet machines have time to spare", () => {
  expect(scenarios.length).toBeGreaterThan(15);
  const seconds = (kind: "quick" | "full", args: readonly string[]) =>
    chosenScenarios(scenarios, readOptions(args)).reduce((sum, { quietSeconds }) => sum + quietSeconds[kind], 0);
  expect(seconds("full", [])).toBeLessThan(readOptions([]).limits.runSeconds);
  expect(readOptions([]).limits.runSeconds * OVERRUN).toBeLessThan(20 * 60);
  expect(seconds("quick", ["--quick"])).toBeLessThan(readOptions(["--quick"]).limits.runSeconds);
  expect(readOptions(["--quick"]).limits.runSeconds * OVERRUN).toBeLessThan(2 * 60);
});

test("a scenario that there is not is named, with those that there are, whatever else is asked for", async () => {
  const scenarios = await findScenarios();
  const choose = () => chosenScenarios(scenarios, readOptions(["--only", "produce,prodcue"]));
  expect(choose).toThrow(/There is no scenario "prodcue"; there are .*consume, .*produce,/);
});
