import { expect, it } from "vitest";
import { WritePace } from "./write-pace.ts";

const small = [new Uint8Array(4000), new Uint8Array(96)];
const large = [...small, new Uint8Array(1)];

it("small writes are done at once, large ones by a thread", () => {
  const pace = new WritePace();
  expect([pace.allowsAtOnce(small), pace.allowsAtOnce(large), pace.allowsAtOnce([])]).toEqual([true, false, true]);
});

it("after a slow write threads do the next thousand, then one is tried at once again", () => {
  const pace = new WritePace();
  pace.tookAtOnce(4);
  expect(pace.allowsAtOnce(small)).toBe(true);
  pace.tookAtOnce(6);
  const next = Array.from({ length: 1_001 }, () => pace.allowsAtOnce(small));
  expect([next.indexOf(true), next.length]).toEqual([1_000, 1_001]);
});
