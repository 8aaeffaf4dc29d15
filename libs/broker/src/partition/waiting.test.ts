import { createSimulatedRuntime } from "@ottla/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CommitWaiters } from "./commit-waiters.ts";
import { DeadlineQueue } from "./deadline-queue.ts";
import type { Partition } from "./partition.ts";
import { Purgatory, Watch } from "./purgatory.ts";

describe("DeadlineQueue", () => {
  it("fires each deadline at its time or a tick later, in order, unless it was cancelled", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ delayMs: fc.integer({ min: 0, max: 1_000 }), isPatient: fc.boolean(), cancelled: fc.boolean() }),
          {
            maxLength: 50,
          },
        ),
        async (deadlines) => {
          const runtime = createSimulatedRuntime(1);
          const queue = new DeadlineQueue(runtime.clock, runtime.timers);
          const fired: number[] = [];
          for (const { delayMs, isPatient, cancelled } of deadlines) {
            const onExpiry = () => {
              const lateMs = runtime.clock.monotonicMs() - delayMs;
              expect(lateMs).toBeGreaterThanOrEqual(0);
              expect(lateMs).toBeLessThanOrEqual(Math.max(5, isPatient ? Math.min(delayMs / 3, 128) : delayMs / 10));
              fired.push(delayMs);
            };
            const deadline = queue.schedule(delayMs, onExpiry, { isPatient });
            if (cancelled) deadline.cancel();
          }
          await runtime.advance(1_100);
          const expected = deadlines.filter(({ cancelled }) => !cancelled).map(({ delayMs }) => delayMs);
          expect([...fired].sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
          expect(runtime.pendingTimers).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("shares timers", () => {
    const runtime = createSimulatedRuntime(1);
    const queue = new DeadlineQueue(runtime.clock, runtime.timers);
    for (let i = 0; i < 10_000; i++) queue.schedule(500, () => {});
    expect(runtime.pendingTimers).toBe(1);
  });

  it.each([
    { isPatient: false, timesMax: 33 },
    { isPatient: true, timesMax: 9 },
  ])("fires what waits long a few times a second, however many wait: patient $isPatient", async (expected) => {
    const runtime = createSimulatedRuntime(1);
    const queue = new DeadlineQueue(runtime.clock, runtime.timers);
    const firedAtMs = new Set<number>();
    for (let sinceMs = 0; sinceMs < 1_000; sinceMs++) {
      queue.schedule(500, () => firedAtMs.add(runtime.clock.monotonicMs()), expected);
      await runtime.advance(1);
    }
    await runtime.advance(1_000);
    expect(firedAtMs.size).toBeLessThanOrEqual(expected.timesMax);
    expect(runtime.pendingTimers).toBe(0);
  });
});

describe("CommitWaiters", () => {
  it("releases exactly those whose offset is reached", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -3, max: 5 }), { maxLength: 3000 }),
        fc.array(fc.nat(10_000), { maxLength: 10 }),
        async (steps, marks) => {
          const waiters = new CommitWaiters();
          const released: number[] = [];
          let offset = 0;
          const offsets = steps.map((step) => {
            offset = Math.max(offset + step, 0);
            return offset;
          });
          for (const each of offsets) void waiters.wait(each).then(() => released.push(each));
          const highest = Math.max(-1, ...marks);
          for (const mark of [...marks].sort((a, b) => a - b)) waiters.release(mark);
          await Promise.resolve();
          const reached = offsets.filter((each) => each <= highest);
          expect([...released].sort((a, b) => a - b)).toEqual(reached.sort((a, b) => a - b));
          expect(waiters.size).toBe(offsets.length - reached.length);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("rejects those who still wait, without unhandled rejections", async () => {
    const waiters = new CommitWaiters();
    const kept = waiters.wait(1);
    waiters.wait(2);
    waiters.rejectAll(new Error("gone"));
    await expect(kept).rejects.toThrow("gone");
    expect(waiters.size).toBe(0);
  });
});

describe("Purgatory", () => {
  const [a, b] = [{}, {}] as Partition[];
  function fixture() {
    const runtime = createSimulatedRuntime(1);
    return {
      runtime,
      purgatory: new Purgatory(runtime.timers, runtime.clock, new DeadlineQueue(runtime.clock, runtime.timers)),
    };
  }

  it("looks at a request once for all that a turn brings, and not for other partitions", async () => {
    const { runtime, purgatory } = fixture();
    let looks = 0;
    const waiting = { tryComplete: () => ++looks > 1, expire: () => {} };
    purgatory.add(new Watch(waiting, [a!]), 1000);
    for (let i = 0; i < 100; i++) purgatory.partitionMoved(a!);
    purgatory.partitionMoved(b!);
    await runtime.settle();
    expect(looks).toBe(1);
    purgatory.partitionMoved(a!);
    await runtime.settle();
    expect(looks).toBe(2);
    expect(purgatory.size).toBe(0);
    await runtime.advance(2000);
    expect(looks).toBe(2);
  });

  it("expires a request once, and forgets it", async () => {
    const { runtime, purgatory } = fixture();
    let expired = 0;
    purgatory.add(new Watch({ tryComplete: () => false, expire: () => expired++ }, [a!, b!]), 100);
    await runtime.advance(200);
    purgatory.partitionMoved(a!);
    await runtime.settle();
    expect([expired, purgatory.size]).toEqual([1, 0]);
  });

  it("ends the waits of a follower that is called for, and keeps them short for a second", async () => {
    const { runtime, purgatory } = fixture();
    const expired: string[] = [];
    const wait = (name: string, followerId?: number) =>
      purgatory.add(new Watch({ followerId, tryComplete: () => false, expire: () => expired.push(name) }, [a!]), 500);
    wait("follower 1", 1);
    wait("follower 2", 2);
    wait("consumer");
    for (let i = 0; i < 100; i++) purgatory.callFollower(1);
    await runtime.settle();
    expect(expired).toEqual(["follower 1"]);
    wait("follower 1 again", 1);
    await runtime.advance(40);
    expect(expired).toEqual(["follower 1", "follower 1 again"]);
    await runtime.advance(1_000);
    expect(expired.slice(2).sort()).toEqual(["consumer", "follower 2"]);
    wait("follower 1 later", 1);
    await runtime.advance(400);
    expect(expired).toHaveLength(4);
  });

  it("expires everything when it closes, and keeps nothing from then on", async () => {
    const { runtime, purgatory } = fixture();
    let expired = 0;
    const waiting = { tryComplete: () => false, expire: () => expired++ };
    for (let i = 0; i < 5; i++) purgatory.add(new Watch(waiting, [a!]), 1000);
    purgatory.close();
    purgatory.add(new Watch(waiting, [a!]), 1000);
    await runtime.settle();
    expect([expired, purgatory.size]).toEqual([6, 0]);
  });
});
