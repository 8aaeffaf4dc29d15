import { describe, expect, it } from "vitest";
import { BufferPool } from "./buffer-pool.ts";

const KIB = 1024;

describe("BufferPool", () => {
  it("gives large buffers in doublings, up to a full batch, and small ones as they are asked for", () => {
    const pool = new BufferPool(200 * KIB, 1024 * KIB);
    const sizes = [1, 600, 64 * KIB, 65 * KIB, 129 * KIB, 500 * KIB].map((sizeBytes) => pool.take(sizeBytes).length);
    expect(sizes).toEqual([512, 600, 64 * KIB, 128 * KIB, 200 * KIB, 200 * KIB]);
    expect(new BufferPool(16 * KIB, 1024 * KIB).take(20 * KIB)).toHaveLength(16 * KIB);
  });

  it("gives what came back again, to whom it fits", () => {
    const pool = new BufferPool(256 * KIB, 1024 * KIB);
    const buffers = [70 * KIB, 200 * KIB].map((sizeBytes) => pool.take(sizeBytes));
    for (const buffer of buffers) pool.give(buffer);
    expect(pool.take(256 * KIB)).toBe(buffers[1]);
    expect(pool.take(100 * KIB)).toBe(buffers[0]);
    expect(pool.take(100 * KIB)).not.toBe(buffers[0]);
  });

  it("keeps no more than it may, and none of another size", () => {
    const pool = new BufferPool(256 * KIB, 192 * KIB);
    const [first, second, odd] = [128 * KIB, 128 * KIB, 1 * KIB].map((sizeBytes) => new Uint8Array(sizeBytes));
    for (const buffer of [first!, second!, odd!]) pool.give(buffer);
    expect(pool.take(128 * KIB)).toBe(first);
    expect(pool.take(128 * KIB)).not.toBe(second);
    expect(pool.take(1 * KIB)).not.toBe(odd);
  });

  it("serves producers whose batches are small, or have no size at all", () => {
    const pool = new BufferPool(0, 1024 * KIB);
    expect(pool.take(512)).toHaveLength(512);
  });
});
