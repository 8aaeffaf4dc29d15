import { performance } from "node:perf_hooks";
import type { Contestant, Measurement } from "./scenario.ts";

/** Calls between two looks at the clocks grow up to this many. */
const MAX_CALLS_A_LOOK = 4096;

/** Looks at the clocks in the time of a repetition. */
const LOOKS = 20;

/** Work that waits more than it computes is cut off after this many times the repetition's length. */
const MAX_WAIT_FACTOR = 20;

/**
 * A contestant whose work is one quick call, made over and over for the time of a repetition. The figure is
 * `amountPerCall` a second, by the clock and by the CPU time of the whole process (its helper threads too). A call that
 * returns a promise is awaited before the next.
 *
 * The time is CPU time, and some of it goes by unmeasured first: garbage collection throws away optimized code, and on
 * a busy machine that takes long to come back.
 */
export function repeat(name: string, amountPerCall: number, call: () => unknown): Contestant {
  return {
    name,
    async measure({ repetitionMs }) {
      await run(call, repetitionMs / 2);
      const { calls, elapsedMs, cpuMs } = await run(call, repetitionMs);
      const amount = amountPerCall * calls * 1000;
      return { figure: amount / elapsedMs, perCpuSecond: amount / cpuMs } satisfies Measurement;
    },
  };
}

interface Run {
  readonly calls: number;
  readonly elapsedMs: number;
  readonly cpuMs: number;
}

async function run(call: () => unknown, wantedCpuMs: number): Promise<Run> {
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  let calls = 0;
  let callsALook = 1;
  for (;;) {
    const pending = runCalls(call, callsALook);
    if (pending !== undefined) await pending;
    calls += callsALook;
    const elapsedMs = performance.now() - start;
    const { user, system } = process.cpuUsage(cpuStart);
    const cpuMs = (user + system) / 1000;
    if (cpuMs >= wantedCpuMs || elapsedMs >= MAX_WAIT_FACTOR * wantedCpuMs) return { calls, elapsedMs, cpuMs };
    const callsInSlice = Math.floor((calls / Math.max(cpuMs, 0.01)) * (wantedCpuMs / LOOKS));
    callsALook = Math.max(1, Math.min(callsInSlice, MAX_CALLS_A_LOOK));
  }
}

/** Synchronous work never sees a promise, and pays for none. */
function runCalls(call: () => unknown, times: number): Promise<void> | undefined {
  const first = call();
  if (first instanceof Promise) return awaitCalls(first, call, times - 1);
  for (let done = 1; done < times; done++) call();
  return undefined;
}

async function awaitCalls(first: Promise<unknown>, call: () => unknown, times: number): Promise<void> {
  await first;
  for (let done = 0; done < times; done++) await call();
}
