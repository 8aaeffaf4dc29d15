import {
  createMemoryDisk,
  createSimulatedRuntime,
  type DiskError,
  type DiskErrorCode,
  silentLogger,
} from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyDirectory } from "../inspect/verify.ts";
import { batch, concat, sequenced } from "../test-support/batches.ts";
import { copyDisk, FaultyDisk, type Operation } from "../test-support/disks.ts";
import { append, type Fixture, openFixture, openLog, READ_ALL, readAll, START_MS } from "../test-support/fixture.ts";
import type { SegmentedLog } from "./segmented-log.ts";

const STORAGE_ERROR = 56;
const client = { leaderEpoch: 0, origin: "client" } as const;

class RecordingLogger {
  readonly errors: string[] = [];
  readonly debugEnabled = false;
  error = (message: string) => void this.errors.push(message);
  warn = silentLogger.warn;
  info = silentLogger.info;
  debug = silentLogger.debug;
  child = () => this;
}

function fail(): never {
  throw new Error("what runs in the background rejects nothing");
}

const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown) => void unhandled.push(reason);

beforeEach(() => void process.on("unhandledRejection", noteUnhandled));

afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", noteUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

function failing(operation: Operation, pattern: RegExp, code: DiskErrorCode) {
  return (asked: Operation, path: string) => (asked === operation && pattern.test(path) ? code : null);
}

describe("a full disk", () => {
  it("refuses appends, keeps serving reads, and is used again once there is space", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk, tailMemoryBytes: 0 });
    const log = await openLog(fixture);
    await append(log, batch({ count: 2 }));
    const before = await readAll(log);
    disk.fault = failing("write", /\.log$/, "NO_SPACE");
    disk.tornBytes = 70;
    await expect(append(log, batch({ count: 2 }))).rejects.toMatchObject({ name: "DiskError", code: "NO_SPACE" });
    expect([log.logEndOffset, log.sizeBytes]).toEqual([2, before.length]);
    expect(Buffer.compare(await readAll(log), before)).toBe(0);
    await expect(append(log, batch({ count: 2 }))).rejects.toMatchObject({ code: "NO_SPACE" });
    disk.fault = () => null;
    expect((await append(log, batch({ count: 2 }))).baseOffset).toBe(2);
    await fixture.manager.close();
    const again = await openFixture({ disk });
    expect(again.manager.get("topic", 0)!.logEndOffset).toBe(4);
    await again.manager.close();
  });

  it.each([0, 1])("leaves nothing of a torn write in the log, with %i appends after it", async (appends) => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk });
    const log = await openLog(fixture);
    await append(log, batch());
    disk.fault = failing("write", /\.log$/, "NO_SPACE");
    disk.tornBytes = 500;
    await expect(append(log, batch({ valueBytes: 1000 }))).rejects.toMatchObject({ code: "NO_SPACE" });
    disk.fault = () => null;
    for (let i = 0; i < appends; i++) await append(log, batch());
    await fixture.manager.close();
    expect((await disk.stat("/data/topic-0/00000000000000000000.log"))?.sizeBytes).toBe((1 + appends) * batch().length);
  });

  it("has what a refused append left cut off for good before another takes its place", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk });
    const log = await openLog(fixture);
    await append(log, batch());
    const path = "/data/topic-0/00000000000000000000.log";
    const done: Operation[] = [];
    const noting = (refused: Operation | null) => (operation: Operation, asked: string) => {
      if (asked === path) done.push(operation);
      return asked === path && operation === refused ? "NO_SPACE" : null;
    };
    disk.fault = noting("write");
    disk.tornBytes = batch().length;
    await expect(append(log, batch())).rejects.toMatchObject({ code: "NO_SPACE" });
    disk.fault = noting(null);
    await append(log, batch());
    expect(done).toEqual(["write", "truncate", "sync", "write"]);
    await fixture.manager.close();
  });

  it("takes back offsets, sequences and epochs of everything that was queued", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk });
    const log = await openLog(fixture);
    await append(log, sequenced({ producerId: 1 }, 0));
    disk.fault = failing("write", /\.log$/, "NO_SPACE");
    const lost = [1, 2, 3].map((sequence) =>
      log.appendAsLeader(sequenced({ producerId: 1 }, sequence), { leaderEpoch: 1, origin: "client" }),
    );
    const repeated = log.appendAsLeader(sequenced({ producerId: 1 }, 3), { leaderEpoch: 1, origin: "client" });
    expect(repeated.isDuplicate).toBe(true);
    for (const one of [...lost, repeated]) await expect(one.written).rejects.toMatchObject({ code: "NO_SPACE" });
    expect([log.logEndOffset, log.latestLeaderEpoch]).toEqual([1, 0]);
    disk.fault = () => null;
    const retried = await append(log, sequenced({ producerId: 1 }, 1), 1);
    expect([retried.isDuplicate, retried.baseOffset]).toEqual([false, 1]);
    expect(await append(log, sequenced({ producerId: 1 }, 0), 1)).toMatchObject({ isDuplicate: true, baseOffset: 0 });
    await fixture.manager.close();
  });

  it("while a segment rolls loses nothing, and the roll is made up for", async () => {
    for (const [operation, pattern] of [
      ["write", /\.index$/],
      ["write", /\.snapshot$/],
      ["open", /00001\.log$/],
    ] as const) {
      const disk = new FaultyDisk();
      const fixture = await openFixture({ disk, config: { segmentBytes: batch().length, indexIntervalBytes: 0 } });
      const log = await openLog(fixture);
      await append(log, batch());
      disk.fault = failing(operation, pattern, "NO_SPACE");
      await append(log, batch()).catch(() => {});
      disk.fault = () => null;
      const { baseOffset } = await append(log, batch());
      expect(await readAll(log)).toHaveLength((baseOffset + 1) * batch().length);
      await fixture.manager.close();
      const again = await openFixture({ disk, config: fixture.config });
      expect(again.manager.get("topic", 0)!.logEndOffset).toBe(baseOffset + 1);
      await again.manager.close();
    }
  });

  it("leaves nothing of an index that could not be saved, where a truncation comes before it is saved again", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk, config: { segmentBytes: 10_000, indexIntervalBytes: 0 } });
    const log = await openLog(fixture);
    for (let i = 0; i < 3; i++) await append(log, batch({ timestampMs: START_MS + i }));
    disk.fault = failing("write", /\.(index|timeindex)$/, "NO_SPACE");
    disk.tornBytes = 9;
    await expect(log.flush()).rejects.toMatchObject({ code: "NO_SPACE" });
    disk.fault = () => null;
    await log.truncateTo(1);
    await fixture.manager.close();
    expect((await verifyDirectory(disk, "/data")).damages).toEqual([]);
  });

  it("is what the memory disk is at its capacity", async () => {
    const fixture = await openFixture({ disk: createMemoryDisk({ capacityBytes: 300_000 }) });
    const log = await openLog(fixture);
    const big = () => batch({ valueBytes: 50_000 });
    let written = 0;
    await expect(
      (async () => {
        for (;;) {
          await append(log, big());
          written++;
        }
      })(),
    ).rejects.toMatchObject({ code: "NO_SPACE" });
    expect(written).toBeGreaterThan(2);
    await log.truncateTo(1);
    expect((await append(log, big())).baseOffset).toBe(1);
    await fixture.manager.close();
  });
});

describe("a failing disk", () => {
  it("rejects what is in flight and queued, and takes the log offline", async () => {
    const disk = new FaultyDisk();
    const failures: string[] = [];
    const fixture = await openFixture({ disk, onDiskFailure: (error) => failures.push(error.code) });
    const log = await openLog(fixture);
    await append(log, batch());
    disk.fault = failing("write", /\.log$/, "IO");
    const lost = [log.appendAsLeader(batch(), client), log.appendAsLeader(batch(), client)];
    for (const one of lost) await expect(one.written).rejects.toMatchObject({ name: "DiskError", code: "IO" });
    disk.fault = () => null;
    expect(() => log.appendAsLeader(batch(), client)).toThrow(expect.objectContaining({ errno: STORAGE_ERROR }));
    expect([log.logEndOffset, log.isOffline]).toEqual([1, true]);
    expect(() => log.read(0, READ_ALL)).toThrow(expect.objectContaining({ errno: STORAGE_ERROR }));
    expect(failures).toEqual(["IO"]);
    await fixture.manager.close();
    const again = await openFixture({ disk });
    expect(again.manager.get("topic", 0)!.logEndOffset).toBe(1);
    await again.manager.close();
  });

  it.each<[string, Operation, RegExp, (log: SegmentedLog, fixture: Fixture) => Promise<unknown>]>([
    ["a write", "write", /bad-0\/.*log$/, (log) => append(log, batch())],
    ["a sync", "sync", /bad-0\/.*log$/, (log) => log.flush()],
    ["a read", "read", /bad-0\/.*log$/, async (log) => await log.read(0, READ_ALL)],
    ["a lookup by time", "read", /bad-0\/.*log$/, (log) => log.offsetForTimestamp(START_MS, "logEnd")],
    ["a truncation", "truncate", /bad-0\/.*log$/, (log) => log.truncateTo(1)],
    ["an epoch's checkpoint", "write", /bad-0\/leader-epoch/, (log) => log.assignLeaderEpoch(7)],
    ["DeleteRecords", "write", /log-start-offset-checkpoint/, (log) => log.advanceLogStartOffset(1)],
    ["a checkpoint", "rename", /replication-offset/, (_, { runtime }) => runtime.advance(5_000).then(() => fail())],
  ])(
    "that fails %s takes all logs of its directory offline, and says so in one line",
    async (_, operation, path, act) => {
      const disk = new FaultyDisk();
      const failures: DiskError[] = [];
      const runtime = createSimulatedRuntime(1, { startMs: START_MS, logger: new RecordingLogger() });
      const fixture = await openFixture({ disk, runtime, tailMemoryBytes: 0, onDiskFailure: (e) => failures.push(e) });
      const [bad, good] = [await openLog(fixture, "bad"), await openLog(fixture, "good")];
      for (const log of [bad, good]) {
        for (let i = 0; i < 3; i++) await append(log, batch());
        log.setHighWatermark(3);
      }
      let told = 0;
      good.onAdvance(() => told++);
      disk.fault = failing(operation, path, "IO");
      await expect(act(bad, fixture)).rejects.toThrow();
      disk.fault = () => null;
      expect([bad.isOffline, good.isOffline, told]).toEqual([true, true, 1]);
      expect(failures).toEqual([fixture.manager.failure]);
      for (const log of [bad, good]) {
        const offline = expect.objectContaining({ errno: STORAGE_ERROR });
        expect(() => log.appendAsLeader(batch(), client)).toThrow(offline);
        expect(() => log.read(0, READ_ALL)).toThrow(offline);
        await expect(log.offsetForTimestamp(0, "logEnd")).rejects.toEqual(offline);
        await expect(log.offsetForMaxTimestamp()).rejects.toEqual(offline);
        await expect(log.advanceLogStartOffset(2)).rejects.toEqual(offline);
        await expect(log.truncateTo(1)).rejects.toEqual(offline);
      }
      await expect(openLog(fixture, "new")).rejects.toMatchObject({ errno: STORAGE_ERROR });
      await fixture.manager.delete("good", 0);
      await runtime.advance(600_000);
      expect((runtime.logger as RecordingLogger).errors).toHaveLength(1);
      await fixture.manager.close();
      expect(runtime.pendingTimers).toBe(0);
      expect(await disk.stat("/data/.kafka_cleanshutdown")).toBeNull();
      const again = await openFixture({ disk });
      expect(["bad", "good"].map((topic) => again.manager.get(topic, 0)!.logEndOffset)).toEqual([3, 3]);
      await again.manager.close();
    },
  );

  it("never counts a failed sync as durable", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk, config: { flushMessages: 1 } });
    const log = await openLog(fixture);
    await append(log, batch());
    disk.fault = failing("sync", /\.log$/, "IO");
    await expect(append(log, batch())).rejects.toMatchObject({ code: "IO" });
    disk.fault = () => null;
    expect(() => log.appendAsLeader(batch(), client)).toThrow(expect.objectContaining({ errno: STORAGE_ERROR }));
    await fixture.manager.close();
  });

  it("that cannot close a log leaves no mark of a clean shutdown, but lets go of the lock", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk });
    const [bad, good] = [await openLog(fixture, "bad"), await openLog(fixture, "good")];
    await Promise.all([append(bad, batch()), append(good, batch())]);
    disk.fault = failing("sync", /bad-0/, "IO");
    await expect(fixture.manager.close()).rejects.toMatchObject({ code: "IO" });
    disk.fault = () => null;
    expect(await disk.stat("/data/.kafka_cleanshutdown")).toBeNull();
    const again = await openFixture({ disk });
    expect([again.manager.get("bad", 0)!.logEndOffset, again.manager.get("good", 0)!.logEndOffset]).toEqual([1, 1]);
    await again.manager.close();
  });
});

describe("group commit", () => {
  it("writes what one turn appends in one go, and what comes meanwhile in the next", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk });
    const log = await openLog(fixture);
    disk.counts.write = 0;
    const first = Array.from({ length: 50 }, () => log.appendAsLeader(batch(), client));
    await Promise.all(first.map((one) => one.written));
    expect(disk.counts.write).toBe(1);
    await append(log, batch());
    expect(disk.counts.write).toBe(2);
    await fixture.manager.close();
  });

  it("syncs once for all that wait, and only where flush.messages asks for it", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk, config: { flushMessages: 1 } });
    const log = await openLog(fixture);
    await append(log, batch());
    disk.counts.sync = 0;
    const appends = Array.from({ length: 20 }, () => log.appendAsLeader(batch(), client));
    await Promise.all(appends.map((one) => one.written));
    expect(disk.counts.sync).toBe(1);
    log.updateConfig({ ...fixture.config, flushMessages: 5 });
    disk.counts.sync = 0;
    for (let i = 0; i < 10; i++) await append(log, batch());
    expect(disk.counts.sync).toBe(2);
    log.updateConfig({ ...fixture.config, flushMessages: Number.POSITIVE_INFINITY });
    disk.counts.sync = 0;
    for (let i = 0; i < 10; i++) await append(log, batch());
    expect(disk.counts.sync).toBe(0);
    await fixture.manager.close();
  });

  it("makes the names of new segments durable before it acknowledges with flush.messages=1", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk, config: { flushMessages: 1, segmentBytes: batch().length } });
    const log = await openLog(fixture);
    for (let i = 0; i < 3; i++) {
      const before = disk.counts.syncDirectory;
      await append(log, batch());
      expect(disk.counts.syncDirectory).toBeGreaterThan(before);
    }
    await fixture.manager.close();
  });

  it("syncs in the background flush.ms after a write, without holding anything up", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk, config: { flushMs: 100 } });
    const log = await openLog(fixture);
    disk.counts.sync = 0;
    await append(log, batch());
    await fixture.runtime.advance(99);
    expect([disk.counts.sync, log.recoveryPoint]).toEqual([0, 0]);
    await fixture.runtime.advance(1);
    expect(disk.counts.sync).toBeGreaterThan(0);
    expect(log.recoveryPoint).toBe(1);
    disk.counts.sync = 0;
    await fixture.runtime.advance(1000);
    expect(disk.counts.sync).toBe(0);
    await fixture.manager.close();
  });

  it("has on disk, with flush.messages=1, everything that it acknowledged", async () => {
    const fixture = await openFixture({ config: { flushMessages: 1, segmentBytes: 300 } });
    const log = await openLog(fixture);
    const acknowledged: Uint8Array[] = [];
    for (let i = 0; i < 8; i++) {
      const bytes = batch({ count: 2 });
      await append(log, bytes);
      acknowledged.push(bytes);
      await fixture.runtime.settle();
      const again = await openFixture({ disk: await copyDisk(fixture.disk), config: fixture.config });
      expect(Buffer.compare(await readAll(again.manager.get("topic", 0)!), concat(acknowledged))).toBe(0);
      await again.manager.close();
    }
    await fixture.manager.close();
  });
});

describe("a sync that fails", () => {
  const small = { segmentBytes: 10 * batch().length, indexIntervalBytes: 0 };

  it("because an index could not be opened is made up for by the next flush", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk, config: small, maxOpenFiles: 0 });
    const log = await openLog(fixture);
    for (let i = 0; i < 5; i++) await append(log, batch());
    const synced: string[] = [];
    let opened = 0;
    // The first opening is for the write that comes before the sync.
    disk.fault = (operation, path) => {
      if (operation === "sync" && path.endsWith(".index")) synced.push(path);
      return operation === "open" && path.endsWith(".index") && ++opened === 2 ? "TOO_MANY_OPEN_FILES" : null;
    };
    await expect(log.flush()).rejects.toMatchObject({ code: "TOO_MANY_OPEN_FILES" });
    expect([synced, log.recoveryPoint, log.isOffline]).toEqual([[], 0, false]);
    await log.flush();
    expect([synced.length, log.recoveryPoint]).toEqual([1, 5]);
    await fixture.manager.close();
  });

  it.each([".log", ".index", ".timeindex"])(
    "of a %s file takes the directory offline, whatever it failed by",
    async (suffix) => {
      const disk = new FaultyDisk();
      const fixture = await openFixture({ disk, config: small });
      const log = await openLog(fixture);
      for (let i = 0; i < 5; i++) await append(log, batch({ timestampMs: START_MS + i }));
      disk.fault = (operation, path) => (operation === "sync" && path.endsWith(suffix) ? "NO_SPACE" : null);
      await expect(log.flush()).rejects.toMatchObject({ name: "DiskError" });
      expect([log.isOffline, log.recoveryPoint, fixture.manager.failure?.code]).toEqual([true, 0, "IO"]);
      await fixture.manager.close();
    },
  );

  it("of the log's names leaves them unsynced until it has ended well, and those that are made meanwhile for the next", async () => {
    const before = await openFixture({ config: small });
    const written = await openLog(before);
    for (let i = 0; i < 25; i++) await append(written, batch());
    written.setHighWatermark(25);
    await written.advanceLogStartOffset(20);
    await written.deleteExpired();
    const disk = new FaultyDisk(await copyDisk(before.disk));
    const fixture = await openFixture({ disk, config: small });
    const log = fixture.manager.get("topic", 0)!;
    expect([log.logStartOffset, log.needsStartCheckpoint]).toEqual([20, true]);
    const seen: boolean[] = [];
    disk.fault = (operation) => {
      if (operation === "syncDirectory") seen.push(log.needsStartCheckpoint);
      return null;
    };
    await log.flush();
    expect([[...new Set(seen)], log.needsStartCheckpoint]).toEqual([[true], false]);
    await fixture.manager.close();
  });
});

it("records that could not be deleted are not told to be, when it is tried again on a disk that is as full", async () => {
  const disk = new FaultyDisk();
  const fixture = await openFixture({ disk });
  const log = await openLog(fixture);
  for (let i = 0; i < 2; i++) await append(log, batch({ count: 3 }));
  log.setHighWatermark(6);
  disk.fault = (operation, path) =>
    operation === "write" && path.includes("log-start-offset-checkpoint") ? "NO_SPACE" : null;
  for (let i = 0; i < 2; i++) await expect(log.advanceLogStartOffset(3)).rejects.toThrow("on purpose");
  expect(log.logStartOffset).toBe(0);
  disk.fault = () => null;
  await log.advanceLogStartOffset(3);
  const again = await openFixture({ disk: await copyDisk(disk) });
  expect(again.manager.get("topic", 0)?.logStartOffset).toBe(3);
  await fixture.manager.close();
});
