import { batchSizeAt } from "@ottla/protocol/internal";
import { createMemoryDisk } from "@ottla/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CachedFile, FileCache } from "../files/file-cache.ts";
import { BufferPool } from "../memory/buffer-pool.ts";
import { batch, concat } from "../test-support/batches.ts";
import { scanBatches } from "./batch-scanner.ts";

/** A file of these bytes; `onRead` is told of each read. */
async function fileOf(bytes: Uint8Array, onRead = () => {}): Promise<CachedFile> {
  const disk = createMemoryDisk();
  const file = await disk.open("/log", { create: true });
  await file.write([bytes], 0);
  const read = file.read.bind(file);
  file.read = (target, position) => {
    onRead();
    return read(target, position);
  };
  disk.open = async () => file;
  return new CachedFile(new FileCache(disk, 10), "/log");
}

describe("a scan of batches", () => {
  it("finds all of them, whatever their sizes (property)", async () => {
    const sizes = fc.array(fc.oneof(fc.constant(1), fc.nat(2_000), fc.nat(400_000)), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const batches = lengths.map((length) => batch({ valueBytes: length }));
        const bytes = concat(batches);
        const seen: number[] = [];
        const log = await fileOf(bytes);
        const end = await scanBatches(log, new BufferPool(0), 0, bytes.length, (block, position, sizeBytes) => {
          expect(batchSizeAt(block, position)).toBe(sizeBytes);
          seen.push(sizeBytes);
          return true;
        });
        expect(end).toBe(bytes.length);
        expect(seen).toEqual(batches.map(({ length }) => length));
      }),
      { numRuns: 30 },
    );
  });

  it("looks at a bounded number at once, however small they are", async () => {
    const count = 30_000;
    const bytes = concat(Array(count).fill(batch({ valueBytes: 0 })));
    let atOnce = 0;
    let most = 0;
    let seen = 0;
    const log = await fileOf(bytes, () => {
      atOnce = 0;
    });
    await scanBatches(log, new BufferPool(0), 0, bytes.length, () => {
      most = Math.max(most, ++atOnce);
      seen++;
      return true;
    });
    expect(seen).toBe(count);
    expect(most).toBeLessThanOrEqual(4_096);
  });
});
