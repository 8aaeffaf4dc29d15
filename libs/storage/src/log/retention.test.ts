import { createSimulatedDisk, createSimulatedRuntime, seededRandom } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { batch, offsetsOf } from "../test-support/batches.ts";
import { copyDisk, FaultyDisk, fileNames, readText } from "../test-support/disks.ts";
import { append, type Fixture, openFixture, openLog, READ_ALL, START_MS } from "../test-support/fixture.ts";
import type { SegmentedLog } from "./segmented-log.ts";

const size = batch().length;

/** One record a segment, a second apart, all below the high watermark. */
async function openSegments(config: object, count = 6): Promise<{ fixture: Fixture; log: SegmentedLog }> {
  const fixture = await openFixture({ config: { segmentBytes: size, fileDeleteDelayMs: 10_000, ...config } });
  const log = await openLog(fixture);
  for (let i = 0; i < count; i++) await append(log, batch({ timestampMs: START_MS + 1000 * i }));
  log.setHighWatermark(log.logEndOffset);
  return { fixture, log };
}

const CHECK_MS = 300_000;

describe("retention", () => {
  it("by time deletes whole segments whose youngest record is too old", async () => {
    const { fixture, log } = await openSegments({ retentionMs: CHECK_MS - 3000 });
    await fixture.runtime.advance(CHECK_MS);
    expect([log.logStartOffset, log.logEndOffset]).toEqual([3, 6]);
    await fixture.manager.close();
  });

  it("by time also deletes the segment that is written to, once it is closed", async () => {
    const { fixture, log } = await openSegments({ retentionMs: 1000 });
    await fixture.runtime.advance(CHECK_MS);
    expect([log.logStartOffset, log.logEndOffset, log.sizeBytes]).toEqual([6, 6, 0]);
    expect((await append(log, batch())).baseOffset).toBe(6);
    await fixture.manager.close();
  });

  it("by size keeps at least retention.bytes", async () => {
    const { fixture, log } = await openSegments({ retentionMs: -1, retentionBytes: 3 * size + 1 });
    await fixture.runtime.advance(CHECK_MS);
    expect([log.logStartOffset, log.sizeBytes]).toEqual([2, 4 * size]);
    await fixture.manager.close();
  });

  it.each<[string, object]>([
    ["retention.ms=-1", { retentionMs: -1 }],
    ["cleanup.policy=compact", { cleanupPolicy: ["compact"], retentionMs: 1, retentionBytes: 1 }],
  ])("deletes nothing with %s", async (_name, config) => {
    const { fixture, log } = await openSegments(config);
    await fixture.runtime.advance(CHECK_MS);
    expect(log.logStartOffset).toBe(0);
    await fixture.manager.close();
  });

  it("never deletes what the high watermark has not passed", async () => {
    const { fixture, log } = await openSegments({ retentionMs: 1000 }, 0);
    for (let i = 0; i < 4; i++) await append(log, batch());
    log.setHighWatermark(2);
    await fixture.runtime.advance(CHECK_MS);
    expect([log.logStartOffset, log.highWatermark, log.logEndOffset]).toEqual([2, 2, 4]);
    await fixture.manager.close();
  });

  it("removes files after file.delete.delay.ms, or at the next start", async () => {
    const { fixture } = await openSegments({ retentionMs: CHECK_MS - 3000 });
    await fixture.runtime.advance(CHECK_MS);
    const marked = (await fileNames(fixture.disk, "/data/topic-0")).filter((name) => name.endsWith(".deleted"));
    expect(marked.filter((name) => name.includes(".log."))).toHaveLength(3);
    const left = await copyDisk(fixture.disk);
    const again = await openFixture({ disk: left, config: fixture.config });
    expect(again.manager.get("topic", 0)!.logStartOffset).toBe(3);
    expect((await fileNames(left, "/data/topic-0")).some((name) => name.endsWith(".deleted"))).toBe(false);
    await fixture.runtime.advance(10_000);
    expect((await fileNames(fixture.disk, "/data/topic-0")).some((name) => name.endsWith(".deleted"))).toBe(false);
    await Promise.all([fixture.manager.close(), again.manager.close()]);
  });

  it("pulls nothing away from a reader", async () => {
    const fixture = await openFixture({
      tailMemoryBytes: 0,
      config: { segmentBytes: size, retentionMs: 1000, fileDeleteDelayMs: 0 },
    });
    const log = await openLog(fixture);
    for (let i = 0; i < 3; i++) await append(log, batch());
    log.setHighWatermark(3);
    const held = await log.read(1, READ_ALL);
    const begun = log.read(2, READ_ALL);
    await fixture.runtime.advance(CHECK_MS);
    await fixture.runtime.advance(1);
    expect(log.logStartOffset).toBe(3);
    expect(offsetsOf(held)).toEqual([[1, 1]]);
    expect(offsetsOf(await begun)).toEqual([[2, 2]]);
    await fixture.manager.close();
  });
});

describe("advanceLogStartOffset", () => {
  it("hides records at once, durably, and deletes their segments at the next check", async () => {
    const { fixture, log } = await openSegments({ cleanupPolicy: ["compact"] });
    await log.advanceLogStartOffset(4);
    expect(log.logStartOffset).toBe(4);
    expect(() => log.read(3, READ_ALL)).toThrow(/outside/);
    expect(await readText(fixture.disk, "/data/log-start-offset-checkpoint")).toBe("0\n1\ntopic 0 4\n");
    const again = await openFixture({ disk: await copyDisk(fixture.disk), config: fixture.config });
    expect(again.manager.get("topic", 0)!.logStartOffset).toBe(4);
    await fixture.runtime.advance(CHECK_MS);
    const names = await fileNames(fixture.disk, "/data/topic-0");
    expect(names.filter((name) => name.endsWith(".log")).map((name) => Number(name.slice(0, -4)))).toEqual([4, 5]);
    await Promise.all([fixture.manager.close(), again.manager.close()]);
  });

  it("goes forward only, and not past the high watermark", async () => {
    const { fixture, log } = await openSegments({});
    await log.advanceLogStartOffset(2);
    await log.advanceLogStartOffset(1);
    expect(log.logStartOffset).toBe(2);
    log.setHighWatermark(4);
    await expect(log.advanceLogStartOffset(5)).rejects.toMatchObject({ errno: 1 });
    await fixture.manager.close();
  });

  it("works in the middle of a segment", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, batch({ count: 5 }));
    await append(log, batch({ count: 5 }));
    log.setHighWatermark(10);
    await log.advanceLogStartOffset(7);
    expect(offsetsOf(await log.read(7, READ_ALL))).toEqual([[5, 9]]);
    await fixture.manager.close();
    const again = await openFixture({ disk: fixture.disk });
    expect(again.manager.get("topic", 0)!.logStartOffset).toBe(7);
    await again.manager.close();
  });

  it("that could not be written down lets retention forget no epoch of what a crash brings back", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({
      disk,
      config: { segmentBytes: 3 * size, retentionMs: -1, retentionBytes: size },
    });
    const log = await openLog(fixture);
    for (let i = 0; i < 8; i++) await append(log, batch());
    log.setHighWatermark(log.logEndOffset);
    await log.flush();
    await fixture.runtime.advance(60_000);
    disk.fault = (_operation, path) => (path.includes("log-start-offset-checkpoint") ? "NO_SPACE" : null);
    await expect(log.advanceLogStartOffset(7)).rejects.toThrow();
    await log.deleteExpired();
    const again = await openFixture({ disk: await copyDisk(disk) });
    const recovered = again.manager.get("topic", 0)!;
    expect([recovered.logStartOffset, recovered.epochForOffset(6)]).toEqual([6, 0]);
  });

  it("outlives a power cut that brings back segments which a killed process had deleted", async () => {
    for (let seed = 0; seed < 120; seed++) {
      const runtime = createSimulatedRuntime(seed, { startMs: START_MS });
      const disk = createSimulatedDisk({ ...runtime, random: seededRandom(seed) });
      const config = { segmentBytes: 3 * size, retentionMs: -1, retentionBytes: size, flushMessages: 1 };
      const fixture = await openFixture({ disk, runtime, config });
      const log = await openLog(fixture);
      for (let i = 0; i < 8; i++) await append(log, batch());
      log.setHighWatermark(log.logEndOffset);
      await log.flush();
      await log.advanceLogStartOffset(4);
      disk.crashAfter(seed % 12);
      await Promise.race([log.deleteExpired(), disk.stopped]);
      const killed = disk.crash("process");
      const second = await openFixture({ disk: killed, runtime, config });
      await second.runtime.advance(60_000);
      const third = await openFixture({ disk: killed.crash("power"), runtime, config });
      expect((await openLog(third)).logStartOffset, `seed ${seed}`).toBeGreaterThanOrEqual(4);
    }
  });
});
