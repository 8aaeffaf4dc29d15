import { readFile, statfs } from "node:fs/promises";
import { cpus, freemem, loadavg, totalmem } from "node:os";
import type { Feed, FeedRecord } from "./feed.ts";

/** What this machine is doing, once a second: one record per source, keyed by it, so that each keeps its order. */
export function machineMetrics(): Feed {
  const readCpu = cpuUsage();
  const readNetwork = networkRate();
  return {
    topic: "demo.metrics",
    partitions: 2,
    intervalMs: 1_000,
    async next() {
      const timestampMs = Date.now();
      const readings = { cpu: readCpu(), memory: memoryUsage(), disk: await diskUsage(), network: await readNetwork() };
      return Object.entries(readings)
        .filter(([, values]) => values !== null)
        .map(([source, values]): FeedRecord => {
          return { key: source, value: JSON.stringify({ source, time: timestampMs, ...values }), timestampMs };
        });
    },
  };
}

/** The share of time in which the processors were busy since the last reading. */
function cpuUsage(): () => { usedPercent: number; load1: number } {
  const total = () => {
    let idleMs = 0;
    let allMs = 0;
    for (const { times } of cpus()) {
      idleMs += times.idle;
      allMs += times.user + times.nice + times.sys + times.irq + times.idle;
    }
    return { idleMs, allMs };
  };
  let last = total();
  return () => {
    const now = total();
    const elapsedMs = now.allMs - last.allMs;
    const usedPercent = elapsedMs > 0 ? 100 * (1 - (now.idleMs - last.idleMs) / elapsedMs) : 0;
    last = now;
    return { usedPercent: round(usedPercent), load1: round(loadavg()[0] ?? 0) };
  };
}

function memoryUsage(): { usedPercent: number; usedBytes: number } {
  const usedBytes = totalmem() - freemem();
  return { usedPercent: round((100 * usedBytes) / totalmem()), usedBytes };
}

async function diskUsage(): Promise<{ usedPercent: number; freeBytes: number } | null> {
  try {
    const { bsize, blocks, bavail } = await statfs(process.cwd());
    return { usedPercent: round(100 * (1 - bavail / blocks)), freeBytes: bavail * bsize };
  } catch {
    return null; // some platforms and file systems do not tell
  }
}

/** Bytes per second over all interfaces since the last reading. Only Linux tells without a native add-on. */
function networkRate(): () => Promise<{ receivedBytesPerSecond: number; sentBytesPerSecond: number } | null> {
  let last: { atMs: number; received: number; sent: number } | null = null;
  return async () => {
    const totals = await interfaceTotals().catch(() => null);
    if (totals === null) return null;
    const now = { atMs: performance.now(), ...totals };
    const before = last ?? now;
    last = now;
    const seconds = Math.max((now.atMs - before.atMs) / 1_000, 0.001);
    return {
      receivedBytesPerSecond: Math.round((now.received - before.received) / seconds),
      sentBytesPerSecond: Math.round((now.sent - before.sent) / seconds),
    };
  };
}

/** The counters of /proc/net/dev: `name: received-bytes … (8 columns) sent-bytes …`. */
async function interfaceTotals(): Promise<{ received: number; sent: number }> {
  let received = 0;
  let sent = 0;
  for (const line of (await readFile("/proc/net/dev", "utf8")).split("\n").slice(2)) {
    const columns = line.split(":")[1]?.trim().split(/\s+/).map(Number);
    received += columns?.[0] ?? 0;
    sent += columns?.[8] ?? 0;
  }
  return { received, sent };
}

const round = (value: number) => Math.round(value * 10) / 10;
