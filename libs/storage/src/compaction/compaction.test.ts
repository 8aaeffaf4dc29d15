import { codecByName, RecordBatchBuilder } from "@ottla/protocol";
import {
  BATCH_HEADER_BYTES,
  baseTimestampAt,
  batchSizeAt,
  checkBatchIntegrity,
  compressionAt,
  hasDeleteHorizonAt,
  lastOffsetAt,
  recordsCountAt,
} from "@ottla/protocol/internal";
import { describe, expect, it } from "vitest";
import type { LogConfig } from "../log-config.ts";
import { batch, marker, sequenced } from "../test-support/batches.ts";
import { appendAll, COMPACTED, closeSegment, contents, keyed } from "../test-support/compaction.ts";
import { copyDisk, fileNames, readText } from "../test-support/disks.ts";
import { append, DIRECTORY, type Fixture, openFixture, openLog, readAll, START_MS } from "../test-support/fixture.ts";

const DAY_MS = 86_400_000;

async function compacted(options: Partial<LogConfig> = {}, manager: Parameters<typeof openFixture>[0] = {}) {
  const fixture = await openFixture({ ...manager, config: { ...COMPACTED, ...options } });
  return { fixture, log: await openLog(fixture) };
}

/** Compacts until nothing is left to do. */
async function compact(fixture: Fixture): Promise<number> {
  let rounds = 0;
  while (await fixture.manager.compactDirtiest()) rounds++;
  return rounds;
}

async function batchesOf(log: Parameters<typeof readAll>[0]): Promise<Uint8Array[]> {
  const bytes = await readAll(log);
  const batches: Uint8Array[] = [];
  for (let position = 0; position < bytes.length; position += batchSizeAt(bytes, position)) {
    batches.push(bytes.slice(position, position + batchSizeAt(bytes, position)));
    expect(checkBatchIntegrity(batches.at(-1)!, 0)).toBeNull();
  }
  return batches;
}

describe("compaction", () => {
  it("keeps the latest record of each key, at its offset", async () => {
    const { fixture, log } = await compacted();
    await appendAll(log, "a=1 b=1", "a=2 c=1", "b=2");
    await closeSegment(log);
    const endOffset = log.logEndOffset;
    expect(await compact(fixture)).toBe(1);
    expect(await contents(log)).toEqual(["2:a=2", "3:c=1", "4:b=2"]);
    expect(log.logEndOffset).toBe(endOffset);
    expect(log.logStartOffset).toBe(0);
    expect(await contents(log, 4)).toEqual(["4:b=2"]);
  });

  it("leaves the active segment alone, and lets it decide nothing", async () => {
    const { fixture, log } = await compacted();
    await appendAll(log, "a=1", "a=2");
    await closeSegment(log);
    await appendAll(log, "a=3");
    await compact(fixture);
    expect((await contents(log)).map((record) => record.split(":")[1])).toEqual(["a=2", "a=3"]);
  });

  it("goes by bytes of keys, whatever they are, and by whole logs once they are dirty enough", async () => {
    const { fixture, log } = await compacted({ minCleanableDirtyRatio: 0.5 });
    await appendAll(log, "a=1", "a=2");
    await closeSegment(log);
    expect(await compact(fixture)).toBe(1);
    await appendAll(log, "b=1");
    for (let i = 0; i < 3; i++) await closeSegment(log);
    expect(await compact(fixture)).toBe(1);
    await closeSegment(log);
    expect(await compact(fixture)).toBe(0);
  });

  it("makes few segments of many small ones, and leaves exactly their files", async () => {
    const { fixture, log } = await compacted({ segmentBytes: 2000 });
    for (let round = 0; round < 12; round++) await appendAll(log, batch({ count: 1, valueBytes: 1500 }));
    await closeSegment(log);
    expect(log.segmentCount).toBeGreaterThan(10);
    await compact(fixture);
    await closeSegment(log);
    await compact(fixture);
    expect(log.segmentCount).toBeLessThan(5);
    await fixture.runtime.advance(60_000);
    const names = await fileNames(fixture.disk, log.directory);
    expect(names.filter((name) => /deleted|cleaned|swap/.test(name))).toEqual([]);
    expect(names.filter((name) => name.endsWith(".log"))).toHaveLength(log.segmentCount);
  });

  it("takes several passes where the map of keys is small, and comes to the same", async () => {
    const results: string[][] = [];
    for (const dedupeBufferBytes of [24 * 4, 1 << 20]) {
      const { fixture, log } = await compacted({}, { cleaner: () => ({ dedupeBufferBytes }) });
      for (let round = 0; round < 4; round++)
        await appendAll(log, `a=${round} b=${round} c=${round}`, `d=${round} e=${round}`);
      await closeSegment(log);
      await compact(fixture);
      results.push(await contents(log));
    }
    expect(results[0]).toEqual(["15:a=3", "16:b=3", "17:c=3", "18:d=3", "19:e=3"]);
    expect(results[1]).toEqual(results[0]);
  });

  it("drops a tombstone delete.retention.ms after it was first compacted, not before", async () => {
    const { fixture, log } = await compacted({ deleteRetentionMs: DAY_MS });
    await appendAll(log, "a=1", "a= b=1");
    await closeSegment(log);
    await compact(fixture);
    expect(await contents(log)).toEqual(["1:a=", "2:b=1"]);
    const [rewritten] = await batchesOf(log);
    expect(hasDeleteHorizonAt(rewritten!, 0)).toBe(true);
    expect(baseTimestampAt(rewritten!, 0)).toBe(START_MS + DAY_MS);
    await fixture.runtime.advance(DAY_MS - 1);
    await closeSegment(log);
    await compact(fixture);
    expect(await contents(log)).toEqual(["1:a=", "2:b=1"]);
    await fixture.runtime.advance(2);
    await closeSegment(log);
    await compact(fixture);
    expect(await contents(log)).toEqual(["2:b=1"]);
  });

  it("keeps the timestamps of records whose batch got a delete horizon", async () => {
    const { fixture, log } = await compacted();
    await appendAll(log, keyed("a= b=1", { timestampMs: START_MS + 5 }));
    await closeSegment(log);
    await compact(fixture);
    const found = await log.offsetForTimestamp(START_MS + 1, "logEnd");
    expect(found).toMatchObject({ offset: 0, timestampMs: START_MS + 5 });
  });

  it.each(["gzip", "snappy", "lz4", "zstd"] as const)("rewrites %s batches in their codec", async (name) => {
    const { fixture, log } = await compacted();
    const builder = new RecordBatchBuilder();
    for (const key of ["a", "b", "a"]) builder.append(key, `${key}-value`, [["h", "x"]], START_MS);
    await appendAll(log, await builder.close({ compression: name }));
    await closeSegment(log);
    await compact(fixture);
    expect(await contents(log)).toEqual(["1:b=b-value", "2:a=a-value"]);
    const [first] = await batchesOf(log);
    expect(compressionAt(first!, 0)).toBe(codecByName(name).id);
    expect(lastOffsetAt(first!, 0)).toBe(2);
  });

  it("waits for min.compaction.lag.ms, and is due after max.compaction.lag.ms however clean the log is", async () => {
    const { fixture, log } = await compacted({ minCompactionLagMs: 1000 });
    await appendAll(log, "a=1", "a=2");
    await closeSegment(log);
    expect(await compact(fixture)).toBe(0);
    await fixture.runtime.advance(1001);
    expect(await compact(fixture)).toBe(1);
    log.updateConfig({ ...fixture.config, minCleanableDirtyRatio: 1, maxCompactionLagMs: 5000 });
    await appendAll(log, keyed("b=1 b=2", { timestampMs: START_MS + 2000 }));
    await closeSegment(log);
    expect(await compact(fixture)).toBe(0);
    await fixture.runtime.advance(10_000);
    expect(await compact(fixture)).toBe(1);
  });

  it("runs by itself every log.cleaner.backoff.ms, and not at all without a cleaner", async () => {
    for (const cleaner of [() => ({ backoffMs: 100 }), null]) {
      const { fixture, log } = await compacted({}, { cleaner });
      await appendAll(log, "a=1", "a=2");
      await closeSegment(log);
      await fixture.runtime.advance(100);
      expect(await contents(log)).toHaveLength(cleaner === null ? 2 : 1);
      await fixture.manager.close();
      expect(fixture.runtime.pendingTimers).toBe(0);
    }
  });

  it("writes cleaner-offset-checkpoint, and goes on from there after a restart", async () => {
    const { fixture, log } = await compacted();
    await appendAll(log, "a=1", "a=2");
    await closeSegment(log);
    await compact(fixture);
    await fixture.manager.close();
    const text = await readText(fixture.disk, `${DIRECTORY}/cleaner-offset-checkpoint`);
    expect(text).toMatch(/^0\n1\ntopic 0 [1-9]\d*\n$/);
    const again = await openFixture({ disk: fixture.disk, config: COMPACTED });
    const reopened = await openLog(again);
    expect(reopened.cleanedEndOffset).toBe(log.cleanedEndOffset);
    expect(await compact(again)).toBe(0);
    await reopened.truncateTo(1);
    expect(reopened.cleanedEndOffset).toBeLessThanOrEqual(1);
  });

  it("deletes expired segments too where the policy says compact,delete", async () => {
    const { fixture, log } = await compacted({ cleanupPolicy: ["compact", "delete"], retentionMs: 1000 });
    await appendAll(log, "a=1", "a=2");
    await closeSegment(log);
    await compact(fixture);
    expect(await contents(log)).toEqual(["1:a=2"]);
    await fixture.runtime.advance(2000);
    expect(await log.deleteExpired()).toBeGreaterThan(0);
    expect(await contents(log)).toEqual([]);
  });

  it("keeps to log.cleaner.io.max.bytes.per.second", async () => {
    const { fixture, log } = await compacted({}, { cleaner: () => ({ ioMaxBytesPerSecond: 100, backoffMs: 1e9 }) });
    await appendAll(log, "a=1", "a=2");
    await closeSegment(log);
    const done = compact(fixture);
    await fixture.runtime.advance(500);
    expect(await contents(log)).toHaveLength(2);
    await fixture.runtime.advance(60_000);
    expect(await done).toBe(1);
    expect(await contents(log)).toHaveLength(1);
  });
});

describe("compaction and producers", () => {
  const producer = { producerId: 7 };

  it("keeps an empty batch for the producer's last sequence, so that it is known after a restart", async () => {
    const { fixture, log } = await compacted();
    await appendAll(log, sequenced(producer, 0, 2), "key-0=new key-1=new");
    await closeSegment(log);
    await compact(fixture);
    const [first] = await batchesOf(log);
    expect(recordsCountAt(first!, 0)).toBe(0);
    expect(first).toHaveLength(BATCH_HEADER_BYTES);
    expect(lastOffsetAt(first!, 0)).toBe(1);
    const crashed = await openFixture({ disk: await copyDisk(fixture.disk), config: COMPACTED });
    const reopened = await openLog(crashed);
    expect((await append(reopened, sequenced(producer, 0, 2))).isDuplicate).toBe(true);
    expect((await append(reopened, sequenced(producer, 2, 1))).isDuplicate).toBe(false);
  });

  it("removes records of aborted transactions, then their markers, and the index entries with them", async () => {
    const { fixture, log } = await compacted({ deleteRetentionMs: 1000 });
    await appendAll(log, "key-0=before", sequenced(producer, 0, 2, true));
    await log.appendAsLeader(marker(producer, "abort"), { leaderEpoch: 0, origin: "control" }).written;
    // Another transaction of the producer, so that the batch above is not its last.
    await appendAll(log, sequenced(producer, 2, 1, true));
    await log.appendAsLeader(marker(producer, "commit"), { leaderEpoch: 0, origin: "control" }).written;
    await closeSegment(log);
    await compact(fixture);
    // The aborted records are gone and have replaced nothing; the committed one has.
    expect(await contents(log)).toEqual(["3:marker", expect.stringMatching(/^4:key-0/), "5:marker"]);
    const reading = () => log.read(0, { maxBytes: 1e6, minOneBatch: true, limit: "lastStable" });
    expect((await reading()).abortedTransactions).toEqual([{ producerId: 7, firstOffset: 1 }]);
    await closeSegment(log);
    await compact(fixture);
    expect((await reading()).abortedTransactions).toEqual([]);
    expect(await contents(log)).toContain("3:marker");
    await fixture.runtime.advance(1001);
    await closeSegment(log);
    await compact(fixture);
    expect(await contents(log)).toEqual([expect.stringMatching(/^4:key-0/), "5:marker"]);
  });

  it("lets no transaction that was aborted long ago take anything from what its producer commits later", async () => {
    const { fixture, log } = await compacted();
    await appendAll(log, "key-0=before", sequenced(producer, 0, 1, true));
    await log.appendAsLeader(marker(producer, "abort"), { leaderEpoch: 0, origin: "control" }).written;
    await closeSegment(log);
    await compact(fixture);
    await appendAll(log, sequenced(producer, 1, 1, true));
    await log.appendAsLeader(marker(producer, "commit"), { leaderEpoch: 0, origin: "control" }).written;
    await closeSegment(log);
    await compact(fixture);
    expect(await contents(log)).not.toContain("0:key-0=before");
  });

  it("does not touch what an open transaction may still take back", async () => {
    const { fixture, log } = await compacted();
    await appendAll(log, "a=1", sequenced(producer, 0, 1, true), "a=2");
    await closeSegment(log);
    expect(await compact(fixture)).toBe(0);
    await log.appendAsLeader(marker(producer, "commit"), { leaderEpoch: 0, origin: "control" }).written;
    log.setHighWatermark(log.logEndOffset);
    expect(await compact(fixture)).toBe(1);
  });
});
