import { expect, test } from "vitest";
import { findSlowDowns, measureGuard, measureSlowAgain } from "./guard.ts";

test("a figure says how often work is done in the time of the reference loop, awaited or not", async () => {
  let nowMs = 0;
  const spend = (ms: number) => {
    nowMs += ms;
  };
  const work = [
    { name: "as long", run: () => spend(2) },
    { name: "four times as long", run: () => spend(8) },
    {
      name: "as long again, awaited",
      run: async () => {
        spend(1);
        await Promise.resolve();
        spend(3);
      },
    },
  ];
  const objects = { name: "beside objects", reference: "objects", run: () => spend(2) } as const;
  const references = { sums: () => spend(2), objects: () => spend(4) };
  const figures = await measureGuard([...work, objects], { cpuMs: () => nowMs, references });
  expect(figures).toEqual({
    "as long": 1_000,
    "four times as long": 250,
    "as long again, awaited": 500,
    "beside objects": 2_000,
  });
});

test("what is twice as slow is named, or nearly so, and what was never written down", () => {
  const before = { encode: 100, decode: 100 };
  expect(findSlowDowns({ encode: 61, decode: 400 }, before)).toEqual([]);
  expect(findSlowDowns({ encode: 59, decode: 100 }, before)).toEqual([
    "encode: 59, and it was 100: about half as fast",
  ]);
  expect(findSlowDowns({ crc: 1 }, before)).toEqual(["crc: not written down yet (--update)"]);
});

test("what was slow once is measured again, and stays slow where it is slow each time", async () => {
  let nowMs = 0;
  const spend = (ms: number) => {
    nowMs += ms;
  };
  const work = [
    { name: "slow for a moment", run: () => spend(2) },
    { name: "slow", run: () => spend(8) },
    { name: "not slow", run: () => expect.unreachable("not measured again") },
  ];
  const before = { "slow for a moment": 1_000, slow: 1_000, "not slow": 1_000 };
  const measured = { "slow for a moment": 400, slow: 240, "not slow": 600 };
  const references = { sums: () => spend(2), objects: () => {} };
  const again = await measureSlowAgain(work, measured, before, { cpuMs: () => nowMs, references });
  expect(again).toEqual({ "slow for a moment": 1_000, slow: 250, "not slow": 600 });
});
