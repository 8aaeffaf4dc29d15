import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { cpuMsOf } from "./proc.ts";

const isLinux = process.platform === "linux";

function burn(ms: number): void {
  const startedMs = performance.now();
  while (performance.now() - startedMs < ms);
}

test.runIf(isLinux)("CPU time is told in parts of a tick", () => {
  const differences = Array.from({ length: 5 }, () => {
    const beforeMs = cpuMsOf(process.pid)!;
    burn(2);
    return cpuMsOf(process.pid)! - beforeMs;
  });
  for (const difference of differences) {
    expect(difference).toBeGreaterThan(0.5);
    expect(difference % 10).not.toBe(0);
  }
});

test.runIf(isLinux)("a thread that has ended takes no CPU time with it, seen or not", async () => {
  const own = () => process.cpuUsage();
  const before = own();
  const beforeMs = cpuMsOf(process.pid)!;
  for (let i = 0; i < 3; i++) {
    const worker = new Worker("const end = performance.now() + 60; while (performance.now() < end);", { eval: true });
    if (i === 0) cpuMsOf(process.pid);
    await once(worker, "exit");
  }
  const { user, system } = process.cpuUsage(before);
  const spentMs = (user + system) / 1_000;
  const toldMs = cpuMsOf(process.pid)! - beforeMs;
  expect(spentMs).toBeGreaterThan(50);
  expect(Math.abs(toldMs - spentMs)).toBeLessThan(25);
});

test("of a process that does not exist nothing is told", () => {
  expect(cpuMsOf(2 ** 30)).toBeUndefined();
});
