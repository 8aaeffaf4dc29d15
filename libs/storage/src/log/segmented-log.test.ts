import { assignOffsets, checkBatchIntegrity, isLogAppendTimeAt, maxTimestampAt } from "@ottla/protocol/internal";
import { createMemoryDisk, type Disk, type WriteOptions } from "@ottla/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { OffsetOutOfRange } from "../log-errors.ts";
import { decodeProducerSnapshot } from "../producers/producer-snapshot.ts";
import { batch, concat, offsetsOf, sequenced } from "../test-support/batches.ts";
import { bothDisks, fileNames, removeTemporaryDirectories } from "../test-support/disks.ts";
import { append, openFixture, openLog, READ_ALL, readAll, START_MS } from "../test-support/fixture.ts";

afterEach(removeTemporaryDirectories);

describe.each(bothDisks)("a partition log on a %s disk", (_name, createDisk) => {
  it("assigns offsets at once and counts them when they are written", async () => {
    const fixture = await openFixture({ disk: createDisk() });
    const log = await openLog(fixture);
    const first = log.appendAsLeader(batch({ count: 3 }), { leaderEpoch: 4, origin: "client" });
    const second = log.appendAsLeader(batch({ count: 2 }), { leaderEpoch: 4, origin: "client" });
    expect([first.baseOffset, first.lastOffset, second.baseOffset, second.lastOffset]).toEqual([0, 2, 3, 4]);
    expect(log.logEndOffset).toBe(0);
    await second.written;
    expect([log.logStartOffset, log.highWatermark, log.logEndOffset]).toEqual([0, 0, 5]);
    expect(log.latestLeaderEpoch).toBe(4);
    await fixture.manager.close();
  });

  it("tells listeners of each move, before the append's promise settles", async () => {
    const fixture = await openFixture({ disk: createDisk() });
    const log = await openLog(fixture);
    const seen: string[] = [];
    const unsubscribe = log.onAdvance(() => seen.push(`${log.highWatermark}/${log.logEndOffset}`));
    await append(log, batch({ count: 3 })).then(() => seen.push("written"));
    log.setHighWatermark(2);
    log.setHighWatermark(2);
    unsubscribe();
    log.setHighWatermark(3);
    expect(seen).toEqual(["0/3", "written", "2/3"]);
    await fixture.manager.close();
  });

  it("keeps the high watermark within the log", async () => {
    const fixture = await openFixture({ disk: createDisk() });
    const log = await openLog(fixture);
    await append(log, batch({ count: 3 }));
    log.setHighWatermark(99);
    expect(log.highWatermark).toBe(3);
    log.setHighWatermark(-5);
    expect(log.highWatermark).toBe(0);
    await fixture.manager.close();
  });

  it("reads at the tail without copying", async () => {
    const fixture = await openFixture({ disk: createDisk() });
    const log = await openLog(fixture);
    const bytes = batch({ count: 3, valueBytes: 1000 });
    await append(log, bytes);
    const read = log.read(0, READ_ALL);
    expect(read).not.toBeInstanceOf(Promise);
    expect((await read).chunks[0]!.buffer).toBe(bytes.buffer);
    expect(offsetsOf(await read)).toEqual([[0, 2]]);
    await fixture.manager.close();
  });

  it("gives all who read at the tail slices of the same buffer: a batch is there once, whoever waits for it", async () => {
    const fixture = await openFixture({ disk: createDisk() });
    const log = await openLog(fixture);
    const bytes = batch({ count: 3, valueBytes: 1000 });
    await append(log, bytes);
    const [one, other] = [await log.read(0, READ_ALL), await log.read(0, READ_ALL)];
    for (const { chunks } of [one, other]) expect(chunks.map(({ buffer }) => buffer)).toEqual([bytes.buffer]);
    expect(other.chunks[0]!.buffer).toBe(one.chunks[0]!.buffer);
    expect(other.chunks[0]!.byteOffset).toBe(one.chunks[0]!.byteOffset);
    await fixture.manager.close();
  });

  it("has its records after it was closed and opened again", async () => {
    const disk = createDisk();
    const fixture = await openFixture({ disk });
    const log = await openLog(fixture);
    for (let i = 0; i < 10; i++) await append(log, batch({ count: 5, valueBytes: 1000 }), i);
    log.setHighWatermark(40);
    const before = await readAll(log);
    await fixture.manager.close();
    const again = await openFixture({ disk });
    const reopened = again.manager.get("topic", 0)!;
    expect([reopened.logEndOffset, reopened.highWatermark, reopened.latestLeaderEpoch]).toEqual([50, 40, 9]);
    expect(reopened.topicId).toBe(log.topicId);
    expect(Buffer.compare(await readAll(reopened), before)).toBe(0);
    await append(reopened, batch());
    expect(reopened.logEndOffset).toBe(51);
    await again.manager.close();
  });

  it.each([0, 1024 ** 2])(
    "rolls segments and reads across them, with %i bytes of tail in memory",
    async (tailMemoryBytes) => {
      const disk = createDisk();
      const fixture = await openFixture({
        disk,
        tailMemoryBytes,
        config: { segmentBytes: 4096, indexIntervalBytes: 256 },
      });
      const log = await openLog(fixture);
      const appended: Uint8Array[] = [];
      for (let i = 0; i < 50; i++) {
        appended.push(batch({ count: 2, valueBytes: 100 }));
        await append(log, appended[i]!);
      }
      expect(log.sizeBytes).toBe(concat(appended).length);
      expect(Buffer.compare(await readAll(log), concat(appended))).toBe(0);
      const names = await fileNames(disk, "/data/topic-0");
      expect(names.filter((name) => name.endsWith(".log")).length).toBeGreaterThan(3);
      for (let offset = 0; offset < 100; offset++) {
        const read = await log.read(offset, { ...READ_ALL, maxBytes: 1 });
        expect(offsetsOf(read)).toEqual([[offset - (offset % 2), offset - (offset % 2) + 1]]);
        read.release();
      }
      await fixture.manager.close();
    },
  );

  it("bounds reads by bytes and by the limit, in whole batches", async () => {
    const disk = createDisk();
    for (const tailMemoryBytes of [0, 1024 ** 2]) {
      const fixture = await openFixture({ disk, tailMemoryBytes });
      const log = await openLog(fixture, `topic-${tailMemoryBytes}`);
      const batches = [3, 3, 3].map((count) => batch({ count }));
      for (const bytes of batches) await append(log, bytes);
      const size = batches[0]!.length;
      const read = async (offset: number, options: object) => {
        const found = await log.read(offset, { ...READ_ALL, ...options });
        const offsets = offsetsOf(found).map(([base]) => base);
        expect(found.sizeBytes).toBe(offsets.length * size);
        found.release();
        return offsets;
      };
      expect(await read(0, { maxBytes: size * 2 })).toEqual([0, 3]);
      expect(await read(0, { maxBytes: size * 2 - 1 })).toEqual([0]);
      expect(await read(0, { maxBytes: size - 1 })).toEqual([0]);
      expect(await read(0, { maxBytes: size - 1, minOneBatch: false })).toEqual([]);
      expect(await read(4, { maxBytes: size * 5 })).toEqual([3, 6]);
      expect(await read(0, { limit: "highWatermark" })).toEqual([]);
      log.setHighWatermark(6);
      expect(await read(0, { limit: "highWatermark" })).toEqual([0, 3]);
      expect(await read(8, { limit: "highWatermark" })).toEqual([]);
      log.setHighWatermark(5);
      expect(await read(0, { limit: "highWatermark" })).toEqual([0]);
      expect(await read(9, {})).toEqual([]);
      await fixture.manager.close();
    }
  });

  it("refuses to read outside of the log", async () => {
    const fixture = await openFixture({ disk: createDisk() });
    const log = await openLog(fixture);
    await append(log, batch({ count: 3 }));
    expect(() => log.read(4, READ_ALL)).toThrow(OffsetOutOfRange);
    expect(() => log.read(-1, READ_ALL)).toThrow(OffsetOutOfRange);
    await fixture.manager.close();
    expect(() => log.read(0, READ_ALL)).toThrow(expect.objectContaining({ name: "LogUnavailable", errno: 6 }));
    expect(() => log.appendAsLeader(batch(), { leaderEpoch: 0, origin: "client" })).toThrow(
      expect.objectContaining({ name: "AppendRejected", errno: 6 }),
    );
  });
});

describe("a follower's append", () => {
  it("begins at once, and says that it is waited for; a leader's is gathered with others of its turn", async () => {
    const disk = createMemoryDisk();
    const fixture = await openFixture({ disk });
    const deferred: (() => void)[] = [];
    const writes: (boolean | undefined)[] = [];
    noteWrites(disk, (options) => writes.push(options?.isAwaited));
    const log = await openLog(fixture);
    fixture.runtime.timers.defer = (callback) => void deferred.push(callback);
    const bytes = batch({ count: 2 });
    assignOffsets(bytes, 0, 0, 0);
    await log.appendAsFollower(bytes).written;
    expect([log.logEndOffset, writes, deferred.length]).toEqual([2, [true], 0]);
    const asLeader = [batch(), batch()].map((one) => log.appendAsLeader(one, { leaderEpoch: 1, origin: "client" }));
    expect([log.logEndOffset, writes.length, deferred.length]).toEqual([2, 1, 1]);
    deferred.forEach((callback) => void callback());
    await Promise.all(asLeader.map(({ written }) => written));
    expect([log.logEndOffset, writes]).toEqual([4, [true, false]]);
    await fixture.manager.close();
  });

  /** Files of logs that are opened from now on. */
  function noteWrites(disk: Disk, note: (options: WriteOptions | undefined) => void): void {
    const open = disk.open.bind(disk);
    disk.open = async (path, options) => {
      const file = await open(path, options);
      const write = file.write.bind(file);
      if (path.endsWith(".log")) {
        file.write = (chunks, position, how) => {
          note(how);
          return write(chunks, position, how);
        };
      }
      return file;
    };
  }
});

describe("rolling", () => {
  const segmentsAfter = async (config: object, appends: { batches: Uint8Array; afterMs?: number }[]) => {
    const fixture = await openFixture({ config });
    const log = await openLog(fixture);
    for (const { batches, afterMs = 0 } of appends) {
      await fixture.runtime.advance(afterMs);
      await append(log, batches);
    }
    const names = await fileNames(fixture.disk, "/data/topic-0");
    await fixture.manager.close();
    return names.filter((name) => name.endsWith(".log")).map((name) => Number(name.slice(0, -4)));
  };
  const size = batch().length;

  it("happens before a segment would exceed segment.bytes", async () => {
    const appends = [{ batches: batch() }, { batches: batch() }, { batches: batch() }];
    expect(await segmentsAfter({ segmentBytes: 2 * size }, appends)).toEqual([0, 2]);
    expect(await segmentsAfter({ segmentBytes: 2 * size - 1 }, appends)).toEqual([0, 1, 2]);
    expect(await segmentsAfter({ segmentBytes: 3 * size }, appends)).toEqual([0]);
  });

  it("happens when records come segment.ms after the segment's first", async () => {
    const at = (timestampMs: number) => ({ batches: batch({ timestampMs }) });
    const config = { segmentMs: 1000, messageTimestampAfterMaxMs: Number.POSITIVE_INFINITY };
    expect(await segmentsAfter(config, [at(5000), at(6000), at(6001), at(6002)])).toEqual([0, 2]);
    expect(await segmentsAfter(config, [at(5000), at(100), at(5001)])).toEqual([0]);
  });

  it("counts segment.ms from the first batch of several in an append, and of a segment that is found on disk", async () => {
    const at = (timestampMs: number) => batch({ timestampMs });
    const config = { segmentMs: 1000, messageTimestampAfterMaxMs: Number.POSITIVE_INFINITY };
    expect(await segmentsAfter(config, [{ batches: concat([at(5000), at(5900)]) }, { batches: at(6001) }])).toEqual([
      0, 2,
    ]);
    const fixture = await openFixture({ config });
    await append(await openLog(fixture), concat([at(5000), at(5900)]));
    await fixture.manager.close();
    const again = await openFixture({ disk: fixture.disk, config });
    await append(again.manager.get("topic", 0)!, at(6000));
    expect(again.manager.get("topic", 0)!.segmentCount).toBe(1);
    await append(again.manager.get("topic", 0)!, at(6001));
    expect(again.manager.get("topic", 0)!.segmentCount).toBe(2);
    await again.manager.close();
  });

  it("happens within max.compaction.lag.ms where the log is compacted, and the smaller of the two counts", async () => {
    const at = (timestampMs: number) => ({ batches: batch({ timestampMs }) });
    const appends = [at(5000), at(5500), at(6001), at(7001)];
    const lag = {
      segmentMs: 1_000_000,
      maxCompactionLagMs: 1000,
      messageTimestampAfterMaxMs: Number.POSITIVE_INFINITY,
    };
    expect(await segmentsAfter({ ...lag, cleanupPolicy: ["compact"] }, appends)).toEqual([0, 2]);
    expect(await segmentsAfter({ ...lag, cleanupPolicy: ["compact", "delete"] }, appends)).toEqual([0, 2]);
    expect(await segmentsAfter({ ...lag, cleanupPolicy: ["delete"] }, appends)).toEqual([0]);
    expect(await segmentsAfter({ ...lag, segmentMs: 400, cleanupPolicy: ["compact"] }, appends)).toEqual([0, 1, 2, 3]);
  });

  it("goes by the clock where records have no timestamp", async () => {
    const bare = () => batch({ timestampMs: -1 });
    const appends = [{ batches: bare() }, { batches: bare(), afterMs: 1000 }, { batches: bare(), afterMs: 1 }];
    expect(await segmentsAfter({ segmentMs: 1000 }, appends)).toEqual([0, 2]);
  });

  it("happens when the time index has room for its last entry only", async () => {
    const appends = Array.from({ length: 8 }, (_, i) => ({ batches: batch({ timestampMs: START_MS + i }) }));
    expect(await segmentsAfter({ segmentIndexBytes: 36, indexIntervalBytes: 0 }, appends)).toEqual([0, 3, 6]);
  });

  it("happens when the offset index is full", async () => {
    // One timestamp has one entry of the time index, however many batches have it.
    const appends = Array.from({ length: 11 }, () => ({ batches: batch() }));
    expect(await segmentsAfter({ segmentIndexBytes: 39, indexIntervalBytes: 0 }, appends)).toEqual([0, 5, 10]);
  });

  it("happens before an offset is too far from the segment's first for its indexes", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    for (const baseOffset of [0, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 5]) {
      const bytes = batch();
      assignOffsets(bytes, 0, baseOffset, 0);
      await log.appendAsFollower(bytes).written;
    }
    const names = await fileNames(fixture.disk, "/data/topic-0");
    await fixture.manager.close();
    expect(names.filter((name) => name.endsWith(".log"))).toEqual([
      "00000000000000000000.log",
      "00000000002147483648.log",
    ]);
  });

  it("takes a jitter off segment.ms that the seed determines", async () => {
    const at = (timestampMs: number) => ({ batches: batch({ timestampMs }) });
    const appends = Array.from({ length: 20 }, (_, i) => at(100 * i));
    const rolled = await segmentsAfter({ segmentMs: 1000, segmentJitterMs: 1000 }, appends);
    expect(rolled.length).toBeGreaterThan(2);
    expect(await segmentsAfter({ segmentMs: 1000, segmentJitterMs: 1000 }, appends)).toEqual(rolled);
  });

  it("makes an index entry for every index.interval.bytes, no more", async () => {
    const fixture = await openFixture({ config: { indexIntervalBytes: 4 * size } });
    const log = await openLog(fixture);
    for (let i = 0; i < 50; i++) await append(log, batch({ timestampMs: START_MS + i }));
    await fixture.manager.close();
    const index = await fixture.disk.readFile("/data/topic-0/00000000000000000000.index");
    const offsets = Array.from({ length: index.length / 8 }, (_, i) => new DataView(index.buffer).getInt32(8 * i));
    // The batch after more than 4 others since the last entry has the next one.
    expect(offsets).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45]);
    const timeIndex = await fixture.disk.readFile("/data/topic-0/00000000000000000000.timeindex");
    expect(timeIndex.length / 12).toBe(offsets.length + 1);
  });

  it("leaves a snapshot of the producers as they were before the new segment", async () => {
    const fixture = await openFixture({ config: { segmentBytes: 2 * sequenced({ producerId: 1 }, 0).length } });
    const log = await openLog(fixture);
    for (let i = 0; i < 6; i++) await append(log, sequenced({ producerId: 1 }, i));
    await fixture.runtime.settle();
    for (const base of [2, 4]) {
      const snapshot = await fixture.disk.readFile(`/data/topic-0/0000000000000000000${base}.snapshot`);
      expect(decodeProducerSnapshot(snapshot, 0)[0]!.batches.at(-1)).toMatchObject({ lastSequence: base - 1 });
    }
    await fixture.manager.close();
  });

  it("keeps appends of one turn in order across a roll", async () => {
    const fixture = await openFixture({ config: { segmentBytes: 3 * size } });
    const log = await openLog(fixture);
    const appends = Array.from({ length: 10 }, () => log.appendAsLeader(batch(), { leaderEpoch: 0, origin: "client" }));
    await Promise.all(appends.map((one) => one.written));
    expect(appends.map((one) => one.baseOffset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(offsetsOf(await log.read(0, READ_ALL)).length).toBe(10);
    const bytes = await readAll(log);
    expect(bytes.length).toBe(10 * size);
    await fixture.manager.close();
  });
});

describe("message.timestamp.type=LogAppendTime", () => {
  it("stamps batches with the broker's time and a valid CRC", async () => {
    const fixture = await openFixture({ config: { messageTimestampType: "LogAppendTime" } });
    const log = await openLog(fixture);
    await fixture.runtime.advance(500);
    const appended = await append(log, batch({ count: 3, timestampMs: 5 }));
    expect(appended.logAppendTimeMs).toBe(START_MS + 500);
    const bytes = await readAll(log);
    expect(isLogAppendTimeAt(bytes, 0)).toBe(true);
    expect(maxTimestampAt(bytes, 0)).toBe(START_MS + 500);
    expect(checkBatchIntegrity(bytes, 0)).toBeNull();
    expect(await log.offsetForTimestamp(START_MS + 500, "logEnd")).toMatchObject({ offset: 0 });
    await fixture.manager.close();
  });

  it("says -1 for CreateTime, and repeats nothing for a duplicate", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    expect((await append(log, sequenced({ producerId: 1 }, 0))).logAppendTimeMs).toBe(-1);
    await fixture.manager.close();
  });
});
