import { expect, test } from "vitest";
import { drawPicture } from "./picture.ts";
import { runRow } from "./run-row.ts";
import type { Row } from "./scenario.ts";

const EFFORT = { repetitions: 1, repetitionMs: 1, quick: true, soakMinutes: 0 };

test("the main rows become bars as long as the work done for a CPU second, the best first, or none without it", async () => {
  const contestants = [
    { name: "rival & co", measure: () => ({ figure: 9_000, perCpuSecond: 1_000 }) },
    { name: "ottla", measure: () => ({ figure: 8_000, perCpuSecond: 4_000 }) },
    { name: "in a browser", measure: () => ({ figure: 7_000 }) },
  ];
  const rate: Row = { name: "produce", unit: "records/s", baseline: "ottla", contestants };
  const rows = [
    await runRow({ ...rate, isMain: true }, EFFORT, () => {}),
    await runRow({ ...rate, name: "another" }, EFFORT, () => {}),
  ];
  const svg = drawPicture([{ name: "scenario", description: "", rows }], "2 cores");
  const bars = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>\n<rect [^>]*width="(\d+)"[^>]*fill="(#\w+)"/g)];
  expect(bars.map(([, name, width]) => [name, Number(width)])).toEqual([
    ["ottla", 440],
    ["rival &amp; co", 110],
  ]);
  expect(bars[0]![3]).not.toBe(bars[1]![3]);
  expect(svg).not.toMatch(/another|browser/);
});
