import { createMemoryDisk } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import type { SegmentedLog } from "../log/segmented-log.ts";
import { batch, concat } from "../test-support/batches.ts";
import { COMPACTED, closeSegment, contents, keyed } from "../test-support/compaction.ts";
import { append, type Fixture, openFixture, openLog, READ_ALL } from "../test-support/fixture.ts";
import { BufferPool } from "./buffer-pool.ts";
import { CHUNK_OVERHEAD_BYTES, Tail, TailMemory } from "./tail.ts";

const KIB = 1024;

function chunk(offset: number, bytes: Uint8Array) {
  return { bytes, baseOffset: offset, lastOffset: offset };
}

describe("the memory of tails", () => {
  it("counts what slices pin: a whole buffer, once however many slices it has", () => {
    const memory = new TailMemory(1000 * KIB);
    const [one, two] = [new Tail(memory), new Tail(memory)];
    const socketChunk = new Uint8Array(64 * KIB);
    one.add(chunk(0, socketChunk.subarray(0, 100)));
    two.add(chunk(0, socketChunk.subarray(100, 200)));
    one.add(chunk(1, socketChunk.subarray(200, 300)));
    expect(memory.pinnedBytes).toBe(64 * KIB + 3 * CHUNK_OVERHEAD_BYTES);
    one.clear();
    expect(memory.pinnedBytes).toBe(64 * KIB + CHUNK_OVERHEAD_BYTES);
    two.clear();
    expect(memory.pinnedBytes).toBe(0);
  });

  it("lets the oldest chunks of all tails go when there is too much", () => {
    const memory = new TailMemory(3 * (KIB + CHUNK_OVERHEAD_BYTES));
    const [one, two] = [new Tail(memory), new Tail(memory)];
    one.add(chunk(0, new Uint8Array(KIB)));
    two.add(chunk(0, new Uint8Array(KIB)));
    one.add(chunk(1, new Uint8Array(KIB)));
    expect([one.startOffset, two.startOffset]).toEqual([0, 0]);
    one.add(chunk(2, new Uint8Array(KIB)));
    expect([one.startOffset, two.startOffset]).toEqual([1, 0]);
    one.add(chunk(3, new Uint8Array(2 * KIB)));
    expect([one.startOffset, two.startOffset]).toEqual([2, Number.POSITIVE_INFINITY]);
    expect(memory.pinnedBytes).toBe(3 * KIB + 2 * CHUNK_OVERHEAD_BYTES);
  });

  it("holds nothing larger than itself", () => {
    const memory = new TailMemory(KIB);
    const tail = new Tail(memory);
    tail.add(chunk(0, new Uint8Array(2 * KIB)));
    expect([memory.pinnedBytes, tail.startOffset]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  it("keeps its books over clears, evictions and tens of thousands of chunks", () => {
    const memory = new TailMemory(100 * KIB);
    const tails = Array.from({ length: 7 }, () => new Tail(memory));
    for (let i = 0; i < 30_000; i++) {
      tails[i % 7]!.add(chunk(i, new Uint8Array(KIB)));
      if (i % 1009 === 0) tails[(i * 5) % 7]!.clear();
      expect(memory.pinnedBytes).toBeLessThanOrEqual(100 * KIB);
    }
    for (let tail = 0; tail < 7; tail++) {
      const { startOffset, chunks } = tails[tail]!;
      expect(chunks[tails[tail]!.indexOf(startOffset)]?.baseOffset ?? Number.POSITIVE_INFINITY).toBe(startOffset);
    }
    for (const tail of tails) tail.clear();
    expect(memory.pinnedBytes).toBe(0);
  });
});

describe("the buffer pool", () => {
  it("gives the same memory again, up to what it may keep", () => {
    const pool = new BufferPool(100 * KIB);
    const first = pool.acquire(50 * KIB);
    expect(first.length).toBe(50 * KIB);
    expect(pool.lentBytes).toBeGreaterThanOrEqual(50 * KIB);
    pool.release(first);
    expect(pool.lentBytes).toBe(0);
    expect(pool.acquire(49 * KIB).buffer).toBe(first.buffer);
    const others = [pool.acquire(60 * KIB), pool.acquire(60 * KIB)];
    for (const buffer of others) pool.release(buffer);
    expect(pool.retainedBytes).toBeLessThanOrEqual(100 * KIB);
  });

  it("keeps what was asked for lately", () => {
    const pool = new BufferPool(100 * KIB);
    const large = pool.acquire(90 * KIB);
    const small = [pool.acquire(30 * KIB), pool.acquire(30 * KIB)];
    pool.release(large);
    for (const buffer of small) pool.release(buffer);
    const again = [pool.acquire(30 * KIB), pool.acquire(30 * KIB)].map(({ buffer }) => buffer);
    expect(new Set(again)).toEqual(new Set(small.map(({ buffer }) => buffer)));
    expect(pool.acquire(90 * KIB).buffer).not.toBe(large.buffer);
  });

  it("wastes at most a quarter of what was asked for", () => {
    const pool = new BufferPool(0);
    for (let size = 32 * KIB; size < 4096 * KIB; size += 37_777) {
      const buffer = pool.acquire(size);
      expect(buffer.buffer.byteLength).toBeLessThanOrEqual(size * 1.25);
      pool.release(buffer);
    }
  });
});

describe("what a reader holds", () => {
  const config = {
    ...COMPACTED,
    cleanupPolicy: ["compact", "delete"] as const,
    retentionBytes: -1,
    fileDeleteDelayMs: 10,
  };

  it.each<[string, (fixture: Fixture, log: SegmentedLog) => Promise<void>]>([
    [
      "retention",
      async ({ runtime }, log) => {
        log.updateConfig({ ...log.config, retentionBytes: 1 });
        await runtime.advance(300_000);
        expect(log.logStartOffset).toBeGreaterThan(2);
      },
    ],
    [
      "DeleteRecords",
      async ({ runtime }, log) => {
        await log.advanceLogStartOffset(log.highWatermark);
        await runtime.advance(300_000);
        expect(log.segmentCount).toBe(1);
      },
    ],
    [
      "compaction",
      async ({ manager, runtime }, log) => {
        expect(await manager.compactDirtiest()).toBe(true);
        await runtime.advance(60_000);
        expect(await contents(log)).not.toContain("0:a=1");
      },
    ],
    ["truncation", (_, log) => log.truncateFullyAndStartAt(100)],
    ["the deletion of the topic", ({ manager }) => manager.delete("topic", 0)],
  ])("survives %s, from disk and from memory, and is counted until it is given back", async (_, act) => {
    for (const tailMemoryBytes of [0, 1_000_000]) {
      const fixture = await openFixture({ tailMemoryBytes, config });
      const log = await openLog(fixture);
      for (const batch of ["a=1", "b=1", "a=2", "b=2", "a=3"]) await append(log, keyed(batch));
      await closeSegment(log);
      const held = await log.read(0, { ...READ_ALL, maxBytes: 150 });
      const [before, lentBytes] = [concat(held.chunks), fixture.manager.resources().lentReadBytes];
      expect(lentBytes > 0).toBe(tailMemoryBytes === 0);
      // And one that is under way.
      const reading = Promise.resolve(log.read(0, READ_ALL));
      await act(fixture, log);
      await fixture.runtime.advance(60_000);
      // Whoever reads now must not be given the same memory.
      const other = await openLog(fixture, "other");
      for (let i = 0; i < 10; i++) await append(other, keyed(`x=${"y".repeat(200)}`));
      for (let i = 0; i < 3; i++) (await other.read(0, READ_ALL)).release();
      expect(Buffer.compare(concat(held.chunks), before)).toBe(0);
      const late = await reading;
      expect(Buffer.compare(concat(late.chunks).subarray(0, before.length), before)).toBe(0);
      for (const read of [held, late]) read.release();
      expect(fixture.manager.resources().lentReadBytes).toBe(0);
      await fixture.manager.close();
    }
  });
});

describe("reads", () => {
  it("come from memory as long as it lasts, and from disk before that, with the same result", async () => {
    const fixture = await openFixture({ tailMemoryBytes: 8 * KIB });
    const log = await openLog(fixture);
    const appended: Uint8Array[] = [];
    for (let i = 0; i < 20; i++) {
      appended.push(batch({ valueBytes: 900 }));
      await append(log, appended[i]!);
    }
    expect(log.read(19, READ_ALL)).not.toBeInstanceOf(Promise);
    expect(log.read(0, READ_ALL)).toBeInstanceOf(Promise);
    for (let offset = 0; offset < 20; offset++) {
      const read = await log.read(offset, READ_ALL);
      expect(Buffer.compare(concat(read.chunks), concat(appended.slice(offset)))).toBe(0);
      read.release();
      read.release();
    }
    await fixture.manager.close();
  });

  it("that wait for the disk hold up no append, and no read of what is in memory", async () => {
    const disk = createMemoryDisk();
    const waiting: (() => void)[] = [];
    const open = disk.open.bind(disk);
    disk.open = async (path, options) => {
      const file = await open(path, options);
      const read = file.read.bind(file);
      file.read = async (target, position) => {
        if (path.endsWith(".log")) await new Promise<void>((resolve) => waiting.push(resolve));
        return await read(target, position);
      };
      return file;
    };
    const fixture = await openFixture({ disk, tailMemoryBytes: 8 * KIB });
    const log = await openLog(fixture);
    for (let i = 0; i < 20; i++) await append(log, batch({ valueBytes: 900 }));
    const reads = [0, 1, 2, 3].map((offset) => log.read(offset, READ_ALL));
    await expect.poll(() => waiting.length).toBe(4);
    for (let i = 0; i < 20; i++) await append(log, batch({ valueBytes: 900 }));
    expect(log.logEndOffset).toBe(40);
    expect((await log.read(39, READ_ALL)).sizeBytes).toBeGreaterThan(0);
    expect(waiting.length).toBe(4);
    for (const letGo of waiting) letGo();
    for (const read of await Promise.all(reads)) {
      expect(read.sizeBytes).toBeGreaterThan(0);
      read.release();
    }
    await fixture.manager.close();
  });

  it("give every pooled buffer back, also those that find nothing", async () => {
    const fixture = await openFixture({ tailMemoryBytes: 0 });
    const log = await openLog(fixture);
    for (let i = 0; i < 5; i++) await append(log, batch({ valueBytes: 900 }));
    log.setHighWatermark(2);
    const small = await log.read(0, { maxBytes: 10, minOneBatch: false, limit: "logEnd" });
    expect(small.chunks).toEqual([]);
    const held = [await log.read(0, READ_ALL), await log.read(1, { ...READ_ALL, limit: "highWatermark" })];
    expect(fixture.manager.resources().lentReadBytes).toBeGreaterThan(0);
    for (const read of held) read.release();
    await log.offsetForMaxTimestamp();
    expect(fixture.manager.resources().lentReadBytes).toBe(0);
    await fixture.manager.close();
  });
});
