import { describe, expect, test } from "vitest";
import { readOptions } from "./options.ts";
import { repeat } from "./repeat.ts";
import { formatNumber, formatRow } from "./report.ts";
import { runRow } from "./run-row.ts";
import type { Contestant, Effort, Row } from "./scenario.ts";
import { ratio, summarize } from "./statistics.ts";

const EFFORT: Effort = { repetitions: 3, repetitionMs: 1, quick: true };

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
    expect(log.filter((entry) => entry === "gc")).toHaveLength(6);
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
  expect(() => readOptions(["--fast"])).toThrow(/--fast/);
});
