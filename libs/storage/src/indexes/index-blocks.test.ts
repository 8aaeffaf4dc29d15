import { describe, expect, it } from "vitest";
import { INDEX_BLOCK_BYTES, type IndexBlock, IndexBlocks, IndexFileBlocks } from "./index-blocks.ts";

const MEBIBYTE = 1024 * 1024;
/** How many are kept. */
const KEPT = MEBIBYTE / INDEX_BLOCK_BYTES;

const block = (): IndexBlock => ({ entries: new DataView(new ArrayBuffer(INDEX_BLOCK_BYTES)), count: 1 });

describe("the blocks of all index files", () => {
  it("are kept up to a megabyte, and the one unused for longest goes", () => {
    const shared = new IndexBlocks();
    const [one, other] = [new IndexFileBlocks(shared), new IndexFileBlocks(shared)];
    one.set(0, block());
    one.set(1, block());
    for (let number = 2; number < KEPT; number++) other.set(number, block());
    expect(shared.keptBytes).toBe(MEBIBYTE);
    one.get(0);
    other.set(KEPT, block());
    expect(shared.keptBytes).toBe(MEBIBYTE);
    expect(one.get(1)).toBeUndefined();
    expect(one.get(0)).toBeDefined();
    other.set(KEPT + 1, block());
    expect(other.get(2)).toBeUndefined();
    expect(other.get(3)).toBeDefined();
  });

  it("are forgotten with their file, and count no more", () => {
    const shared = new IndexBlocks();
    const [one, other] = [new IndexFileBlocks(shared), new IndexFileBlocks(shared)];
    one.set(0, block());
    one.set(1, block());
    other.set(0, block());
    one.set(0, block());
    expect(shared.keptBytes).toBe(3 * INDEX_BLOCK_BYTES);
    one.clear();
    expect(one.get(0)).toBeUndefined();
    expect(other.get(0)).toBeDefined();
    expect(shared.keptBytes).toBe(INDEX_BLOCK_BYTES);
  });
});
