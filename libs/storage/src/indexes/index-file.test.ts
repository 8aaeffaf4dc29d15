import { createMemoryDisk, type Disk } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { FileCache } from "../files/file-cache.ts";
import { IndexFile } from "./index-file.ts";

const ENTRY_BYTES = 8;
/** Several blocks, the last one not full. */
const COUNT = 3_000;

/** A memory disk that counts how often files are opened and read. */
function countingDisk(): { disk: Disk; reads: () => number } {
  const inner = createMemoryDisk();
  let count = 0;
  const open: Disk["open"] = async (path, options) => {
    count++;
    const file = await inner.open(path, options);
    const readSync = file.readSync.bind(file);
    file.readSync = (target, position) => {
      count++;
      return readSync(target, position);
    };
    return file;
  };
  const disk = new Proxy(inner, {
    get: (target, key) => {
      if (key === "open") return open;
      const member: unknown = Reflect.get(target, key);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  return { disk, reads: () => count };
}

async function saved(files: FileCache, path: string, count: number, numberOf = (index: number) => index * 10) {
  const index = new IndexFile(files, path, ENTRY_BYTES, 0);
  push(index, count, numberOf);
  await index.save();
  return index;
}

function push(index: IndexFile, count: number, numberOf: (index: number) => number): void {
  for (let i = 0; i < count; i++) {
    const entry = index.push();
    entry.setInt32(4, numberOf(index.count - 1));
  }
}

const below = (index: IndexFile, value: number) => index.countWhile((entries, at) => entries.getInt32(at + 4) < value);

describe("what an index keeps of its file in memory", () => {
  it("finds the same as a walk through all entries, saved or not", async () => {
    const files = new FileCache(createMemoryDisk(), 10);
    for (const count of [0, 1, 511, 512, 513, 1_024, 1_300]) {
      const index = await saved(files, `/${count}.index`, count);
      for (const unsaved of [0, 1, 40]) {
        push(index, unsaved, (at) => at * 10);
        for (const at of [0, 1, 510, 511, 512, 513, 1_023, 1_299, index.count - 1, index.count]) {
          for (const value of [at * 10, at * 10 + 1]) {
            const expected = Math.max(0, Math.min(index.count, Math.ceil(value / 10)));
            expect(await below(index, value), `${count} + ${unsaved}, below ${value}`).toBe(expected);
          }
        }
      }
    }
  });

  it("reads a block once, and not at all while it is kept", async () => {
    const { disk, reads } = countingDisk();
    const files = new FileCache(disk, 10);
    const index = await saved(files, "/a.index", COUNT);
    for (let value = 0; value < COUNT * 10; value += 70) await below(index, value);
    const first = reads();
    await index.file.close();
    for (let value = 0; value < COUNT * 10; value += 70) await below(index, value);
    expect(reads()).toBe(first);
    expect(files.indexBlocks.keptBytes).toBe(COUNT * ENTRY_BYTES);
  });

  it("is forgotten where the file is cut, and where nobody looks into it any more", async () => {
    const files = new FileCache(createMemoryDisk(), 10);
    const index = await saved(files, "/a.index", COUNT);
    expect(await below(index, 20_000)).toBe(2_000);
    await index.truncate(1_000);
    expect(files.indexBlocks.keptBytes).toBe(0);
    push(index, 2_000, (at) => at * 1_000);
    await index.save();
    expect(await below(index, 20_000)).toBe(1_000);
    expect((await index.entry(2_999)).getInt32(4)).toBe(2_999_000);
    index.forget();
    expect(files.indexBlocks.keptBytes).toBe(0);
  });

  it("is read anew where entries were added to its block", async () => {
    const files = new FileCache(createMemoryDisk(), 10);
    const index = await saved(files, "/a.index", 10);
    expect(await below(index, 1_000)).toBe(10);
    push(index, 10, (at) => at * 10);
    await index.save();
    expect(await below(index, 1_000)).toBe(20);
    expect(files.indexBlocks.keptBytes).toBe(20 * ENTRY_BYTES);
  });

  it("is a megabyte at most for all indexes together, the last that were used", async () => {
    const { disk, reads } = countingDisk();
    const files = new FileCache(disk, 10);
    const index = await saved(files, "/a.index", 200_000);
    const used = await saved(files, "/b.index", 512);
    await below(used, 1_000);
    for (let at = 0; at < index.count; at += 512) {
      await index.entry(at);
      const before = reads();
      await below(used, 1_000);
      expect(reads()).toBe(before);
      expect(files.indexBlocks.keptBytes).toBeLessThanOrEqual(1024 * 1024);
    }
    expect(files.indexBlocks.keptBytes).toBeGreaterThan(1_000_000);
    expect((await index.entry(5)).getInt32(4)).toBe(50);
  });

  it("gives zeros for an entry that was cut off meanwhile", async () => {
    const index = await saved(new FileCache(createMemoryDisk(), 10), "/a.index", 600);
    await index.truncate(5);
    expect((await index.entry(5)).getInt32(4)).toBe(0);
    expect((await index.entry(599)).getInt32(4)).toBe(0);
  });
});
