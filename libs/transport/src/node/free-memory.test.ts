import { expect, test } from "vitest";
import { freeMemory } from "./free-memory.ts";

const canFree = "transfer" in ArrayBuffer.prototype;
const BYTES = 64 * 1024;

test("an array that has its buffer to itself is empty afterwards, where the platform can do that", () => {
  const bytes = new Uint8Array(BYTES);
  freeMemory(bytes);
  expect(bytes.byteLength).toBe(canFree ? 0 : BYTES);
});

test("a buffer that others may look at stays", () => {
  const buffer = new ArrayBuffer(BYTES);
  freeMemory(new Uint8Array(buffer, 0, BYTES - 1));
  freeMemory(new Uint8Array(buffer, 1));
  expect(buffer.byteLength).toBe(BYTES);
});
