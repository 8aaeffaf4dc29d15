import { expect, test } from "vitest";
import { allocateRegion, releaseTail } from "./slab.ts";

test("regions of one slab follow each other", () => {
  const first = allocateRegion(16);
  const second = allocateRegion(16);
  if (first.bytes === second.bytes) expect(second.start).toBe(first.end);
  expect(second.end - second.start).toBe(16);
});

test("a tail is handed out again when it was the last", () => {
  const { bytes, start, end } = allocateRegion(100);
  releaseTail(bytes, start + 10, end);
  expect(allocateRegion(1)).toMatchObject({ start: start + 10 });
});

test("large regions have memory of their own, which gives the slab nothing back", () => {
  let last = allocateRegion(1000);
  while (last.end <= 10_000) last = allocateRegion(1000);
  const large = allocateRegion(last.end);
  expect(large.bytes).not.toBe(last.bytes);
  releaseTail(large.bytes, 0, large.end);
  expect(allocateRegion(1).start).toBe(last.end);
});
