import { batchSizeAt, checkBatchIntegrity } from "@ottla/protocol/internal";
import { describe, expect, it } from "vitest";
import type { SegmentedLog } from "../log/segmented-log.ts";
import { appendAll, COMPACTED, closeSegment, contents, keyed } from "../test-support/compaction.ts";
import { copyDisk, FaultyDisk, fileNames, writeFile } from "../test-support/disks.ts";
import { append, type Fixture, openFixture, openLog, readAll } from "../test-support/fixture.ts";

const ROUNDS = 8;

/** A log of several segments, to be compacted into fewer. */
async function dirtyLog(
  options: Parameters<typeof openFixture>[0] = {},
): Promise<{ fixture: Fixture; log: SegmentedLog }> {
  const fixture = await openFixture({ ...options, config: { ...COMPACTED, segmentBytes: 800, ...options?.config } });
  const log = await openLog(fixture);
  for (let round = 0; round < ROUNDS; round++)
    await appendAll(log, `a=${round} b=${round}`, `c=${round} once${round}=1`);
  await closeSegment(log);
  return { fixture, log };
}

/** The latest value of each key, as a table built from all records of the log. Offsets must rise on the way. */
async function tableOf(log: SegmentedLog): Promise<Record<string, string>> {
  const table: Record<string, string> = {};
  let previous = -1;
  for (const record of await contents(log)) {
    const [offset, pair] = record.split(":");
    expect(Number(offset)).toBeGreaterThan(previous);
    previous = Number(offset);
    const [key, value] = pair!.split("=");
    table[key!] = value!;
  }
  return table;
}

const EXPECTED = {
  a: "7",
  b: "7",
  c: "7",
  ...Object.fromEntries(Array.from({ length: ROUNDS }, (_, i) => [`once${i}`, "1"])),
};

describe("compaction that a crash interrupts", () => {
  it("leaves one whole log, whichever operation of the disk was the last", async () => {
    let crashes = 0;
    for (let operations = 0; ; operations++) {
      const disk = new FaultyDisk();
      const { fixture, log } = await dirtyLog({ disk });
      const endOffset = log.logEndOffset;
      let remaining = operations;
      let hasCrashed = false;
      disk.fault = (operation) => {
        if (operation === "open") return hasCrashed ? "IO" : null;
        hasCrashed ||= remaining-- === 0;
        return hasCrashed ? "IO" : null;
      };
      await fixture.manager.compactDirtiest();
      const left = await copyDisk(disk);
      const reopened = await openFixture({ disk: left, config: { ...COMPACTED, segmentBytes: 800 } });
      const recovered = await openLog(reopened);
      expect(await tableOf(recovered)).toEqual(EXPECTED);
      expect(recovered.logEndOffset).toBe(endOffset);
      const names = await fileNames(left, recovered.directory);
      expect(names.filter((name) => /cleaned|swap|deleted/.test(name))).toEqual([]);
      // It goes on as if nothing had been, and a second pass comes to its end.
      await append(recovered, keyed("a=8"));
      await closeSegment(recovered);
      await reopened.manager.compactDirtiest();
      expect(await tableOf(recovered)).toEqual({ ...EXPECTED, a: "8" });
      if (!hasCrashed) break;
      crashes++;
    }
    // Four files a group written, synced and renamed twice, and the sources renamed: no step was left out.
    expect(crashes).toBeGreaterThan(40);
  });
});

describe("compaction that fails", () => {
  it("leaves the partition as it was, marks it uncleanable, and the others are compacted", async () => {
    const { fixture, log } = await dirtyLog();
    const other = await openLog(fixture, "other");
    await appendAll(other, "a=1", "a=2");
    await closeSegment(other);
    const path = `${log.directory}/00000000000000000000.log`;
    const bytes = (await fixture.disk.readFile(path)).slice();
    bytes[70]! ^= 1;
    await writeFile(fixture.disk, path, bytes);
    while (await fixture.manager.compactDirtiest());
    expect(fixture.manager.isUncleanable(log)).toBe(true);
    expect(await contents(other)).toEqual(["1:a=2"]);
    const names = await fileNames(fixture.disk, log.directory);
    expect(names.filter((name) => name.endsWith(".cleaned"))).toEqual([]);
    await append(log, keyed("a=9"));
  });

  it("tries again later when the disk was full", async () => {
    const disk = new FaultyDisk();
    const { fixture, log } = await dirtyLog({ disk });
    disk.fault = (operation, path) => (operation === "write" && path.endsWith(".cleaned") ? "NO_SPACE" : null);
    await fixture.manager.compactDirtiest();
    expect(fixture.manager.isUncleanable(log)).toBe(false);
    expect(await tableOf(log)).toEqual(EXPECTED);
    disk.fault = () => null;
    expect(await fixture.manager.compactDirtiest()).toBe(true);
    expect(await contents(log)).toHaveLength(Object.keys(EXPECTED).length);
  });

  it.each(["truncated", "closed", "deleted"])("is given up when the log is %s", async (what) => {
    const { fixture, log } = await dirtyLog({ cleaner: () => ({ ioMaxBytesPerSecond: 10_000 }) });
    const done = fixture.manager.compactDirtiest();
    await fixture.runtime.settle();
    expect(log.compactor.isRunning).toBe(true);
    const end =
      what === "truncated"
        ? log.truncateTo(4)
        : what === "closed"
          ? fixture.manager.close()
          : fixture.manager.delete("topic", 0);
    await fixture.runtime.advance(60_000);
    await Promise.all([done, end]);
    expect(fixture.manager.isUncleanable(log)).toBe(false);
    if (what === "truncated") expect(await contents(log)).toEqual(["0:a=0", "1:b=0", "2:c=0", "3:once0=1"]);
  });
});

describe("readers during compaction", () => {
  it("lose nothing, though the sources' files go at once", async () => {
    const { fixture, log } = await dirtyLog({ tailMemoryBytes: 0, maxOpenFiles: 1, config: { fileDeleteDelayMs: 0 } });
    const endOffset = log.logEndOffset;
    const state = { isDone: false };
    const reader = async () => {
      let rounds = 0;
      while (!state.isDone || rounds === 0) {
        expect(await tableOf(log)).toEqual(EXPECTED);
        rounds++;
        // Everything is in memory: without a turn of the event loop nobody else would come to anything.
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    };
    const readers = [reader(), reader(), reader()];
    const timers = setInterval(() => void fixture.runtime.advance(1), 1);
    while (await fixture.manager.compactDirtiest());
    await fixture.runtime.advance(10);
    state.isDone = true;
    await Promise.all(readers);
    clearInterval(timers);
    expect(log.logEndOffset).toBe(endOffset);
  });

  it("holds what it holds: bytes read before stay the same after", async () => {
    const { fixture, log } = await dirtyLog({ config: { fileDeleteDelayMs: 0 } });
    const read = await log.read(0, { maxBytes: 1e6, minOneBatch: true, limit: "logEnd" });
    const before = read.chunks.map((chunk) => chunk.slice());
    while (await fixture.manager.compactDirtiest());
    await fixture.runtime.advance(10);
    await readAll(log);
    expect(read.chunks).toEqual(before);
    for (const chunk of read.chunks) {
      for (let at = 0; at < chunk.length; at += batchSizeAt(chunk, at))
        expect(checkBatchIntegrity(chunk, at)).toBeNull();
    }
    read.release();
  });
});
