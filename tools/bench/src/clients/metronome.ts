import { Worker } from "node:worker_threads";

/** More ticks than this cost more of the cores that are measured than they tell. */
const TICKS_PER_SECOND_MAX = 2_000;

/** A thread that sleeps to the moment and says what time it is: no timer of an event loop is that exact. */
const THREAD = `
const { parentPort, workerData: { intervalMs, stop } } = require("node:worker_threads");
const nowMs = () => performance.timeOrigin + performance.now();
for (let next = nowMs() + intervalMs; ; next = Math.max(next + intervalMs, nowMs())) {
  const waitMs = next - nowMs();
  if (Atomics.wait(stop, 0, 0, Math.max(0, waitMs)) !== "timed-out") break;
  parentPort.postMessage(nowMs());
}`;

/**
 * Calls `send` with what is due, evenly spread, until `count` were sent. Where more is due in a second than the metronome
 * ticks, some of it is due together. `tickMs` is when it was due, on the clock of `performance.now()`: a busy event
 * loop hears of it later, which is its own fault, and counts.
 *
 * A timer of 1 ms fires half a millisecond late on average, and later where the core has gone to sleep: as much as what
 * is measured.
 */
export async function paced(count: number, perSecond: number, send: (tickMs: number) => void): Promise<void> {
  const ticksPerSecond = Math.min(perSecond, TICKS_PER_SECOND_MAX);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { intervalMs: 1_000 / ticksPerSecond, stop };
  const thread = new Worker(THREAD, { eval: true, workerData });
  let firstTickMs = 0;
  let sent = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      thread.on("error", reject).on("message", (sharedMs: number) => {
        const tickMs = sharedMs - performance.timeOrigin;
        firstTickMs ||= tickMs;
        const due = Math.min(
          count,
          Math.round(((tickMs - firstTickMs) * perSecond) / 1_000 + perSecond / ticksPerSecond),
        );
        for (; sent < due; sent++) send(tickMs);
        if (sent === count) resolve();
      });
    });
  } finally {
    Atomics.store(stop, 0, 1);
    Atomics.notify(stop, 0);
    await thread.terminate();
  }
}
