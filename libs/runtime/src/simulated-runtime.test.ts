import { describe, expect, it } from "vitest";
import { createSimulatedRuntime } from "./simulated-runtime.ts";

describe("the simulated runtime", () => {
  it("stands still until it is advanced", async () => {
    const runtime = createSimulatedRuntime(1, { startMs: 1000 });
    let fired = 0;
    runtime.timers.schedule(50, () => fired++);
    await runtime.settle();
    await runtime.advance(49);
    expect(fired).toBe(0);
    expect(runtime.clock.nowMs()).toBe(1049);
    await runtime.advance(1);
    expect(fired).toBe(1);
    expect(runtime.pendingTimers).toBe(0);
    expect(runtime.clock.monotonicMs()).toBe(50);
  });

  it("runs timers at their own time, equal ones in the order they were scheduled", async () => {
    const runtime = createSimulatedRuntime(1, { startMs: 0 });
    const order: string[] = [];
    const note = (name: string) => () => order.push(`${name}@${runtime.clock.nowMs()}`);
    runtime.timers.schedule(20, note("c"));
    runtime.timers.schedule(10, note("a"));
    runtime.timers.schedule(10, note("b"));
    await runtime.advance(100);
    expect(order).toEqual(["a@10", "b@10", "c@20"]);
  });

  it("runs what a timer set off before the next timer, timers that it scheduled in between included", async () => {
    const runtime = createSimulatedRuntime(1, { startMs: 0 });
    const order: string[] = [];
    runtime.timers.schedule(10, async () => {
      await Promise.resolve();
      runtime.timers.defer(() => order.push("deferred"));
      runtime.timers.schedule(5, () => order.push(`nested@${runtime.clock.nowMs()}`));
    });
    runtime.timers.schedule(20, () => order.push("second"));
    await runtime.advance(30);
    expect(order).toEqual(["deferred", "nested@15", "second"]);
  });

  it("runs deferred callbacks by themselves, in order and without time passing", async () => {
    const runtime = createSimulatedRuntime(1);
    const order: number[] = [];
    for (const i of [1, 2, 3]) runtime.timers.defer(() => order.push(i));
    await runtime.settle();
    expect(order).toEqual([1, 2, 3]);
    expect(runtime.clock.monotonicMs()).toBe(0);
  });

  it("cancels", async () => {
    const runtime = createSimulatedRuntime(1);
    let fired = 0;
    runtime.timers.schedule(1, () => fired++).cancel();
    await runtime.advance(10);
    expect(fired).toBe(0);
  });

  it("draws the same numbers from the same seed", () => {
    const draw = (seed: number) => {
      const { random } = createSimulatedRuntime(seed);
      return Array.from({ length: 5 }, () => random.nextInt(1000));
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });
});
