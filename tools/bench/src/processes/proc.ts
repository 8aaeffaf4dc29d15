import { readdirSync, readFileSync } from "node:fs";

/** Linux counts the CPU time of a whole process in hundredths of a second, whatever its timer does. */
const MS_PER_TICK = 10;
const NS_PER_MS = 1e6;

/** What has been seen of a process: its threads' CPU time by id, in ms, and how much of that of ended ones is not in there. */
interface Seen {
  readonly threads: Map<string, number>;
  unseenMs: number;
}

const seenByPid = new Map<number, Seen>();

/**
 * CPU time of a process so far, all threads; undefined where the platform does not tell. Each thread says it in
 * nanoseconds, but takes that with it when it ends: what was last seen of it is kept. What no look has seen is in the count of
 * the whole process, which no thread's end makes smaller: where that is ahead, the difference is added for good. So the time
 * between two looks is exact to the nanosecond, or to two ticks where a thread ended between them.
 */
export function cpuMsOf(pid: number): number | undefined {
  try {
    const counted = countedMs(pid);
    const seen = seenByPid.get(pid) ?? { threads: new Map(), unseenMs: 0 };
    seenByPid.set(pid, seen);
    for (const [thread, ms] of threadsOf(pid)) seen.threads.set(thread, ms);
    const sumMs = [...seen.threads.values()].reduce((sum, ms) => sum + ms, 0);
    seen.unseenMs = Math.max(seen.unseenMs, counted - sumMs);
    return sumMs + seen.unseenMs;
  } catch {
    return undefined;
  }
}

function countedMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** Empty where the kernel does not count what its scheduler does. */
function* threadsOf(pid: number): Iterable<readonly [thread: string, cpuMs: number]> {
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const [runNs] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
      yield [thread, Number(runNs) / NS_PER_MS];
    } catch {
      // It has ended since, or there is no such file.
    }
  }
}

/** Resident memory of a process now; undefined where the platform does not tell. */
export function residentBytesOf(pid: number): number | undefined {
  try {
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
