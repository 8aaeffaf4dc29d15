import { baseOffsetAt, batchSizeAt, checkBatchIntegrity, lastOffsetAt } from "@ottla/protocol/internal";
import { createSimulatedDisk, createSimulatedRuntime, type Disk, type SimulatedRuntime } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { verifyDirectory } from "../inspect/verify.ts";
import { batch, concat, marker, sequenced } from "../test-support/batches.ts";
import { copyDisk, FaultyDisk, fileNames, readText, writeFile } from "../test-support/disks.ts";
import { append, type FixtureOptions, openFixture, openLog, readAll } from "../test-support/fixture.ts";

const PARTITION = "/data/topic-0";
const FIRST_LOG = `${PARTITION}/00000000000000000000.log`;
/** The last three tear a write of the time index between two entries. */
const TEARING_SEEDS = [1, 4, 6, 8];

/** Opens what a killed process left behind. */
async function openAfterKill(disk: Disk, options: FixtureOptions = {}) {
  const fixture = await openFixture({ ...options, disk: await copyDisk(disk) });
  return { fixture, log: fixture.manager.get("topic", 0)! };
}

/** Every offset index entry must point at the batch that ends at its offset; time index entries must not lie. */
async function expectIndexesToAgree(disk: Disk): Promise<void> {
  for (const name of await fileNames(disk, PARTITION)) {
    if (!name.endsWith(".log")) continue;
    const path = `${PARTITION}/${name.slice(0, -4)}`;
    const baseOffset = Number(name.slice(0, -4));
    const log = await disk.readFile(`${path}.log`);
    const offsetIndex = view(await disk.readFile(`${path}.index`));
    for (let at = 0; at < offsetIndex.byteLength; at += 8) {
      const position = offsetIndex.getInt32(at + 4);
      expect(checkBatchIntegrity(log, position)).toBeNull();
      expect(lastOffsetAt(log, position)).toBe(baseOffset + offsetIndex.getInt32(at));
    }
    const timeIndex = view(await disk.readFile(`${path}.timeindex`));
    const timestamps = batchTimestamps(log);
    let last = -1;
    for (let at = 0; at < timeIndex.byteLength; at += 12) {
      const timestampMs = Number(timeIndex.getBigInt64(at));
      expect(timestampMs).toBeGreaterThan(last);
      expect(timestamps.get(baseOffset + timeIndex.getInt32(at + 8))).toBe(timestampMs);
      last = timestampMs;
    }
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function batchTimestamps(log: Uint8Array): Map<number, number> {
  const timestamps = new Map<number, number>();
  for (let position = 0; position < log.length; position += batchSizeAt(log, position)) {
    timestamps.set(lastOffsetAt(log, position), Number(view(log).getBigInt64(position + 35)));
  }
  return timestamps;
}

it("a roll does not write over the producer snapshot that the recovery point speaks of", async () => {
  const disk = new FaultyDisk();
  const fixture = await openFixture({ disk, config: { segmentBytes: batch().length } });
  const log = await openLog(fixture);
  await append(log, sequenced({ producerId: 7 }, 0));
  await log.flush();
  const written: string[] = [];
  disk.fault = (operation, path) => {
    if (operation === "write") written.push(path);
    return null;
  };
  await append(log, sequenced({ producerId: 7 }, 1));
  expect([log.segmentCount, log.recoveryPoint]).toEqual([2, 1]);
  expect(written).not.toContain(`${log.directory}/00000000000000000001.snapshot`);
});

/** What changes the first segment's log from now on, in order. */
function recordChanges(disk: FaultyDisk): string[] {
  const changes: string[] = [];
  disk.fault = (operation, path) => {
    if (path === FIRST_LOG && ["write", "sync", "truncate"].includes(operation)) changes.push(operation);
    return null;
  };
  return changes;
}

describe("what is cut cannot come back between what is written in its place: it is synced first", () => {
  it("by a recovery", async () => {
    const left = new FaultyDisk();
    const before = await openFixture({ disk: left });
    for (let i = 0; i < 3; i++) await append(await openLog(before), batch());
    const damaged = await left.readFile(FIRST_LOG);
    damaged[batch().length + 70]! ^= 1;
    await writeFile(left, FIRST_LOG, damaged);

    const disk = new FaultyDisk(await copyDisk(left));
    const changes = recordChanges(disk);
    const { manager } = await openFixture({ disk });
    const log = manager.get("topic", 0)!;
    expect(log.logEndOffset).toBe(1);
    await append(log, batch());
    expect(changes).toEqual(["truncate", "sync", "write"]);
  });

  it("by a truncation", async () => {
    const disk = new FaultyDisk();
    const log = await openLog(await openFixture({ disk }));
    for (let i = 0; i < 3; i++) await append(log, batch());
    const changes = recordChanges(disk);
    await log.truncateTo(1);
    await append(log, batch());
    expect(changes).toEqual(["truncate", "sync", "write"]);
  });
});

describe("after a kill", () => {
  it("finds everything that was written, without a clean close", async () => {
    const fixture = await openFixture({ config: { segmentBytes: 2000, indexIntervalBytes: 200 } });
    const log = await openLog(fixture);
    for (let i = 0; i < 40; i++) await append(log, batch({ count: 3, timestampMs: 1000 * i }), Math.floor(i / 10));
    const expected = await readAll(log);
    const { fixture: again, log: reopened } = await openAfterKill(fixture.disk, { config: fixture.config });
    expect(Buffer.compare(await readAll(reopened), expected)).toBe(0);
    expect(reopened.logEndOffset).toBe(120);
    expect([0, 1, 2, 3].map((epoch) => reopened.endOffsetForEpoch(epoch)?.endOffset)).toEqual([30, 60, 90, 120]);
    await again.manager.close();
    await expectIndexesToAgree(again.disk);
  });

  it("keeps exactly the whole batches, wherever the file was cut", async () => {
    const fixture = await openFixture({ config: { indexIntervalBytes: 100 } });
    const log = await openLog(fixture);
    const batches = [1, 2, 3, 1].map((count, i) => batch({ count, timestampMs: 1000 * i, valueBytes: 5 }));
    for (const bytes of batches) await append(log, bytes);
    const content = concat(batches);
    const left = await copyDisk(fixture.disk);
    for (let cut = 0; cut <= content.length; cut++) {
      await writeFile(left, FIRST_LOG, content.subarray(0, cut));
      const { fixture: again, log: reopened } = await openAfterKill(left, { config: fixture.config });
      const wholeBytes = wholePrefix(content.subarray(0, cut));
      expect(reopened.sizeBytes).toBe(wholeBytes);
      expect(Buffer.compare(await readAll(reopened), content.subarray(0, wholeBytes))).toBe(0);
      await append(reopened, batch({ count: 2 }));
      await again.manager.close();
      await expectIndexesToAgree(again.disk);
    }
  });

  it("cuts the log where a single byte of the last batch is wrong", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    const batches = [batch({ count: 2 }), batch({ count: 2 })];
    for (const bytes of batches) await append(log, bytes);
    const content = concat(batches);
    const left = await copyDisk(fixture.disk);
    const start = batches[0]!.length;
    for (let at = start; at < content.length; at++) {
      // The leader epoch (bytes 12 to 15) lies outside the CRC, and any value of it is legal.
      if (at - start >= 12 && at - start < 16) continue;
      const damaged = content.slice();
      damaged[at]! ^= 0x40;
      await writeFile(left, FIRST_LOG, damaged);
      const { fixture: again, log: reopened } = await openAfterKill(left);
      // A base offset that has grown within the segment's range is a gap, as compaction leaves them.
      const gapOffset = baseOffsetAt(damaged, start);
      expect(reopened.logEndOffset).toBe(gapOffset > 2 && gapOffset < 2 ** 31 ? gapOffset + 2 : 2);
      await again.manager.close();
    }
  });

  it("drops segments that no longer connect to the log", async () => {
    const fixture = await openFixture({ config: { segmentBytes: 500 } });
    const log = await openLog(fixture);
    for (let i = 0; i < 12; i++) await append(log, batch({ count: 2, valueBytes: 50 }));
    const left = await copyDisk(fixture.disk);
    await writeFile(left, "/data/recovery-point-offset-checkpoint", "0\n0\n");
    const names = (await fileNames(left, PARTITION)).filter((name) => name.endsWith(".log"));
    const second = `${PARTITION}/${names[1]}`;
    const content = await left.readFile(second);
    await writeFile(left, second, content.subarray(0, content.length - 1));
    const { fixture: again, log: reopened } = await openAfterKill(left, { config: fixture.config });
    const lastBatch = content.length - batchSizeAt(content, 0) * (content.length / batchSizeAt(content, 0) - 1);
    expect(lastBatch).toBe(batchSizeAt(content, 0));
    expect(reopened.logEndOffset).toBe(baseOffsetAt(content, content.length - lastBatch));
    expect((await fileNames(again.disk, PARTITION)).filter((name) => name.endsWith(".log"))).toEqual(names.slice(0, 2));
    await append(reopened, batch());
    await again.manager.close();
  });

  it("reads only what lies past the recovery point", async () => {
    const fixture = await openFixture({ config: { indexIntervalBytes: 0 } });
    const log = await openLog(fixture);
    for (let i = 0; i < 10; i++) await append(log, batch({ count: 1 }));
    await log.flush();
    for (let i = 0; i < 2; i++) await append(log, batch({ count: 1 }));
    await fixture.runtime.advance(60_000);
    const left = await copyDisk(fixture.disk);
    expect(await readText(left, "/data/recovery-point-offset-checkpoint")).toBe("0\n1\ntopic 0 10\n");
    // Damage below the recovery point is not looked at; the log ends where it did.
    const content = await left.readFile(FIRST_LOG);
    content[70]! ^= 1;
    await writeFile(left, FIRST_LOG, content);
    const { fixture: again, log: reopened } = await openAfterKill(left, { config: fixture.config });
    expect(reopened.logEndOffset).toBe(12);
    await again.manager.close();
  });

  it("survives indexes that are missing, cut, or nonsense", async () => {
    const fixture = await openFixture({ config: { indexIntervalBytes: 50 } });
    const log = await openLog(fixture);
    for (let i = 0; i < 20; i++) await append(log, batch({ count: 2, timestampMs: 1000 * i }));
    const expected = await readAll(log);
    await log.flush();
    await fixture.runtime.advance(60_000);
    const nonsense = new Uint8Array(96).map((_, i) => (i * 37) & 0x7f);
    for (const suffix of [".index", ".timeindex"]) {
      const path = FIRST_LOG.replace(".log", suffix);
      for (const damage of ["remove", "cut", "nonsense", "zeros"] as const) {
        const left = await copyDisk(fixture.disk);
        const content = await left.readFile(path);
        if (damage === "remove") await left.remove(path);
        if (damage === "cut") await writeFile(left, path, content.subarray(0, 13));
        if (damage === "nonsense") await writeFile(left, path, nonsense);
        if (damage === "zeros") await writeFile(left, path, new Uint8Array(content.length));
        const { fixture: again, log: reopened } = await openAfterKill(left, { config: fixture.config });
        expect(Buffer.compare(await readAll(reopened), expected)).toBe(0);
        await again.manager.close();
        await expectIndexesToAgree(again.disk);
      }
    }
  });

  it.each([".index", ".timeindex"])("makes a missing %s anew, in whatever segment", async (suffix) => {
    const fixture = await openFixture({ config: { segmentBytes: 1000, indexIntervalBytes: 50 } });
    const log = await openLog(fixture);
    for (let i = 0; i < 40; i++) await append(log, batch({ timestampMs: 1000 * i }));
    await log.flush();
    await fixture.runtime.advance(60_000);
    const left = await copyDisk(fixture.disk);
    const indexes = (await fileNames(left, PARTITION)).filter((name) => name.endsWith(suffix));
    expect(indexes.length).toBeGreaterThan(3);
    for (const name of indexes) await left.remove(`${PARTITION}/${name}`);
    const { fixture: again } = await openAfterKill(left, { config: fixture.config });
    await again.manager.close();
    for (const name of indexes) {
      expect((await again.disk.readFile(`${PARTITION}/${name}`)).length, name).toBeGreaterThan(0);
    }
    await expectIndexesToAgree(again.disk);
  });

  it.each([
    [".index", "clean", "process"],
    [".index", "clean", "power"],
    [".index", "unclean", "process"],
    [".index", "unclean", "power"],
    [".timeindex", "clean", "process"],
    [".timeindex", "clean", "power"],
    [".timeindex", "unclean", "process"],
    [".timeindex", "unclean", "power"],
  ] as const)(
    "makes a missing %s anew after a %s stop, wherever a %s crash comes meanwhile",
    async (suffix, stop, crash) => {
      for (const seed of TEARING_SEEDS) {
        const runtime = createSimulatedRuntime(seed);
        for (let operations = 0, isOpen = false; !isOpen; operations++) {
          const { disk, config } = await closedLogWithout(suffix, runtime);
          if (stop === "unclean") await disk.remove("/data/.kafka_cleanshutdown");
          const killed = disk.crash("process");
          killed.crashAfter(operations);
          const opening = openFixture({ disk: killed, config }).then(() => true);
          isOpen = await Promise.race([opening, killed.stopped.then(() => false)]);
          const left = killed.crash(crash);
          const again = await openFixture({ disk: left, config });
          const found = await again.manager.get("topic", 0)!.offsetForTimestamp(1000, "logEnd");
          await again.manager.close();
          const when = `seed ${seed}, a crash after ${operations} operations`;
          expect(found?.offset, when).toBe(0);
          const { damages } = await verifyDirectory(left, "/data");
          expect(
            damages.filter(({ path }) => path.endsWith("index")),
            when,
          ).toEqual([]);
          expect((await left.readFile(FIRST_LOG.replace(".log", ".index"))).length, when).toBeGreaterThan(0);
        }
      }
    },
  );

  /** A log of several segments, closed, of whose first one an index is gone. */
  async function closedLogWithout(suffix: string, runtime: SimulatedRuntime) {
    const config = { segmentBytes: 1000, indexIntervalBytes: 50 };
    const disk = createSimulatedDisk(runtime);
    const fixture = await openFixture({ disk, config });
    const log = await openLog(fixture);
    for (let i = 1; i <= 20; i++) await append(log, batch({ timestampMs: 1000 * i }));
    await fixture.manager.close();
    await disk.remove(FIRST_LOG.replace(".log", suffix));
    await disk.syncDirectory(PARTITION);
    return { disk, config };
  }

  it("knows producers, open transactions and aborted ones again", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    const [one, two] = [{ producerId: 1 }, { producerId: 2 }];
    await append(log, sequenced(one, 0, 2, true));
    await append(log, sequenced(two, 0, 2, true));
    await log.appendAsLeader(marker(one, "abort"), { leaderEpoch: 0, origin: "control" }).written;
    log.setHighWatermark(5);
    const { fixture: again, log: reopened } = await openAfterKill(fixture.disk);
    reopened.setHighWatermark(5);
    expect(reopened.lastStableOffset).toBe(2);
    const repeated = reopened.appendAsLeader(sequenced(two, 0, 2, true), { leaderEpoch: 0, origin: "client" });
    expect([repeated.isDuplicate, repeated.baseOffset]).toEqual([true, 2]);
    await reopened.appendAsLeader(marker(two, "commit"), { leaderEpoch: 0, origin: "control" }).written;
    reopened.setHighWatermark(6);
    const read = await reopened.read(0, { maxBytes: 10_000, minOneBatch: true, limit: "lastStable" });
    expect(read.abortedTransactions).toEqual([{ producerId: 1, firstOffset: 0 }]);
    await again.manager.close();
  });

  it("believes no snapshot that counts a marker which a power cut has taken", async () => {
    const fixture = await openFixture({ config: { segmentBytes: 300 } });
    const log = await openLog(fixture);
    const producer = { producerId: 1 };
    await append(log, sequenced(producer, 0, 1, true));
    const dataBytes = log.sizeBytes;
    await log.appendAsLeader(marker(producer, "commit"), { leaderEpoch: 0, origin: "control" }).written;
    for (let i = 0; i < 3; i++) await append(log, batch());
    expect((await fileNames(fixture.disk, PARTITION)).filter((name) => name.endsWith(".snapshot"))).not.toEqual([]);
    // The roll wrote a snapshot; the end of the segment before it was not synced.
    const cut = await copyDisk(fixture.disk);
    await writeFile(cut, FIRST_LOG, (await cut.readFile(FIRST_LOG)).slice(0, dataBytes));
    const recovered = await openFixture({ disk: cut, config: fixture.config });
    await recovered.manager.close();
    const again = await openFixture({ disk: await copyDisk(cut), config: fixture.config });
    const reopened = again.manager.get("topic", 0)!;
    for (let i = 0; i < 3; i++) await append(reopened, batch());
    await reopened.flush();
    const { log: afterKill } = await openAfterKill(again.disk, { config: fixture.config });
    afterKill.setHighWatermark(afterKill.logEndOffset);
    expect(afterKill.lastStableOffset).toBe(0);
  });

  it.each(["clean", "unclean"])("knows aborted transactions after a %s stop, with an index damaged", async (stop) => {
    const fixture = await openFixture({ config: { indexIntervalBytes: 50 } });
    const log = await openLog(fixture);
    const producer = { producerId: 1 };
    await append(log, sequenced(producer, 0, 2, true));
    await log.appendAsLeader(marker(producer, "abort"), { leaderEpoch: 0, origin: "control" }).written;
    for (let i = 0; i < 5; i++) await append(log, batch({ count: 2 }));
    log.setHighWatermark(log.logEndOffset);
    await fixture.manager.close();
    if (stop === "unclean") await fixture.disk.remove("/data/.kafka_cleanshutdown");
    await writeFile(fixture.disk, FIRST_LOG.replace(".log", ".index"), new Uint8Array(13));
    const again = await openFixture({ disk: fixture.disk, config: fixture.config });
    const reopened = again.manager.get("topic", 0)!;
    reopened.setHighWatermark(reopened.logEndOffset);
    const read = await reopened.read(0, { maxBytes: 10_000, minOneBatch: true, limit: "lastStable" });
    expect(read.abortedTransactions).toEqual([{ producerId: 1, firstOffset: 0 }]);
    await again.manager.close();
  });

  it("syncs what a recovery has cut off that was killed before it had: no power cut brings it back below the recovery point", async () => {
    const cut = `${PARTITION}/00000000000000000001.log`;
    for (let seed = 1; seed <= 10; seed++) {
      const disk = createSimulatedDisk(createSimulatedRuntime(seed));
      const config = { segmentBytes: batch().length };
      const log = await openLog(await openFixture({ disk, config }));
      for (let i = 0; i < 3; i++) await append(log, batch());
      await log.flush();
      const [torn, next] = [await disk.open(cut), await disk.open(`${PARTITION}/00000000000000000002.log`)];
      await torn.write([new Uint8Array(8).fill(0xff)], 30);
      await torn.sync();
      await torn.truncate(0);
      await next.truncate(0);
      const killed = disk.crash("process");
      const fixture = await openFixture({ disk: killed, config });
      await append(fixture.manager.get("topic", 0)!, batch());
      await fixture.manager.close();
      expect(await killed.crash("power").stat(cut)).toMatchObject({ sizeBytes: 0 });
    }
  });

  it("drops what does not connect to the log for good: no power cut brings it back beside what came after", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const disk = createSimulatedDisk(createSimulatedRuntime(seed));
      const config = { segmentBytes: 300 };
      const fixture = await openFixture({ disk, config });
      const log = await openLog(fixture);
      while ((await fileNames(disk, PARTITION)).filter((name) => name.endsWith(".log")).length < 2)
        await append(log, batch());
      await fixture.manager.close();
      for (const name of [".kafka_cleanshutdown", "recovery-point-offset-checkpoint"])
        await disk.remove(`/data/${name}`);
      await writeFile(disk, FIRST_LOG, (await disk.readFile(FIRST_LOG)).slice(0, -1));
      await openFixture({ disk, config });
      const logs = (await fileNames(disk.crash("power"), PARTITION)).filter((name) => name.endsWith(".log"));
      expect(logs, `seed ${seed}`).toEqual([FIRST_LOG.slice(PARTITION.length + 1)]);
    }
  });

  it("believes no snapshot from before the first segment: what ended its transactions is gone", async () => {
    const producer = { producerId: 7 };
    const config = { segmentBytes: sequenced(producer, 0, 1, true).length };
    const fixture = await openFixture({ config });
    const log = await openLog(fixture);
    const end = async (type: "commit" | "abort") => {
      await log.appendAsLeader(marker(producer, type), { leaderEpoch: 0, origin: "control" }).written;
    };
    await append(log, sequenced(producer, 0, 1, true));
    await append(log, batch());
    await end("commit");
    await append(log, sequenced(producer, 1, 1, true));
    await end("abort");
    await append(log, batch());
    const disk = await copyDisk(fixture.disk);
    // As a kill leaves it in the midst of retention: the first segments are gone, the snapshot of one of them is not.
    for (const name of await fileNames(disk, PARTITION)) {
      const isOfFirst = /^0+[012]\.(log|index|timeindex|txnindex)$/.test(name);
      const isOtherSnapshot = name.endsWith(".snapshot") && !/^0+1\./.test(name);
      if (isOfFirst || isOtherSnapshot) await disk.remove(`${PARTITION}/${name}`);
    }
    const again = await openFixture({ disk, config });
    expect(again.manager.get("topic", 0)!.logStartOffset).toBe(3);
    expect((await verifyDirectory(disk, "/data")).damages).toEqual([]);
    await Promise.all([fixture.manager.close(), again.manager.close()]);
  });

  it("knows aborted transactions wherever another kill comes while damaged indexes are made anew", async () => {
    const runtime = createSimulatedRuntime(1);
    for (let operations = 0, isOpen = false; !isOpen; operations++) {
      const disk = createSimulatedDisk(runtime);
      const fixture = await openFixture({ disk, config: { indexIntervalBytes: 50 } });
      const log = await openLog(fixture);
      await append(log, sequenced({ producerId: 1 }, 0, 2, true));
      await log.appendAsLeader(marker({ producerId: 1 }, "abort"), { leaderEpoch: 0, origin: "control" }).written;
      for (let i = 0; i < 5; i++) await append(log, batch({ count: 2 }));
      await fixture.manager.close();
      await disk.remove("/data/.kafka_cleanshutdown");
      await writeFile(disk, FIRST_LOG.replace(".log", ".index"), new Uint8Array(13));
      const killed = disk.crash("process");
      killed.crashAfter(operations);
      const opening = openFixture({ disk: killed, config: fixture.config }).then(() => true);
      isOpen = await Promise.race([opening, killed.stopped.then(() => false)]);
      const again = await openFixture({ disk: killed.crash("process"), config: fixture.config });
      const reopened = again.manager.get("topic", 0)!;
      reopened.setHighWatermark(reopened.logEndOffset);
      const read = await reopened.read(0, { maxBytes: 10_000, minOneBatch: true, limit: "lastStable" });
      expect(read.abortedTransactions, `a kill after ${operations} operations`).toEqual([
        { producerId: 1, firstOffset: 0 },
      ]);
      read.release();
      await again.manager.close();
    }
  });

  it("believes no index of aborted transactions that a power cut has left zeros of", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, batch({ count: 3 }));
    await log.flush();
    await fixture.runtime.advance(60_000);
    const killed = await copyDisk(fixture.disk);
    const path = `${PARTITION}/00000000000000000000.txnindex`;
    await writeFile(killed, path, new Uint8Array(34));
    const { fixture: again } = await openAfterKill(killed);
    expect(await again.disk.stat(path)).toMatchObject({ sizeBytes: 0 });
    await Promise.all([fixture.manager.close(), again.manager.close()]);
  });

  it("starts anew where nothing is left above the log start offset", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    for (let i = 0; i < 5; i++) await append(log, batch({ count: 2 }));
    log.setHighWatermark(10);
    await log.advanceLogStartOffset(6);
    const left = await copyDisk(fixture.disk);
    await writeFile(left, FIRST_LOG, new Uint8Array(0));
    const { fixture: again, log: reopened } = await openAfterKill(left);
    expect([reopened.logStartOffset, reopened.logEndOffset]).toEqual([6, 6]);
    expect((await append(reopened, batch())).baseOffset).toBe(6);
    await again.manager.close();
  });

  it("that looks like a clean stop, cuts what is no batch off the end", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, batch({ count: 3 }));
    await fixture.manager.close();
    const content = await fixture.disk.readFile(FIRST_LOG);
    await writeFile(fixture.disk, FIRST_LOG, concat([content, new Uint8Array(100).fill(9)]));
    const again = await openFixture({ disk: fixture.disk });
    const reopened = again.manager.get("topic", 0)!;
    expect([reopened.logEndOffset, reopened.sizeBytes]).toEqual([3, content.length]);
    await append(reopened, batch());
    expect((await readAll(reopened)).length).toBe(content.length + batch().length);
    await again.manager.close();
  });

  it("recovers again after a kill in the middle of recovery: nothing is trusted that was not before", async () => {
    const fixture = await openFixture({ config: { indexIntervalBytes: 100 } });
    const log = await openLog(fixture);
    for (let i = 0; i < 10; i++) await append(log, batch({ count: 2 }));
    const expected = await readAll(log);
    const first = await openAfterKill(fixture.disk, { config: fixture.config });
    const second = await openAfterKill(first.fixture.disk, { config: fixture.config });
    expect(Buffer.compare(await readAll(second.log), expected)).toBe(0);
    await Promise.all([first.fixture.manager.close(), second.fixture.manager.close()]);
  });
});

function wholePrefix(bytes: Uint8Array): number {
  let end = 0;
  while (bytes.length - end >= 61 && end + batchSizeAt(bytes, end) <= bytes.length) end += batchSizeAt(bytes, end);
  return end;
}
