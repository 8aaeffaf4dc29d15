import { ZERO_UUID } from "@ottla/protocol";
import {
  createMemoryDisk,
  createSimulatedDisk,
  createSimulatedRuntime,
  createSystemRuntime,
  type Disk,
  type Logger,
  silentLogger,
} from "@ottla/runtime";
import { afterEach, describe, expect, it, vi } from "vitest";
import { batch } from "../test-support/batches.ts";
import {
  bothDisks,
  copyDisk,
  FaultyDisk,
  fileNames,
  readText,
  removeTemporaryDirectories,
  writeFile,
} from "../test-support/disks.ts";
import { append, openFixture, openLog, readAll, START_MS, TOPIC_ID } from "../test-support/fixture.ts";

afterEach(removeTemporaryDirectories);

const OTHER_ID = "BBBBBBBBBBBBBBBBBBBBBA";

describe.each(bothDisks)("a log directory on a %s disk", (_name, createDisk) => {
  it("holds what Kafka's does, after a clean stop", async () => {
    const disk = createDisk();
    const fixture = await openFixture({ disk });
    const log = await openLog(fixture, "orders", 3);
    await append(log, batch({ count: 4 }), 2);
    log.setHighWatermark(3);
    await fixture.manager.close();
    const names = (await fileNames(disk, "/data")).filter((name) => !name.startsWith(".lock"));
    expect(names).toEqual([
      ".kafka_cleanshutdown",
      "orders-3",
      "recovery-point-offset-checkpoint",
      "replication-offset-checkpoint",
    ]);
    expect(await fileNames(disk, "/data/orders-3")).toEqual([
      "00000000000000000000.index",
      "00000000000000000000.log",
      "00000000000000000000.timeindex",
      "00000000000000000004.snapshot",
      "leader-epoch-checkpoint",
      "partition.metadata",
    ]);
    expect(await readText(disk, "/data/recovery-point-offset-checkpoint")).toBe("0\n1\norders 3 4\n");
    expect(await readText(disk, "/data/replication-offset-checkpoint")).toBe("0\n1\norders 3 3\n");
    expect(await readText(disk, "/data/orders-3/leader-epoch-checkpoint")).toBe("0\n1\n2 0\n");
    expect(await readText(disk, "/data/orders-3/partition.metadata")).toBe(`version: 0\ntopic_id: ${TOPIC_ID}`);
  });

  it("holds what Kafka's does, once a new log has a record", async () => {
    const disk = createDisk();
    const fixture = await openFixture({ disk });
    await append(await openLog(fixture, "orders", 3), batch());
    await vi.waitFor(async () => expect((await fileNames(disk, "/data/orders-3")).length).toBe(4));
    expect(await fileNames(disk, "/data/orders-3")).toEqual([
      "00000000000000000000.index",
      "00000000000000000000.log",
      "00000000000000000000.timeindex",
      "partition.metadata",
    ]);
    await fixture.manager.close();
  });

  it("can be open only once", async () => {
    const disk = createDisk();
    const fixture = await openFixture({ disk });
    await expect(openFixture({ disk })).rejects.toMatchObject({ name: "DiskError", code: "LOCKED" });
    await fixture.manager.close();
    await (await openFixture({ disk })).manager.close();
  });

  it("deletes a log for good, while it is read and appended to", async () => {
    const disk = createDisk();
    const fixture = await openFixture({ disk, tailMemoryBytes: 0, config: { fileDeleteDelayMs: 1000 } });
    const [gone, kept] = [await openLog(fixture, "gone"), await openLog(fixture, "kept")];
    await Promise.all([append(gone, batch({ count: 2 })), append(kept, batch({ count: 3 }))]);
    const read = gone.read(0, { maxBytes: 1000, minOneBatch: true, limit: "logEnd" });
    const appended = gone.appendAsLeader(batch(), { leaderEpoch: 0, origin: "client" });
    await fixture.manager.delete("gone", 0);
    await fixture.manager.delete("gone", 0);
    expect((await read).sizeBytes).toBeGreaterThan(0);
    await appended.written;
    expect(fixture.manager.get("gone", 0)).toBeUndefined();
    expect((await fileNames(disk, "/data")).filter((name) => /^gone-0\.[0-9a-f]{32}-delete$/.test(name))).toHaveLength(
      1,
    );
    const again = await openLog(fixture, "gone");
    expect(again.logEndOffset).toBe(0);
    await fixture.runtime.advance(1000);
    const leftovers = async () => (await fileNames(disk, "/data")).filter((name) => name.endsWith("-delete"));
    await expect.poll(leftovers, { timeout: 10_000 }).toEqual([]);
    await fixture.manager.close();
    const reopened = await openFixture({ disk });
    expect([...reopened.manager.logs()].map((log) => [log.topic, log.logEndOffset]).sort()).toEqual([
      ["gone", 0],
      ["kept", 3],
    ]);
    await reopened.manager.close();
  });

  it("removes at the start what a deletion had left", async () => {
    const disk = createDisk();
    const fixture = await openFixture({ disk });
    await append(await openLog(fixture, "gone"), batch());
    await fixture.manager.delete("gone", 0);
    await fixture.manager.close();
    expect((await fileNames(disk, "/data")).filter((name) => name.endsWith("-delete"))).toHaveLength(1);
    const again = await openFixture({ disk });
    expect((await fileNames(disk, "/data")).filter((name) => name.endsWith("-delete"))).toEqual([]);
    await again.manager.close();
  });

  it("keeps few files open however many logs there are", async () => {
    const disk = createDisk();
    const fixture = await openFixture({ disk, maxOpenFiles: 5, tailMemoryBytes: 0, config: { segmentBytes: 300 } });
    const logs = await Promise.all(Array.from({ length: 20 }, (_, i) => openLog(fixture, `topic-${i}`)));
    for (let round = 0; round < 6; round++) {
      await Promise.all(logs.map((log) => append(log, batch({ valueBytes: 60 }))));
    }
    // Closed segments are being flushed still: files in use may exceed the bound until that is done.
    await expect.poll(() => fixture.manager.resources().openFiles, { timeout: 10_000 }).toBeLessThanOrEqual(5);
    for (const log of logs) expect((await readAll(log)).length).toBe(log.sizeBytes);
    expect(fixture.manager.resources().openFiles).toBeLessThanOrEqual(5);
    await fixture.manager.close();
    expect(fixture.manager.resources().openFiles).toBe(0);
  });
});

describe("a log manager", () => {
  it("gives two callers at once the same log", async () => {
    const fixture = await openFixture();
    const [one, two] = await Promise.all([openLog(fixture), openLog(fixture)]);
    expect(one).toBe(two);
    expect([...fixture.manager.logs()]).toEqual([one]);
    await fixture.manager.close();
  });

  it("does not hand out the log of an earlier topic of the same name", async () => {
    const fixture = await openFixture();
    await openLog(fixture);
    const opening = fixture.manager.openOrCreate("topic", 0, OTHER_ID, fixture.config);
    await expect(opening).rejects.toMatchObject({ name: "InconsistentTopicId", foundTopicId: TOPIC_ID });
    await fixture.manager.delete("topic", 0);
    expect((await fixture.manager.openOrCreate("topic", 0, OTHER_ID, fixture.config)).topicId).toBe(OTHER_ID);
    await fixture.manager.close();
  });

  it("checkpoints what changed, in its intervals, and leaves no timer behind", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, batch({ count: 5 }));
    log.setHighWatermark(4);
    await fixture.runtime.advance(5000);
    expect(await readText(fixture.disk, "/data/replication-offset-checkpoint")).toBe("0\n1\ntopic 0 4\n");
    await log.flush();
    await fixture.runtime.advance(60_000);
    expect(await readText(fixture.disk, "/data/recovery-point-offset-checkpoint")).toBe("0\n1\ntopic 0 5\n");
    await fixture.manager.close();
    expect(fixture.runtime.pendingTimers).toBe(0);
  });

  it("has the high watermark again after a kill", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, batch({ count: 5 }));
    log.setHighWatermark(4);
    await fixture.runtime.advance(5000);
    log.setHighWatermark(5);
    const again = await openFixture({ disk: await copyDisk(fixture.disk) });
    expect(again.manager.get("topic", 0)!.highWatermark).toBe(4);
    await Promise.all([fixture.manager.close(), again.manager.close()]);
  });

  it("makes and deletes many logs with few syncs of what they share, and removes their files one after the other", async () => {
    const logs = Array.from({ length: 50 }, (_, partition) => partition);
    const disk = new FaultyDisk();
    await disk.makeDirectory("/data");
    await writeFile(
      disk,
      "/data/replication-offset-checkpoint",
      `0\n50\n${logs.map((i) => `topic ${i} 7\n`).join("")}`,
    );
    const fixture = await openFixture({ disk });
    let shared = 0;
    disk.fault = (operation, path) => {
      if (path === "/data" && operation === "syncDirectory") shared++;
      if (path.includes("checkpoint.tmp") && operation === "write") shared++;
      return null;
    };
    await Promise.all(logs.map((partition) => openLog(fixture, "topic", partition)));
    expect(shared).toBeLessThan(10);
    await fixture.runtime.advance(4000);
    shared = 0;
    let removing = 0;
    const remove = disk.remove.bind(disk);
    disk.remove = async (path) => {
      expect(++removing).toBe(1);
      await remove(path).finally(() => removing--);
    };
    await Promise.all(logs.map((partition) => fixture.manager.delete("topic", partition)));
    expect(shared).toBeLessThan(10);
    await fixture.runtime.advance(60_000);
    await expect.poll(() => fileNames(disk, "/data")).not.toContainEqual(expect.stringMatching(/^topic/));
    expect(await readText(disk, "/data/replication-offset-checkpoint")).toBe("0\n0\n");
    await fixture.manager.close();
  });

  it("believes nothing of what checkpoints say of an earlier topic of that name", async () => {
    const disk = createMemoryDisk();
    await disk.makeDirectory("/data");
    for (const name of ["recovery-point", "replication", "log-start", "cleaner"]) {
      await writeFile(disk, `/data/${name}-offset-checkpoint`, "0\n1\ntopic 0 40\n");
    }
    const fixture = await openFixture({ disk });
    const log = await openLog(fixture);
    expect([log.logStartOffset, log.highWatermark, log.recoveryPoint, log.cleanedEndOffset]).toEqual([0, 0, 0, 0]);
    await append(log, batch({ count: 5 }));
    const killed = await openFixture({ disk: await copyDisk(disk) });
    const again = killed.manager.get("topic", 0)!;
    expect([again.logStartOffset, again.logEndOffset, again.highWatermark]).toEqual([0, 5, 0]);
    await Promise.all([fixture.manager.close(), killed.manager.close()]);
  });

  it.each([1, 2, 3, 4, 5, 6])("removes for good what a killed process had deleted (seed %i)", async (seed) => {
    const { clock, timers, random } = createSimulatedRuntime(seed);
    const disk = createSimulatedDisk({ clock, timers, random });
    const fixture = await openFixture({ disk });
    await append(await openLog(fixture), batch());
    await fixture.manager.close();
    await disk.rename("/data/topic-0", "/data/topic-0.00-delete");
    await disk.remove("/data/.kafka_cleanshutdown");
    const killed = disk.crash("process");
    await openFixture({ disk: killed });
    const afterPowerCut = await openFixture({ disk: killed.crash("power") });
    expect(afterPowerCut.manager.get("topic", 0)).toBeUndefined();
    await afterPowerCut.manager.close();
  });

  it("counts a kill while it opens as an unclean stop", async () => {
    const fixture = await openFixture();
    await append(await openLog(fixture), batch());
    await fixture.manager.close();
    const again = await openFixture({ disk: fixture.disk });
    expect(await fixture.disk.stat("/data/.kafka_cleanshutdown")).toBeNull();
    await again.manager.close();
  });

  it("says which file of the directory it cannot use, and lets go of the lock", async () => {
    const fixture = await openFixture();
    await append(await openLog(fixture), batch());
    await fixture.manager.close();
    const path = "/data/topic-0/leader-epoch-checkpoint";
    const content = await readText(fixture.disk, path);
    await writeFile(fixture.disk, path, "nonsense");
    await expect(openFixture({ disk: fixture.disk })).rejects.toThrow(`${path} cannot be used`);
    await writeFile(fixture.disk, path, content);
    await (await openFixture({ disk: fixture.disk })).manager.close();
  });

  it("leaves directories alone that are no log's, and opens logs that have no partition.metadata", async () => {
    const fixture = await openFixture();
    await append(await openLog(fixture), batch({ count: 2 }));
    await fixture.disk.makeDirectory("/data/backup-2023");
    await fixture.manager.close();
    await fixture.disk.remove("/data/topic-0/partition.metadata");
    const again = await openFixture({ disk: fixture.disk });
    expect([...again.manager.logs()].map((log) => [log.topic, log.topicId, log.logEndOffset])).toEqual([
      ["topic", ZERO_UUID, 2],
    ]);
    expect(await fileNames(fixture.disk, "/data/backup-2023")).toEqual([]);
    const log = await openLog(again);
    expect([log.logEndOffset, log.topicId]).toEqual([2, TOPIC_ID]);
    expect(await readText(fixture.disk, "/data/topic-0/partition.metadata")).toContain(TOPIC_ID);
    await again.manager.close();
  });

  it("makes a log without a sync; its first one makes its topic id and its names durable too", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk });
    const before = { ...disk.counts };
    const log = await openLog(fixture);
    expect([disk.counts.sync, disk.counts.syncDirectory]).toEqual([before.sync, before.syncDirectory]);
    const synced: string[] = [];
    disk.fault = (operation, path) => {
      if (operation === "sync" || operation === "syncDirectory") synced.push(path);
      return null;
    };
    log.updateConfig({ ...fixture.config, flushMessages: 1 });
    await append(log, batch());
    const metadata = "/data/topic-0/partition.metadata";
    expect(synced).toEqual(["/data/topic-0/00000000000000000000.log", metadata, "/data/topic-0", "/data"]);
    await append(log, batch());
    expect(synced.slice(4)).toEqual(["/data/topic-0/00000000000000000000.log"]);
    await fixture.manager.close();
  });

  describe.each([
    ["was lost", (disk: Disk) => disk.remove("/data/topic-0/partition.metadata")],
    ["is empty", (disk: Disk) => writeFile(disk, "/data/topic-0/partition.metadata", "")],
    ["was torn", (disk: Disk) => writeFile(disk, "/data/topic-0/partition.metadata", "version: 0\ntopic_id: AAAAA")],
  ])("where the topic id of a log that was never synced %s, after a crash", (_what, lose) => {
    it("keeps its records aside, as they may be of a topic that was deleted since", async () => {
      const killed = await openFixture();
      await append(await openLog(killed), batch({ count: 3 }));
      const disk = await copyDisk(killed.disk);
      await lose(disk);
      const fixture = await openFixture({ disk });
      expect(fixture.manager.get("topic", 0)).toBeUndefined();
      expect((await openLog(fixture)).logEndOffset).toBe(0);
      const [stray] = (await fileNames(disk, "/data")).filter((name) => name.endsWith("-stray"));
      expect((await disk.readFile(`/data/${stray}/00000000000000000000.log`)).length).toBe(batch({ count: 3 }).length);
      await fixture.manager.close();
    });

    it("makes it anew where it has no records, also where it comes back later", async () => {
      const killed = await openFixture();
      await openLog(killed);
      const disk = await copyDisk(killed.disk);
      await lose(disk);
      await (await openFixture({ disk })).manager.close();
      const fixture = await openFixture({ disk });
      await append(await openLog(fixture), batch({ count: 2 }));
      const again = await openFixture({ disk: await copyDisk(disk) });
      const log = again.manager.get("topic", 0)!;
      expect([log.topicId, log.logEndOffset]).toEqual([TOPIC_ID, 2]);
      expect((await fileNames(disk, "/data")).filter((name) => name.endsWith("-stray"))).toEqual([]);
      await Promise.all([fixture.manager.close(), again.manager.close()]);
    });
  });

  it("takes a topic id that cannot be read for damage where the log has been flushed", async () => {
    const fixture = await openFixture({ checkpointIntervalMs: 1000 });
    const log = await openLog(fixture);
    await append(log, batch());
    await log.flush();
    await fixture.runtime.advance(1000);
    const disk = await copyDisk(fixture.disk);
    await writeFile(disk, "/data/topic-0/partition.metadata", "");
    await expect(openFixture({ disk })).rejects.toThrow("/data/topic-0/partition.metadata cannot be used");
    await fixture.manager.close();
  });

  it("says whether the last stop was clean", async () => {
    const fixture = await openFixture();
    await openLog(fixture);
    const killed = await openFixture({ disk: await copyDisk(fixture.disk) });
    await fixture.manager.close();
    const stopped = await openFixture({ disk: fixture.disk });
    expect([fixture, killed, stopped].map(({ manager }) => manager.wasCleanStop)).toEqual([false, false, true]);
    await Promise.all([killed.manager.close(), stopped.manager.close()]);
  });

  it("survives a listener that throws", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    log.onAdvance(() => {
      throw new Error("on purpose");
    });
    await append(log, batch());
    expect((await append(log, batch())).baseOffset).toBe(1);
    await fixture.manager.close();
  });

  it("closes twice, and with appends on their way", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    const appends = Array.from({ length: 30 }, () => log.appendAsLeader(batch(), { leaderEpoch: 0, origin: "client" }));
    await Promise.all([fixture.manager.close(), fixture.manager.close()]);
    await Promise.all(appends.map((one) => one.written));
    const again = await openFixture({ disk: fixture.disk });
    expect(again.manager.get("topic", 0)!.logEndOffset).toBe(30);
    await again.manager.close();
  });

  it("says each second how far it is where opening takes longer", async () => {
    const before = await openFixture();
    for (let partition = 0; partition < 4; partition++) {
      await append(await openLog(before, "topic", partition), batch({ valueBytes: 1_000_000 }));
    }
    const lines: string[] = [];
    const logger: Logger = { ...silentLogger, child: () => logger, info: (message) => void lines.push(message) };
    const runtime = createSimulatedRuntime(1, { startMs: START_MS, logger });
    const disk = await copyDisk(before.disk);
    const list = disk.list.bind(disk);
    disk.list = async (directory) => {
      if (directory.includes("topic-")) await runtime.advance(900);
      return await list(directory);
    };
    const { manager } = await openFixture({ disk, runtime, recoveryParallelism: () => 1 });
    expect(lines.filter((line) => line.includes(" logs: "))).toEqual([
      "recovering logs: 1 of 4 done, 1 MB checked",
      "recovering logs: 2 of 4 done, 2 MB checked",
      "recovering logs: 3 of 4 done, 3 MB checked",
    ]);
    await Promise.all([manager.close(), before.manager.close()]);
  });

  it("recovers as many logs at a time as num.recovery.threads.per.data.dir says", async () => {
    const fixture = await openFixture();
    for (let partition = 0; partition < 12; partition++) {
      await append(await openLog(fixture, "topic", partition), batch());
    }
    for (const threads of [1, 3]) {
      const disk = await copyDisk(fixture.disk);
      let [atOnce, atOnceMax] = [0, 0];
      const list = disk.list.bind(disk);
      disk.list = async (directory) => {
        atOnceMax = Math.max(atOnceMax, ++atOnce);
        await new Promise((resolve) => setImmediate(resolve));
        atOnce--;
        return await list(directory);
      };
      const again = await openFixture({ disk, recoveryParallelism: () => threads });
      expect([again.manager.logCount, atOnceMax]).toEqual([12, threads]);
      await again.manager.close();
    }
    await fixture.manager.close();
  });

  it("opens hundreds of logs at once, and finds each as it was", async () => {
    const disk = bothDisks[1]![1]();
    const runtime = createSystemRuntime() as never;
    const fixture = await openFixture({ disk, runtime });
    const logs = await Promise.all(Array.from({ length: 300 }, (_, i) => openLog(fixture, `topic-${i % 10}`, i)));
    await Promise.all(logs.map((log, i) => append(log, batch({ count: 1 + (i % 5) }))));
    await fixture.manager.close();
    const again = await openFixture({ disk, runtime });
    for (const log of logs) {
      expect(again.manager.get(log.topic, log.partition)!.logEndOffset).toBe(1 + (log.partition % 5));
    }
    await again.manager.close();
  });
});
