import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deadline, DeadlineQueue } from "./deadlines.ts";

function takeAll(queue: DeadlineQueue<string>, nowMs: number): string[] {
  const taken: string[] = [];
  for (let due = queue.takeDue(nowMs); due !== undefined; due = queue.takeDue(nowMs)) taken.push(due.subject);
  return taken;
}

describe("DeadlineQueue", () => {
  it("has nothing due at first", () => {
    const queue = new DeadlineQueue<string>();
    expect(queue.nextDueMs).toBe(Number.POSITIVE_INFINITY);
    expect(queue.takeDue(1e15)).toBeUndefined();
  });

  it("gives deadlines in the order of their time, those of one time in the order of scheduling", () => {
    const queue = new DeadlineQueue<string>();
    for (const [name, atMs] of [
      ["c", 3],
      ["a1", 1],
      ["b", 2],
      ["a2", 1],
    ] as const) {
      queue.schedule(new Deadline(name), atMs);
    }
    expect(takeAll(queue, 2)).toEqual(["a1", "a2", "b"]);
    expect(queue.nextDueMs).toBe(3);
  });

  it("forgets a cancelled deadline, which may be scheduled again", () => {
    const queue = new DeadlineQueue<string>();
    const deadline = new Deadline("d");
    queue.schedule(deadline, 5);
    queue.cancel(deadline);
    expect(takeAll(queue, 10)).toEqual([]);
    queue.schedule(deadline, 12);
    expect(takeAll(queue, 12)).toEqual(["d"]);
  });

  it("is never late, and gives each deadline once, however they are moved", () => {
    const moves = fc.array(
      fc.record({ deadline: fc.nat(5), delayMs: fc.nat(50), stepMs: fc.nat(20), cancels: fc.boolean() }),
    );
    fc.assert(
      fc.property(moves, (script) => {
        const queue = new DeadlineQueue<number>();
        const deadlines = Array.from({ length: 6 }, (_, index) => new Deadline(index));
        const expected = new Map<number, number>();
        let nowMs = 0;
        for (const { deadline, delayMs, stepMs, cancels } of script) {
          if (cancels) {
            queue.cancel(deadlines[deadline]!);
            expected.delete(deadline);
          } else {
            queue.schedule(deadlines[deadline]!, nowMs + delayMs);
            expected.set(deadline, nowMs + delayMs);
          }
          nowMs += stepMs;
          expect(queue.nextDueMs).toBeLessThanOrEqual(Math.min(...expected.values()));
          const due = [...expected].filter(([, atMs]) => atMs <= nowMs).map(([index]) => index);
          const taken: number[] = [];
          for (let next = queue.takeDue(nowMs); next !== undefined; next = queue.takeDue(nowMs)) {
            taken.push(next.subject);
            expected.delete(next.subject);
          }
          expect(taken.sort()).toEqual(due.sort());
        }
      }),
    );
  });
});
