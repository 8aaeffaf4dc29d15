import { RecordBatchBuilder } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { batch } from "../test-support/batches.ts";
import { append, openFixture, openLog } from "../test-support/fixture.ts";

const anyTime = { messageTimestampAfterMaxMs: Number.POSITIVE_INFINITY };

describe("offsets by time", () => {
  it.each([1_000_000, 300])(
    "finds the first record at or after a time, in segments of %i bytes",
    async (segmentBytes) => {
      const fixture = await openFixture({ config: { ...anyTime, segmentBytes, indexIntervalBytes: 100 } });
      const log = await openLog(fixture);
      // Offset i of the first 60 has timestamp 100 * (i - i % 3) + i % 3.
      for (let i = 0; i < 20; i++) await append(log, batch({ count: 3, timestampMs: 300 * i }), i);
      for (const [timestampMs, offset] of [
        [0, 0],
        [1, 1],
        [2, 2],
        [3, 3],
        [299, 3],
        [300, 3],
        [301, 4],
        [5702, 59],
      ] as const) {
        expect((await log.offsetForTimestamp(timestampMs, "logEnd"))?.offset).toBe(offset);
      }
      expect(await log.offsetForTimestamp(301, "logEnd")).toEqual({ timestampMs: 301, offset: 4, leaderEpoch: 1 });
      expect(await log.offsetForTimestamp(5703, "logEnd")).toBeNull();
      expect(await log.offsetForMaxTimestamp()).toEqual({ timestampMs: 5702, offset: 59, leaderEpoch: 19 });
      await fixture.manager.close();
      const again = await openFixture({ disk: fixture.disk, config: fixture.config });
      const reopened = again.manager.get("topic", 0)!;
      expect((await reopened.offsetForTimestamp(301, "logEnd"))?.offset).toBe(4);
      expect((await reopened.offsetForMaxTimestamp())?.offset).toBe(59);
      await again.manager.close();
    },
  );

  it("goes by what comes first where timestamps are out of order", async () => {
    const fixture = await openFixture({ config: { ...anyTime, indexIntervalBytes: 0 } });
    const log = await openLog(fixture);
    for (const timestampMs of [500, 100, 900, 200, 900]) await append(log, batch({ timestampMs }));
    expect((await log.offsetForTimestamp(150, "logEnd"))?.offset).toBe(0);
    expect((await log.offsetForTimestamp(501, "logEnd"))?.offset).toBe(2);
    expect((await log.offsetForMaxTimestamp())?.offset).toBe(2);
    await fixture.manager.close();
  });

  it("stays below the limit, and at or above the log start", async () => {
    const fixture = await openFixture({ config: anyTime });
    const log = await openLog(fixture);
    for (let i = 0; i < 3; i++) await append(log, batch({ count: 2, timestampMs: 100 * i }));
    log.setHighWatermark(4);
    expect((await log.offsetForTimestamp(100, "highWatermark"))?.offset).toBe(2);
    expect(await log.offsetForTimestamp(200, "highWatermark")).toBeNull();
    expect((await log.offsetForTimestamp(200, "logEnd"))?.offset).toBe(4);
    await log.advanceLogStartOffset(3);
    expect((await log.offsetForTimestamp(0, "logEnd"))?.offset).toBe(3);
    await fixture.manager.close();
  });

  it("is null in an empty log, and where no record has a timestamp", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    expect(await log.offsetForTimestamp(0, "logEnd")).toBeNull();
    expect(await log.offsetForMaxTimestamp()).toBeNull();
    await append(log, batch({ timestampMs: -1 }));
    expect(await log.offsetForTimestamp(0, "logEnd")).toBeNull();
    await fixture.manager.close();
  });

  it("looks into compressed batches", async () => {
    const fixture = await openFixture({ config: anyTime });
    const log = await openLog(fixture);
    const builder = new RecordBatchBuilder();
    for (let i = 0; i < 50; i++) builder.appendAt(i, null, new Uint8Array(20), [], 1000 + i);
    await append(log, await builder.close({ compression: "gzip" }));
    expect((await log.offsetForTimestamp(1033, "logEnd"))?.offset).toBe(33);
    await fixture.manager.close();
  });
});
