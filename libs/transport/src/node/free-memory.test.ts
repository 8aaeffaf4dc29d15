import { expect, test } from "vitest";
import { freeMemory } from "./free-memory.ts";

const BYTES = 64 * 1024;

test("an array that has its buffer to itself is empty afterwards, and its memory counts no more", () => {
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 1_000; i++) {
    const bytes = new Uint8Array(BYTES);
    freeMemory(bytes);
    expect(bytes.byteLength).toBe(0);
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * BYTES);
});

test("a buffer that others may look at stays", () => {
  const buffer = new ArrayBuffer(BYTES);
  freeMemory(new Uint8Array(buffer, 0, BYTES - 1));
  freeMemory(new Uint8Array(buffer, 1));
  expect(buffer.byteLength).toBe(BYTES);
});
