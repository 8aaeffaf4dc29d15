import { readRecordBatch } from "@ottla/protocol";
import { batchSizeAt, checkBatchIntegrity } from "@ottla/protocol/internal";
import { createSimulatedDisk, createSimulatedRuntime, type SimulatedDiskOptions, seededRandom } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import type { SegmentedLog } from "../log/segmented-log.ts";
import { appendAll, COMPACTED, closeSegment, contents, keyed } from "../test-support/compaction.ts";
import { copyDisk, FaultyDisk, fileNames, type Operation, writeFile } from "../test-support/disks.ts";
import { append, type Fixture, openFixture, openLog, readAll, START_MS } from "../test-support/fixture.ts";

const ROUNDS = 8;

/** A log of several segments, to be compacted into fewer. */
async function dirtyLog(
  options: Parameters<typeof openFixture>[0] = {},
): Promise<{ fixture: Fixture; log: SegmentedLog }> {
  const fixture = await openFixture({ ...options, config: { ...COMPACTED, segmentBytes: 800, ...options?.config } });
  const log = await openLog(fixture);
  for (let round = 0; round < ROUNDS; round++) {
    const at = { timestampMs: START_MS + round };
    await appendAll(log, keyed(`a=${round} b=${round}`, at), keyed(`c=${round} once${round}=1`, at));
  }
  await closeSegment(log);
  return { fixture, log };
}

/** The cleaner does nothing by itself, so that checkpoints can be written without it. */
const BY_HAND = { cleaner: () => ({ backoffMs: 1e9 }) };

/** Checkpoints say now that all is flushed: a start reads none of it again. */
async function writeCheckpoints(fixture: Fixture): Promise<void> {
  await fixture.runtime.advance(60_000);
}

/** Compacts once, with time for what is tried again. */
async function compactOnce(fixture: Fixture): Promise<boolean> {
  const done = fixture.manager.compactDirtiest();
  await fixture.runtime.advance(1000);
  return await done;
}

/** Looking up each timestamp finds the first record at or after it that reading finds. */
async function expectTrueLookups(log: SegmentedLog): Promise<void> {
  const bytes = await readAll(log);
  for (let round = 0; round < ROUNDS; round++) {
    const timestampMs = START_MS + round;
    let expected: number | undefined;
    for (let at = 0; at < bytes.length && expected === undefined; at += batchSizeAt(bytes, at)) {
      const batch = await readRecordBatch(bytes, at);
      expected = [...batch].find((record) => record.timestampMs >= timestampMs)?.offset;
    }
    expect((await log.offsetForTimestamp(timestampMs, "logEnd"))?.offset, `from ${timestampMs} on`).toBe(expected);
  }
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
      const { fixture, log } = await dirtyLog({ disk, ...BY_HAND });
      await writeCheckpoints(fixture);
      const endOffset = log.logEndOffset;
      let remaining = operations;
      let hasCrashed = false;
      disk.fault = (operation) => {
        if (operation === "open") return hasCrashed ? "IO" : null;
        hasCrashed ||= remaining-- === 0;
        return hasCrashed ? "IO" : null;
      };
      await compactOnce(fixture);
      const left = await copyDisk(disk);
      const reopened = await openFixture({ disk: left, config: { ...COMPACTED, segmentBytes: 800 } });
      const recovered = await openLog(reopened);
      expect(await tableOf(recovered)).toEqual(EXPECTED);
      await expectTrueLookups(recovered);
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

describe("compaction that a power cut interrupts", () => {
  const RUNS = 400;

  /** The log after a power cut in the midst of a compaction, which came at the operation after the next `operations`. */
  async function afterPowerCut(seed: number, operations: number, options: Partial<SimulatedDiskOptions> = {}) {
    const runtime = createSimulatedRuntime(seed, { startMs: START_MS });
    const disk = createSimulatedDisk({ ...runtime, random: seededRandom(seed), ...options });
    const { fixture } = await dirtyLog({ disk, runtime, ...BY_HAND });
    await writeCheckpoints(fixture);
    disk.crashAfter(operations);
    await Promise.race([compactOnce(fixture), disk.stopped]);
    const isOver = disk.stoppedAt === null;
    const reopened = await openFixture({ disk: disk.crash("power"), config: { ...COMPACTED, segmentBytes: 800 } });
    return { log: await openLog(reopened), isOver };
  }

  it("leaves one whole log, whatever of the unsynced is lost", async () => {
    let hasEnded = false;
    for (let run = 0; run < RUNS; run++) {
      const { log, isOver } = await afterPowerCut(run, run % 100);
      hasEnded ||= isOver;
      expect(await tableOf(log), `run ${run}`).toEqual(EXPECTED);
      await expectTrueLookups(log);
    }
    expect(hasEnded).toBe(true);
  });

  it("keeps what the log knows of a producer, though its last batch was not synced yet and is lost", async () => {
    for (let seed = 0; seed < 40; seed++) {
      const runtime = createSimulatedRuntime(seed, { startMs: START_MS });
      const disk = createSimulatedDisk({ ...runtime, random: seededRandom(seed) });
      const fixture = await openFixture({ disk, runtime, ...BY_HAND, config: COMPACTED });
      const log = await openLog(fixture);
      const producer = { producerId: 7, producerEpoch: 0 };
      await append(log, keyed("a=1", { ...producer, baseSequence: 0 }));
      await append(log, keyed("a=2"));
      await closeSegment(log);
      await append(log, keyed("b=1", { ...producer, baseSequence: 1 }));
      await compactOnce(fixture);
      const reopened = await openFixture({ disk: disk.crash("power"), config: COMPACTED });
      const recovered = await openLog(reopened);
      const [known] = recovered.producers();
      expect(known?.lastSequence, `seed ${seed}`).toBeGreaterThanOrEqual(0);
    }
  });

  it.each<[string, SimulatedDiskOptions["ignoresSync"]]>([
    ["the cleaned log", (path, operation) => operation === "sync" && path.endsWith(".log.cleaned")],
    ["the cleaned indexes", (path, operation) => operation === "sync" && /index\.cleaned$/.test(path)],
    ["the names", (path, operation) => operation === "syncDirectory" && path.endsWith("topic-0")],
  ])("would not, if it did not sync %s", async (_, ignoresSync) => {
    const runs = async () => {
      for (let run = 0; run < RUNS; run++) {
        const { log } = await afterPowerCut(run, run % 100, { ignoresSync });
        expect(await tableOf(log)).toEqual(EXPECTED);
        await expectTrueLookups(log);
      }
    };
    await expect(runs()).rejects.toThrow();
  });
});

describe("compaction that fails for a moment", () => {
  it.each<Operation>(["open", "rename", "syncDirectory"])("loses nothing when %s fails once", async (failing) => {
    for (let count = 0; ; count++) {
      const disk = new FaultyDisk();
      const { fixture, log } = await dirtyLog({ disk, maxOpenFiles: 1 });
      let remaining = count;
      let hasFailed = false;
      disk.fault = (operation) => {
        if (operation !== failing || hasFailed) return null;
        hasFailed = remaining-- === 0;
        return hasFailed ? "TOO_MANY_OPEN_FILES" : null;
      };
      await compactOnce(fixture);
      disk.fault = () => null;
      expect(await tableOf(log)).toEqual(EXPECTED);
      await append(log, keyed("a=8"));
      await closeSegment(log);
      // The cleaner comes again by itself, also to a log that has rested after the failure.
      await fixture.runtime.advance(60_000);
      expect(fixture.manager.isUncleanable(log)).toBe(false);
      expect((await contents(log)).filter((record) => /:a=/.test(record))).toHaveLength(1);
      expect(await tableOf(log)).toEqual({ ...EXPECTED, a: "8" });
      const killed = await openFixture({ disk: await copyDisk(disk), config: { ...COMPACTED, segmentBytes: 800 } });
      expect(await tableOf(await openLog(killed))).toEqual({ ...EXPECTED, a: "8" });
      if (!hasFailed) break;
    }
  });

  it("is not tried again without a rest, and does not keep the others waiting", async () => {
    const disk = new FaultyDisk();
    const { fixture } = await dirtyLog({ disk, cleaner: () => ({ backoffMs: 1000 }) });
    const other = await openLog(fixture, "other");
    await appendAll(other, "a=1", "a=2");
    await closeSegment(other);
    let attempts = 0;
    disk.fault = (operation, path) => {
      const fails = operation === "write" && path.includes("/topic-0/") && path.endsWith(".cleaned");
      if (fails) attempts++;
      return fails ? "NO_SPACE" : null;
    };
    await fixture.runtime.advance(5000);
    expect(attempts).toBeGreaterThan(1);
    expect(attempts).toBeLessThanOrEqual(5);
    expect(await contents(other)).toEqual(["1:a=2"]);
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
    await fixture.runtime.advance(15_000);
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
