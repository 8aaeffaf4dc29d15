import { expect, it } from "vitest";
import { seededRandom } from "./random.ts";
import { type QueuedTimer, TimerQueue } from "./timer-queue.ts";

it("gives timers in the order of their times, equal ones in the order they were added, whatever was removed", () => {
  const random = seededRandom(1);
  const queue = new TimerQueue();
  const waiting: QueuedTimer[] = [];
  const first = (untilMs: number) =>
    waiting
      .filter(({ dueMs }) => dueMs <= untilMs)
      .sort((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence)
      .at(0);
  for (let step = 0; step < 5_000; step++) {
    const dice = random.nextInt(5);
    if (dice < 2) waiting.push(queue.add(random.nextInt(50), () => {}));
    else if (dice === 2 && waiting.length > 0) queue.remove(waiting.splice(random.nextInt(waiting.length), 1)[0]!);
    else {
      const untilMs = random.nextInt(50);
      const expected = first(untilMs) ?? null;
      expect(queue.takeDue(untilMs)).toBe(expected);
      if (expected === null) continue;
      waiting.splice(waiting.indexOf(expected), 1);
      // It was taken out already.
      queue.remove(expected);
    }
    expect(queue.size).toBe(waiting.length);
  }
});
