import { expect, test } from "vitest";
import { paced } from "./metronome.ts";

test("as many as were asked for, in the order of their ticks, no faster than asked for", async () => {
  for (const perSecond of [1_000, 10_000]) {
    const ticksMs: number[] = [];
    const startedMs = performance.now();
    await paced(200, perSecond, (tickMs) => ticksMs.push(tickMs));
    expect(ticksMs).toHaveLength(200);
    expect(ticksMs).toEqual([...ticksMs].sort((a, b) => a - b));
    expect(ticksMs[0]).toBeGreaterThan(startedMs);
    // The first tick's share is due at once, the rest in its time.
    expect(ticksMs.at(-1)! - ticksMs[0]!).toBeGreaterThanOrEqual(((200 - perSecond / 1_000) * 990) / perSecond - 1);
  }
});
