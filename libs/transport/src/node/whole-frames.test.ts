import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RequestFrames } from "../server/contract.ts";
import { concat, patternBytes } from "../test-support/support.ts";
import { maskedMessage, unmaskedMessage } from "./websocket-frames.ts";
import { WholeFrames } from "./whole-frames.ts";

const KEY = Uint8Array.of(1, 2, 3, 4);
const MIB = 1024 * 1024;

const masked = (sizeBytes: number) => concat([maskedMessage([patternBytes(sizeBytes)], sizeBytes, KEY)]);

/** What is delivered of `chunks`, and what memory was asked for. */
function deliveries(chunks: readonly Uint8Array[]) {
  const gathered: Uint8Array[] = [];
  const memory: RequestFrames = {
    gather: (_before, sizeBytes) => {
      gathered.push(new Uint8Array(sizeBytes));
      return gathered.at(-1)!;
    },
    hold() {},
    release() {},
  };
  const delivered: Uint8Array[] = [];
  const frames = new WholeFrames(memory, (bytes) => delivered.push(bytes));
  for (const chunk of chunks) frames.take(chunk);
  return { delivered, gathered };
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    if (at + size < bytes.length) chunks.push(bytes.slice(at, at + size));
    at = Math.min(at + size, bytes.length);
  }
  return [...chunks, bytes.slice(chunks.reduce((sum, chunk) => sum + chunk.length, 0))];
}

describe("frames of a WebSocket", () => {
  test("that lie within a chunk are delivered together, where they are", () => {
    const chunk = concat([0, 5, 126, 70_000].map(masked));
    const { delivered, gathered } = deliveries([chunk]);
    expect(delivered).toHaveLength(1);
    expect(delivered[0]!.buffer).toBe(chunk.buffer);
    expect(gathered).toEqual([]);
  });

  test("that span chunks are delivered whole, in the memory that is used again, and the chunks are freed", () => {
    const frame = masked(150_000);
    const chunks = cut(frame, [64 * 1024, 64 * 1024]);
    const { delivered, gathered } = deliveries(chunks);
    expect(gathered).toHaveLength(1);
    expect(delivered).toHaveLength(1);
    expect(delivered[0]).toBe(gathered[0]);
    expect(Buffer.compare(delivered[0]!, frame)).toBe(0);
    expect(chunks.map((chunk) => chunk.byteLength)).toEqual([0, 0, 0]);
  });

  test("a chunk that holds whole ones too is not freed", () => {
    const [small, large] = [masked(20_000), masked(100_000)];
    const chunks = cut(concat([small, large]), [64 * 1024]);
    const { delivered } = deliveries(chunks);
    expect(delivered).toHaveLength(2);
    expect(Buffer.compare(delivered[0]!, small)).toBe(0);
    expect(Buffer.compare(delivered[1]!, large)).toBe(0);
    expect(chunks.map((chunk) => chunk.byteLength)).toEqual([64 * 1024, 0]);
  });

  test("of more than a mebibyte are delivered as they come: announcing them costs nothing", () => {
    const frame = masked(2 * MIB);
    const { delivered, gathered } = deliveries(cut(frame, [5, MIB]));
    expect(gathered).toEqual([]);
    expect(Buffer.compare(concat(delivered), frame)).toBe(0);
  });

  test("may be cut anywhere: the bytes stay the same, and no frame is in two pieces (property)", () => {
    const size = fc.oneof(fc.nat(140), fc.nat(70_000), fc.constantFrom(125, 126, 65_535, 65_536));
    const frame = fc.record({ size, isMasked: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 6 }),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 40_000 })), { maxLength: 30 }),
        (shapes, sizes) => {
          const frames = shapes.map(({ size, isMasked }) =>
            isMasked ? masked(size) : concat(unmaskedMessage([patternBytes(size)], size)),
          );
          const { delivered } = deliveries(cut(concat(frames), sizes));
          expect(Buffer.compare(concat(delivered), concat(frames))).toBe(0);
          const ends = new Set(frames.map((_, i) => concat(frames.slice(0, i + 1)).length));
          let at = 0;
          for (const each of delivered) {
            at += each.length;
            expect(ends).toContain(at);
          }
        },
      ),
    );
  });
});
