import { execFileSync } from "node:child_process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test, vi } from "vitest";
import { growthPercent, HeapGrowth } from "./heap-growth.ts";

const MIB = 1024 * 1024;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

describe("the growth of the heap", () => {
  test("is the same for small heaps, and V8's own for large ones", () => {
    expect(growthPercent(4 * MIB)).toBe(400);
    expect(growthPercent(16 * MIB)).toBe(150);
    expect(growthPercent(48 * MIB)).toBe(50);
    expect(growthPercent(64 * MIB)).toBe(0);
  });

  test("follows the heap's size after each major collection, until it is up to V8 again", async () => {
    const flags: string[] = [];
    const growth = new HeapGrowth((flag) => flags.push(flag));
    expect(flags).toEqual([expect.stringMatching(/^--heap-growing-percent=\d+$/)]);
    collectGarbage();
    await vi.waitFor(() => expect(flags.length).toBeGreaterThan(1));
    growth.close();
    const set = flags.length;
    expect(flags.at(-1)).toBe("--heap-growing-percent=0");
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(flags).toHaveLength(set);
  });

  test("is a flag that V8 knows", () => {
    expect(execFileSync(process.execPath, ["--v8-options"], { encoding: "utf8" })).toContain("--heap-growing-percent");
  });
});
