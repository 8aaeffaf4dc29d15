import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batch, concat, offsetsOf } from "../test-support/batches.ts";
import { openFixture, openLog, READ_ALL } from "../test-support/fixture.ts";
import { GATHERED_BYTES_MAX, gather, SMALL_APPEND_BYTES } from "./gather.ts";

function appendsOf(sizes: readonly number[]) {
  return sizes.map((size, i) => ({ bytes: new Uint8Array(size).fill(i), baseOffset: i, lastOffset: i, isLent: false }));
}

describe("gathering the appends of a group", () => {
  it("leaves appends of ordinary size as they are", () => {
    const appends = appendsOf([5000, 2000, 70_000]);
    expect(gather(appends)).toEqual(appends);
    expect(gather(appends)[0]!.bytes.buffer).toBe(appends[0]!.bytes.buffer);
  });

  it("copies runs of small ones together, around those that are not", () => {
    const chunks = gather(appendsOf([100, 200, 5000, 300, 400, 500, 6000, 100]));
    expect(chunks.map(({ bytes, baseOffset, lastOffset }) => [bytes.length, baseOffset, lastOffset])).toEqual([
      [300, 0, 1],
      [5000, 2, 2],
      [1200, 3, 5],
      [6000, 6, 6],
      [100, 7, 7],
    ]);
  });

  it("copies a small one that pins a large buffer", () => {
    const bytes = new Uint8Array(64 * 1024).subarray(10, 110);
    const chunkOf = (isLent: boolean) => gather([{ bytes, baseOffset: 0, lastOffset: 0, isLent }])[0]!;
    expect(chunkOf(false).bytes.buffer.byteLength).toBe(100);
    expect(chunkOf(true).bytes.buffer, "one that is not kept pins nothing").toBe(bytes.buffer);
  });

  it("keeps all bytes and offsets in order, in bounded chunks", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 2 * SMALL_APPEND_BYTES }), { maxLength: 300 });
    fc.assert(
      fc.property(sizes, (sizes) => {
        const appends = appendsOf(sizes);
        const chunks = gather(appends);
        const bytes = concat(chunks.map((chunk) => chunk.bytes));
        expect(Buffer.compare(bytes, concat(appends.map((append) => append.bytes)))).toBe(0);
        let next = 0;
        for (const chunk of chunks) {
          expect(chunk.baseOffset).toBe(next);
          expect(chunk.bytes.length).toBeLessThanOrEqual(GATHERED_BYTES_MAX);
          next = chunk.lastOffset + 1;
        }
        expect(next).toBe(appends.length);
      }),
    );
  });

  it("gives a reader at the tail one slice for a turn of small appends, from any offset", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    const appends = Array.from({ length: 40 }, () =>
      log.appendAsLeader(batch({ count: 2 }), { leaderEpoch: 0, origin: "client" }),
    );
    await Promise.all(appends.map((one) => one.written));
    for (const offset of [0, 1, 33, 79]) {
      const read = await log.read(offset, READ_ALL);
      expect(read.chunks).toHaveLength(1);
      expect(offsetsOf(read)[0]).toEqual([offset - (offset % 2), offset - (offset % 2) + 1]);
      expect(offsetsOf(read).at(-1)).toEqual([78, 79]);
    }
    await fixture.manager.close();
  });
});
