import { describe, expect, test } from "vitest";
import { coalesceChunks, OutgoingQueue, settleBatch } from "./outgoing-queue.ts";
import { concat, patternBytes } from "./test-support/support.ts";

describe("coalesceChunks", () => {
  const small = (seed: number) => patternBytes(100, seed);
  const large = patternBytes(5000);

  test.each([
    { name: "nothing", chunks: [], sizes: [] },
    { name: "one small", chunks: [small(1)], sizes: [100] },
    { name: "smalls together", chunks: [small(1), small(2), small(3)], sizes: [300] },
    { name: "large ones alone", chunks: [large, large], sizes: [5000, 5000] },
    {
      name: "runs between large ones",
      chunks: [small(1), small(2), large, small(3), large, small(4), small(5)],
      sizes: [200, 5000, 100, 5000, 200],
    },
  ])("$name", ({ chunks, sizes }) => {
    const coalesced = coalesceChunks([...chunks]);
    expect(coalesced.map((chunk) => chunk.length)).toEqual(sizes);
    expect(concat(coalesced)).toEqual(concat(chunks));
  });

  test("large chunks and lone small ones are referenced, not copied", () => {
    const lone = small(1);
    const [first, second] = coalesceChunks([lone, large]);
    expect(first).toBe(lone);
    expect(second).toBe(large);
  });
});

describe("OutgoingQueue", () => {
  test("ends a batch between writes only, once it holds enough", () => {
    const queue = new OutgoingQueue(250);
    for (let i = 0; i < 4; i++) queue.add([patternBytes(50), patternBytes(50)]);
    queue.add([patternBytes(1000)]);
    expect(queue.sizeBytes).toBe(1400);
    expect(queue.take().map((batch) => batch.sizeBytes)).toEqual([300, 1100]);
    expect(queue.sizeBytes).toBe(0);
    expect(queue.take()).toEqual([]);
  });

  test("tells each writer once how its write ended", () => {
    const queue = new OutgoingQueue();
    const outcomes: string[] = [];
    queue.add([patternBytes(1)], (written) => outcomes.push(`first ${written}`));
    for (const batch of queue.take()) settleBatch(batch, true);
    queue.add([patternBytes(1)], (written) => outcomes.push(`second ${written}`));
    queue.drop();
    queue.drop();
    expect(outcomes).toEqual(["first true", "second false"]);
  });
});
