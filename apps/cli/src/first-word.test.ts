import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { sayWhenLate } from "./first-word.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function waiting(isTTY: boolean) {
  const said: string[] = [];
  const stop = sayWhenLate("waiting", { isTTY, write: (text: string | Uint8Array) => said.push(String(text)) > 0 });
  return { said, stop };
}

it("says what is waited for after two seconds, once, on a terminal", () => {
  const { said } = waiting(true);
  vi.advanceTimersByTime(1_900);
  expect(said).toEqual([]);
  vi.advanceTimersByTime(10_000);
  expect(said).toEqual(["ottla: waiting\n"]);
});

it("says nothing of what has come, nor where nobody looks", () => {
  const [come, unseen] = [waiting(true), waiting(false)];
  vi.advanceTimersByTime(1_900);
  come.stop?.();
  vi.advanceTimersByTime(10_000);
  expect([come.said, unseen.said]).toEqual([[], []]);
});
