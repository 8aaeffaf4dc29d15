import { expect, it } from "vitest";
import { WritePace } from "./write-pace.ts";

const small = [new Uint8Array(4000), new Uint8Array(96)];
const large = [...small, new Uint8Array(1)];

it("small writes are done at once, large ones by a thread", () => {
  const pace = new WritePace();
  expect([pace.allowsAtOnce(small, 0), pace.allowsAtOnce(large, 0), pace.allowsAtOnce([], 0)]).toEqual([
    true,
    false,
    true,
  ]);
});

it("after a slow write threads do the next thousand, then one is tried at once again", () => {
  const pace = new WritePace();
  pace.tookAtOnce(4);
  expect(pace.allowsAtOnce(small, 0)).toBe(true);
  pace.tookAtOnce(6);
  const next = Array.from({ length: 1_001 }, () => pace.allowsAtOnce(small, 0));
  expect([next.indexOf(true), next.length]).toEqual([1_000, 1_001]);
});

it("none is done at once while a thread has waited for the disk for a tenth of a second", () => {
  const pace = new WritePace();
  const call = pace.threadBegan(1_000);
  expect(pace.allowsAtOnce(small, 1_100)).toBe(true);
  expect(pace.allowsAtOnce(small, 1_101)).toBe(false);
  pace.threadEnded(call);
  const next = Array.from({ length: 1_000 }, () => pace.allowsAtOnce(small, 1_102));
  expect(next.indexOf(true)).toBe(999);
});

it("what is awaited is done at once up to half a mebibyte within five milliseconds", () => {
  const pace = new WritePace();
  const awaited = (sizeBytes: number, nowMs: number) => pace.allowsAtOnce([new Uint8Array(sizeBytes)], nowMs, true);
  const quarter = 128 * 1024;
  expect([1, 2, 3, 4, 4.5].map((nowMs) => awaited(quarter, nowMs))).toEqual([true, true, true, true, false]);
  expect(awaited(4096, 4.5)).toBe(true);
  expect([
    awaited(quarter, 6),
    awaited(4 * quarter, 7),
    awaited(4 * quarter, 11),
    awaited(4 * quarter + 1, 16),
  ]).toEqual([true, false, true, false]);
});

it("after a slow write threads do what is awaited too, and it takes no room", () => {
  const pace = new WritePace();
  const half = [new Uint8Array(256 * 1024)];
  pace.tookAtOnce(6);
  const next = Array.from({ length: 1_000 }, () => pace.allowsAtOnce(half, 0, true));
  expect(next.includes(true)).toBe(false);
  expect([1, 2, 3].map((nowMs) => pace.allowsAtOnce(half, nowMs, true))).toEqual([true, true, false]);
});
