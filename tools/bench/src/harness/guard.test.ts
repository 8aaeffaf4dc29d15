import { expect, test } from "vitest";
import { findSlowDowns, measureGuard } from "./guard.ts";

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
  const figures = await measureGuard(work, { cpuMs: () => nowMs, reference: () => spend(2) });
  expect(figures).toEqual({ "as long": 1_000, "four times as long": 250, "as long again, awaited": 500 });
});

test("what is slower by more than half is named, and what was never written down", () => {
  const before = { encode: 100, decode: 100 };
  expect(findSlowDowns({ encode: 51, decode: 400 }, before)).toEqual([]);
  expect(findSlowDowns({ encode: 49, decode: 100 }, before)).toEqual([
    "encode: 49, and it was 100: slower by more than half",
  ]);
  expect(findSlowDowns({ crc: 1 }, before)).toEqual(["crc: not written down yet (--update)"]);
});
