import { assignOffsets, baseOffsetAt, batchSizeAt } from "@ottla/protocol/internal";
import type { Disk } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { batch, concat, marker, sequenced } from "../test-support/batches.ts";
import { copyDisk, FaultyDisk, fileNames, readText } from "../test-support/disks.ts";
import { append, openFixture, openLog, readAll } from "../test-support/fixture.ts";

/** A batch as a follower gets it: with its leader's offsets and epoch. */
function placed(baseOffset: number, count: number, leaderEpoch = 0): Uint8Array {
  const bytes = batch({ count });
  assignOffsets(bytes, 0, baseOffset, leaderEpoch);
  return bytes;
}

describe("a follower's log", () => {
  it("keeps offsets, gaps and epochs as the leader gave them", async () => {
    const fixture = await openFixture({ tailMemoryBytes: 0 });
    const log = await openLog(fixture);
    const batches = [placed(5, 2, 1), placed(7, 1, 1), placed(20, 3, 4)];
    await log.appendAsFollower(concat(batches.slice(0, 2))).written;
    await log.appendAsFollower(batches[2]!).written;
    expect([log.logEndOffset, log.highWatermark, log.latestLeaderEpoch]).toEqual([23, 0, 4]);
    expect(Buffer.compare(await readAll(log), concat(batches))).toBe(0);
    expect(log.endOffsetForEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 20 });
    const read = await log.read(10, { maxBytes: 1000, minOneBatch: true, limit: "logEnd" });
    expect(baseOffsetAt(read.chunks[0]!, 0)).toBe(20);
    read.release();
    await fixture.manager.close();
  });

  it("leaves the bytes to its caller once they are written, and keeps what it then appends as leader", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    const batches = [placed(0, 2), batch({ count: 300 }), placed(302, 1), batch({ count: 1 })];
    for (const [index, bytes] of batches.entries()) {
      const given = bytes.slice();
      if (index % 2 === 1) await append(log, given);
      else await log.appendAsFollower(given).written;
      if (index % 2 === 0) given.fill(0xff);
      else bytes.set(given);
    }
    expect(Buffer.compare(await readAll(log), concat(batches))).toBe(0);
    const fromMemory = log.read(303, { maxBytes: 1000, minOneBatch: true, limit: "logEnd" });
    expect(fromMemory).not.toBeInstanceOf(Promise);
    await fixture.manager.close();
  });

  it("learns the epochs of what it has lost and is sent again, though it knows a later one", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await log.appendAsFollower(placed(0, 5, 1)).written;
    // As a broker does that comes back without its last records, and finds itself leading in the metadata.
    await log.assignLeaderEpoch(3);
    await log.appendAsFollower(concat([placed(5, 2, 1), placed(7, 2, 2), placed(9, 1, 4)])).written;
    expect(log.endOffsetForEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 7 });
    expect(log.endOffsetForEpoch(2)).toEqual({ leaderEpoch: 2, endOffset: 9 });
    expect(log.endOffsetForEpoch(3)).toEqual({ leaderEpoch: 2, endOffset: 9 });
    await fixture.manager.close();
  });

  it("refuses what does not follow on its end, and what is damaged", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await log.appendAsFollower(placed(0, 3)).written;
    expect(() => log.appendAsFollower(placed(2, 3))).toThrow(/cannot follow 2/);
    expect(() => log.appendAsFollower(concat([placed(3, 3), placed(5, 1)]))).toThrow(/cannot follow 5/);
    const damaged = placed(3, 1);
    damaged[70]! ^= 1;
    expect(() => log.appendAsFollower(damaged)).toThrow(expect.objectContaining({ errno: 2 }));
    expect(log.logEndOffset).toBe(3);
    await fixture.manager.close();
  });

  it("takes its leader's sequences as they are", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    const first = sequenced({ producerId: 1 }, 40, 1);
    const second = sequenced({ producerId: 1 }, 90, 1);
    assignOffsets(second, 0, 1, 0);
    await log.appendAsFollower(concat([first, second])).written;
    const appended = await append(log, sequenced({ producerId: 1 }, 91, 1));
    expect([appended.baseOffset, appended.isDuplicate]).toEqual([2, false]);
    await fixture.manager.close();
  });
});

describe("truncateTo", () => {
  it("leaves the last stable offset where it is, at every moment", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    const [one, two] = [{ producerId: 1 }, { producerId: 2 }];
    await append(log, sequenced(one, 0, 2, true));
    await log.appendAsLeader(marker(one, "commit"), { leaderEpoch: 0, origin: "control" }).written;
    await append(log, sequenced(two, 0, 1, true));
    for (let i = 0; i < 3; i++) await append(log, batch());
    log.setHighWatermark(6);
    const seen = new Set<number>();
    log.onAdvance(() => seen.add(log.lastStableOffset));
    let isDone = false;
    const truncated = log.truncateTo(6).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      seen.add(log.lastStableOffset);
      await Promise.resolve();
    }
    await truncated;
    expect([log.logEndOffset, [...seen]]).toEqual([6, [3]]);
    await fixture.manager.close();
  });

  it("at the log's end forgets an epoch that began there and wrote nothing", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, batch({ count: 2 }));
    await log.assignLeaderEpoch(7);
    await log.truncateTo(2);
    expect([log.logEndOffset, log.latestLeaderEpoch]).toEqual([2, 0]);
    await fixture.manager.close();
  });

  it("removes every record at or above the offset, from memory and disk, and what was known of them", async () => {
    const fixture = await openFixture({ config: { segmentBytes: 600, indexIntervalBytes: 0 } });
    const log = await openLog(fixture);
    for (let i = 0; i < 20; i++) await append(log, batch({ count: 2, valueBytes: 60 }), i);
    log.setHighWatermark(40);
    const before = await readAll(log);
    await log.truncateTo(14);
    expect([log.logEndOffset, log.highWatermark, log.latestLeaderEpoch]).toEqual([14, 14, 6]);
    const kept = before.subarray(0, 7 * batchSizeAt(before, 0));
    expect(Buffer.compare(await readAll(log), kept)).toBe(0);
    const appended = await append(log, batch(), 30);
    expect(appended.baseOffset).toBe(14);
    const again = await openFixture({ disk: await copyDisk(fixture.disk), config: fixture.config });
    expect(again.manager.get("topic", 0)!.logEndOffset).toBe(15);
    await Promise.all([fixture.manager.close(), again.manager.close()]);
  });

  it.each([1, 2, 3, 4, 5, 6])(
    "leaves no gap where a kill comes in the midst of it (%i files renamed)",
    async (renamed) => {
      const disk = new FaultyDisk();
      const fixture = await openFixture({ disk, config: { segmentBytes: batch({ count: 2 }).length } });
      const log = await openLog(fixture);
      for (let i = 0; i < 5; i++) await append(log, batch({ count: 2 }));
      let left = renamed;
      disk.fault = (operation, path) =>
        operation === "rename" && /log$|index$/.test(path) && left-- <= 0 ? "IO" : null;
      await expect(log.truncateTo(3)).rejects.toThrow();
      const again = await openFixture({ disk: await copyDisk(disk) });
      const found = await readAll(again.manager.get("topic", 0)!);
      const offsets: number[] = [];
      for (let at = 0; at < found.length; at += batchSizeAt(found, at)) offsets.push(baseOffsetAt(found, at));
      expect(offsets).toEqual(offsets.map((_, i) => i * 2));
      expect(offsets.length).toBeGreaterThanOrEqual(1);
      await again.manager.close();
    },
  );

  it("does nothing at or beyond the log end", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, batch({ count: 2 }));
    await log.truncateTo(2);
    await log.truncateTo(50);
    expect(log.logEndOffset).toBe(2);
    await fixture.manager.close();
  });

  it("removes a batch that the offset falls into as a whole", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, batch({ count: 2 }));
    await append(log, batch({ count: 5 }));
    await log.truncateTo(4);
    expect(log.logEndOffset).toBe(2);
    await fixture.manager.close();
  });

  it("below the first segment begins the log anew there", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await log.truncateFullyAndStartAt(100);
    await append(log, batch({ count: 2 }));
    await log.truncateTo(40);
    expect([log.logStartOffset, log.highWatermark, log.logEndOffset]).toEqual([40, 40, 40]);
    await fixture.manager.close();
  });

  it("forgets sequences, transactions and aborts that it removed, and remembers those before", async () => {
    for (const segmentBytes of [200, 1_000_000]) {
      const fixture = await openFixture({ config: { segmentBytes } });
      const log = await openLog(fixture);
      const [one, two] = [{ producerId: 1 }, { producerId: 2 }];
      await append(log, sequenced(one, 0, 1, true));
      await append(log, sequenced(two, 0, 1));
      await append(log, sequenced(two, 1, 1));
      await log.appendAsLeader(marker(one, "abort"), { leaderEpoch: 0, origin: "control" }).written;
      await append(log, sequenced(one, 1, 1, true));
      await log.truncateTo(2);
      log.setHighWatermark(2);
      expect(log.lastStableOffset).toBe(0);
      expect(await append(log, sequenced(two, 1, 1))).toMatchObject({ baseOffset: 2, isDuplicate: false });
      expect(await append(log, sequenced(one, 0, 1, true))).toMatchObject({ isDuplicate: true });
      await log.appendAsLeader(marker(one, "commit"), { leaderEpoch: 0, origin: "control" }).written;
      log.setHighWatermark(4);
      const read = await log.read(0, { maxBytes: 10_000, minOneBatch: true, limit: "lastStable" });
      expect(read.abortedTransactions).toEqual([]);
      read.release();
      await fixture.manager.close();
    }
  });

  it("lowers the recovery point on disk before anything is appended in its place", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    for (let i = 0; i < 10; i++) await append(log, batch());
    await log.flush();
    await fixture.runtime.advance(60_000);
    expect(await readText(fixture.disk, "/data/recovery-point-offset-checkpoint")).toBe("0\n1\ntopic 0 10\n");
    await log.truncateTo(4);
    expect(await readText(fixture.disk, "/data/recovery-point-offset-checkpoint")).toBe("0\n1\ntopic 0 4\n");
    await fixture.manager.close();
  });

  it("lets appends of the same turn go first", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    const appended = log.appendAsLeader(batch({ count: 3 }), { leaderEpoch: 0, origin: "client" });
    await log.truncateTo(0);
    await appended.written;
    expect(log.logEndOffset).toBe(0);
    expect((await append(log, batch())).baseOffset).toBe(0);
    await fixture.manager.close();
  });

  it("makes who reads on find what is written in place of what it has read, also where it read meanwhile", async () => {
    const fixture = await openFixture({ tailMemoryBytes: 0 });
    const log = await openLog(fixture);
    await log.appendAsFollower(concat([placed(0, 1), placed(1, 300), placed(301, 9), placed(310, 9)])).written;
    const size = placed(0, 1).length + placed(1, 300).length + placed(301, 9).length;
    const readUpTo310 = () => log.read(0, { maxBytes: size, minOneBatch: true, limit: "logEnd" });
    (await readUpTo310()).release();
    const meanwhile = readUpTo310();
    await log.truncateTo(1);
    (await meanwhile).release();
    const after = [placed(1, 309, 1), placed(310, 2, 1), placed(312, 3, 1)];
    await log.appendAsFollower(concat(after)).written;
    const read = await log.read(310, { maxBytes: 100_000, minOneBatch: true, limit: "logEnd" });
    expect(Buffer.compare(concat([...read.chunks]), concat(after.slice(1)))).toBe(0);
    read.release();
    await fixture.manager.close();
  });
});

describe("a truncation that comes to no end", () => {
  it("leaves the log its start, where all of it goes and the process is killed", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk, config: { segmentBytes: batch({ count: 2 }).length } });
    const log = await openLog(fixture);
    await log.truncateFullyAndStartAt(500);
    for (let i = 0; i < 3; i++) await append(log, batch({ count: 2 }));
    await log.flush();
    const killed: Disk[] = [];
    const { syncDirectory } = disk;
    disk.syncDirectory = async (path) => {
      await syncDirectory.call(disk, path);
      killed.push(await copyDisk(disk));
    };
    await log.truncateTo(500);
    expect(killed.length).toBeGreaterThan(0);
    for (const left of killed)
      expect((await openFixture({ disk: left })).manager.get("topic", 0)?.logStartOffset).toBe(500);
    expect([log.logStartOffset, log.logEndOffset]).toEqual([500, 500]);
    expect((await append(log, batch())).baseOffset).toBe(500);
    await fixture.manager.close();
  });

  it("has nothing written to the log any more where segments are gone: it would have a gap", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk, config: { segmentBytes: batch({ count: 2 }).length } });
    const log = await openLog(fixture);
    for (let i = 0; i < 5; i++) await append(log, batch({ count: 2 }));
    let left = 1;
    disk.fault = (operation, path) =>
      operation === "rename" && /(log|index)$/.test(path) && left-- <= 0 ? "NO_SPACE" : null;
    await expect(log.truncateTo(3)).rejects.toThrow("on purpose");
    disk.fault = () => null;
    await expect(append(log, batch({ count: 2 }))).rejects.toThrow("offline");
    const found = (await openFixture({ disk: await copyDisk(disk) })).manager.get("topic", 0)!;
    const bytes = await readAll(found);
    let next = 0;
    for (let at = 0; at < bytes.length; at += batchSizeAt(bytes, at), next += 2)
      expect(baseOffsetAt(bytes, at)).toBe(next);
    expect(found.logEndOffset).toBe(next);
  });

  it("holds up nothing of other logs: there is a first segment all the time", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk });
    const [log, other] = [await openLog(fixture), await openLog(fixture, "other")];
    for (const each of [log, other]) {
      await append(each, batch({ count: 3 }));
      each.setHighWatermark(3);
    }
    let release = () => {};
    let isHeld = () => {};
    const held = new Promise<void>((resolve) => {
      isHeld = resolve;
    });
    const { syncDirectory } = disk;
    disk.syncDirectory = async (path) => {
      if (path === "/data/topic-0") {
        isHeld();
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      await syncDirectory.call(disk, path);
    };
    const restarting = log.truncateFullyAndStartAt(100);
    await held;
    await other.advanceLogStartOffset(1);
    disk.syncDirectory = syncDirectory.bind(disk);
    release();
    await restarting;
    expect([log.logStartOffset, other.logStartOffset]).toEqual([100, 1]);
    await fixture.manager.close();
  });
});

describe("truncateFullyAndStartAt", () => {
  it.each([0, 7, 1000])("begins the log anew at %i", async (offset) => {
    const fixture = await openFixture({ config: { segmentBytes: 300, fileDeleteDelayMs: 1000 } });
    const log = await openLog(fixture);
    for (let i = 0; i < 10; i++) await append(log, sequenced({ producerId: 1 }, i));
    log.setHighWatermark(10);
    await log.truncateFullyAndStartAt(offset);
    expect([log.logStartOffset, log.highWatermark, log.logEndOffset, log.latestLeaderEpoch]).toEqual([
      offset,
      offset,
      offset,
      -1,
    ]);
    expect((await append(log, sequenced({ producerId: 1 }, 44))).baseOffset).toBe(offset);
    await fixture.runtime.advance(1000);
    const names = await fileNames(fixture.disk, "/data/topic-0");
    expect(names.filter((name) => name.includes(".deleted"))).toEqual([]);
    expect(names.filter((name) => name.endsWith(".log"))).toEqual([`${String(offset).padStart(20, "0")}.log`]);
    await fixture.manager.close();
    const again = await openFixture({ disk: fixture.disk });
    const reopened = again.manager.get("topic", 0)!;
    expect([reopened.logStartOffset, reopened.logEndOffset]).toEqual([offset, offset + 1]);
    await again.manager.close();
  });
});

describe("assignLeaderEpoch", () => {
  it("marks where a leader begins, durably, before it has written anything", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, batch({ count: 3 }), 0);
    await log.assignLeaderEpoch(5);
    expect(log.latestLeaderEpoch).toBe(5);
    expect(log.endOffsetForEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 3 });
    expect(await readText(fixture.disk, "/data/topic-0/leader-epoch-checkpoint")).toBe("0\n2\n0 0\n5 3\n");
    await fixture.manager.close();
  });
});
