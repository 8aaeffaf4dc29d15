import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { openFilesLimit } from "./open-files-limit.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             94234                94234                processes
Max open files            4096                 1048576              files
`;

it.each([
  ["that is bounded", LIMITS, 4096],
  ["that is not", LIMITS.replace("4096   ", "unlimited"), null],
  ["of a system that does not tell", "", null],
])("is the soft limit of a process %s", (_what, limits, expected) => {
  expect(openFilesLimit(() => limits)).toBe(expected);
});

it.runIf(existsSync("/proc/self/limits"))("is this process's", () => {
  const limit = execFileSync("sh", ["-c", `grep "Max open files" /proc/${process.pid}/limits`], { encoding: "utf8" });
  expect(openFilesLimit()).toBe(Number(limit.split(/ {2,}/)[1]));
});
