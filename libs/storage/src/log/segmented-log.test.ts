import { describe, expect, it } from "vitest";
import { AppendRejected, OffsetOutOfRange } from "../log-errors.ts";
import { batch, concat, offsetsOf } from "../test-support/batches.ts";
import { append, openFixture, openLog, READ_ALL, readAll } from "../test-support/fixture.ts";

describe("a partition log", () => {
  it("assigns offsets at once and counts them when they are written", async () => {
    const fixture = await openFixture();
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

  it("reads at the tail without copying", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    const bytes = batch({ count: 3 });
    await append(log, bytes);
    const read = log.read(0, READ_ALL);
    expect(read).not.toBeInstanceOf(Promise);
    expect((await read).chunks[0]!.buffer).toBe(bytes.buffer);
    expect(offsetsOf(await read)).toEqual([[0, 2]]);
    await fixture.manager.close();
  });

  it("has its records after it was closed and opened again", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    for (let i = 0; i < 10; i++) await append(log, batch({ count: 5, valueBytes: 1000 }), i);
    log.setHighWatermark(40);
    const before = await readAll(log);
    await fixture.manager.close();
    const again = await openFixture({ disk: fixture.disk });
    const reopened = again.manager.get("topic", 0)!;
    expect([reopened.logEndOffset, reopened.highWatermark, reopened.latestLeaderEpoch]).toEqual([50, 40, 9]);
    expect(reopened.topicId).toBe(log.topicId);
    expect(Buffer.compare(await readAll(reopened), before)).toBe(0);
    await append(reopened, batch());
    expect(reopened.logEndOffset).toBe(51);
    await again.manager.close();
  });

  it("rejects what lies outside", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, batch({ count: 3 }));
    expect(() => log.read(4, READ_ALL)).toThrow(OffsetOutOfRange);
    expect(() => log.read(-1, READ_ALL)).toThrow(OffsetOutOfRange);
    expect(() => log.appendAsLeader(new Uint8Array(0), { leaderEpoch: 0, origin: "client" })).toThrow(AppendRejected);
    await fixture.manager.close();
  });

  it("rolls segments, and reads across them from disk", async () => {
    const fixture = await openFixture({ config: { segmentBytes: 4096, indexIntervalBytes: 256 }, tailMemoryBytes: 0 });
    const log = await openLog(fixture);
    const appended: Uint8Array[] = [];
    for (let i = 0; i < 50; i++) {
      const bytes = batch({ count: 2, valueBytes: 100 });
      appended.push(bytes);
      await append(log, bytes);
    }
    expect(Buffer.compare(await readAll(log), concat(appended))).toBe(0);
    const names = (await fixture.disk.list("/data/topic-0")).map((entry) => entry.name);
    expect(names.filter((name) => name.endsWith(".log")).length).toBeGreaterThan(3);
    for (let offset = 0; offset < 100; offset++) {
      const read = await log.read(offset, { ...READ_ALL, maxBytes: 1 });
      expect(offsetsOf(read)).toEqual([[offset - (offset % 2), offset - (offset % 2) + 1]]);
      read.release();
    }
    await fixture.manager.close();
  });
});
