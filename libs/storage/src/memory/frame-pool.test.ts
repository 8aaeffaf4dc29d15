import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FramePool } from "./frame-pool.ts";
import { Tail, TailMemory } from "./tail.ts";

const KIB = 1024;

describe("the memory of frames", () => {
  it("is used again once nobody holds it, and no sooner", () => {
    const pool = new FramePool(1024 * KIB, 150 * KIB);
    const frame = pool.acquire(100 * KIB);
    pool.hold(frame.subarray(10, 20));
    pool.release(frame);
    expect(pool.acquire(100 * KIB).buffer).not.toBe(frame.buffer);
    pool.release(frame.subarray(10, 20));
    expect(pool.acquire(100 * KIB).buffer).toBe(frame.buffer);
  });

  it("is shared by frames, one after another, and used again when all of them are done with", () => {
    const pool = new FramePool(1024 * KIB, 256 * KIB);
    const frames = Array.from({ length: 5 }, () => pool.acquire(60 * KIB));
    expect(new Set(frames.map(({ buffer }) => buffer)).size).toBe(2);
    for (const [i, frame] of frames.entries()) frame.fill(i + 1);
    expect(frames.map((frame) => frame.every((byte) => byte === frame[0]) && frame[0])).toEqual([1, 2, 3, 4, 5]);
    for (const frame of frames.slice(0, 3)) pool.release(frame);
    pool.acquire(200 * KIB);
    expect(pool.acquire(200 * KIB).buffer).not.toBe(frames[0]!.buffer);
    pool.release(frames[3]!);
    expect(pool.acquire(200 * KIB).buffer).toBe(frames[0]!.buffer);
  });

  it("is the same again and again where one frame follows the other", () => {
    const pool = new FramePool(1024 * KIB, 256 * KIB);
    const places = Array.from({ length: 20 }, () => {
      const frame = pool.acquire(100 * KIB);
      pool.release(frame);
      return frame;
    });
    expect(new Set(places.map(({ buffer }) => buffer)).size).toBe(1);
    expect(new Set(places.map(({ byteOffset }) => byteOffset))).toEqual(new Set([0]));
  });

  it("is a buffer of its own for what is larger than shared ones", () => {
    const pool = new FramePool(1024 * KIB, 64 * KIB);
    const frame = pool.acquire(300 * KIB);
    pool.release(frame);
    expect(pool.acquire(300 * KIB).buffer).toBe(frame.buffer);
  });

  it("is no concern of whoever has bytes of his own, or small ones", () => {
    const pool = new FramePool(1024 * KIB);
    const own = new Uint8Array(100 * KIB);
    pool.hold(own);
    pool.release(own);
    pool.release(own);
    expect(pool.acquire(100 * KIB).buffer).not.toBe(own.buffer);
    const small = pool.acquire(100);
    pool.release(small);
    expect([small.buffer.byteLength, pool.acquire(100).buffer === small.buffer]).toEqual([100, false]);
  });

  it("never changes under a tail, or under whoever reads from one (property)", () => {
    const step = fc.record({
      kind: fc.constantFrom("append", "append", "append", "read", "done", "release", "clear"),
      tail: fc.nat({ max: 2 }),
      size: fc.constantFrom(1, 5 * KIB),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const pool = new FramePool(256 * KIB, 64 * KIB);
        const memory = new TailMemory(150 * KIB, pool);
        const tails = Array.from({ length: 3 }, () => new Tail(memory));
        const requests: Uint8Array[] = [];
        const reads: { slices: Uint8Array[]; marks: number[]; release: () => void }[] = [];
        let mark = 0;
        for (const { kind, tail: index, size } of steps) {
          const tail = tails[index]!;
          if (kind === "append") {
            // A request that brings batches for two partitions.
            const frame = pool.acquire(16 * KIB + size).fill(++mark % 256);
            const middle = Math.ceil(frame.length / 2);
            tail.add({ bytes: frame.subarray(0, middle), baseOffset: mark, lastOffset: mark });
            tails[(index + 1) % 3]!.add({ bytes: frame.subarray(middle), baseOffset: mark, lastOffset: mark });
            requests.push(frame);
          } else if (kind === "done") {
            for (const frame of requests.splice(0, 3)) pool.release(frame);
          } else if (kind === "read") {
            const slices = tail.chunks.slice(tail.indexOf(0)).map(({ bytes }) => bytes.subarray(1));
            reads.push({ slices, marks: slices.map((slice) => slice[0]!), release: tail.lend(slices) });
          } else if (kind === "release") {
            const read = reads.shift();
            read?.release();
            read?.release();
          } else {
            tail.clear();
          }
          for (const { slices, marks } of reads) {
            expect(slices.map((slice) => slice.every((byte) => byte === slice[0]) && slice[0])).toEqual(marks);
          }
          for (const { chunks, startOffset } of tails) {
            for (const { bytes, baseOffset } of chunks) {
              if (baseOffset >= startOffset) expect(bytes[0]).toBe(baseOffset % 256);
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
