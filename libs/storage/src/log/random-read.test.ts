import { encodeRecordBatch } from "@ottla/protocol";
import { createMemoryDisk, createSystemRuntime, type Disk } from "@ottla/runtime";
import { expect, it } from "vitest";
import { defaultLogConfig } from "../log-config.ts";
import { openLogManager } from "../manager/open-log-manager.ts";
import { batch, offsetsOf } from "../test-support/batches.ts";
import { fileNames } from "../test-support/disks.ts";
import { append, openFixture, openLog, READ_ALL } from "../test-support/fixture.ts";

const BATCHES = 40;
const RECORDS = 5;

/** A memory disk that counts reads of open files, those at once apart from those by a thread, and the bytes of those. */
function countingDisk() {
  const disk: Disk = createMemoryDisk();
  const counted = { reads: 0, readsAtOnce: 0, bytes: 0 };
  const open = disk.open.bind(disk);
  disk.open = async (path, options) => {
    const file = await open(path, options);
    const [read, readSync] = [file.read.bind(file), file.readSync.bind(file)];
    file.read = (target, position) => {
      counted.reads++;
      counted.bytes += target.length;
      // The memory disk reads at once either way.
      const { readsAtOnce } = counted;
      const done = read(target, position);
      counted.readsAtOnce = readsAtOnce;
      return done;
    };
    file.readSync = (target, position) => {
      counted.readsAtOnce++;
      return readSync(target, position);
    };
    return file;
  };
  return { disk, counted };
}

/** A log with batches of some 15 KB, all on a disk that counts. */
async function openFilledLog() {
  const { disk, counted } = countingDisk();
  const runtime = createSystemRuntime();
  const logs = await openLogManager({ disk, directory: "/", runtime, cleaner: null, tailMemoryBytes: 0 });
  const log = await logs.openOrCreate("t", 0, "AAAAAAAAAAAAAAAAAAAAAQ", defaultLogConfig);
  const records = Array.from({ length: RECORDS }, () => ({
    key: "k",
    value: new Uint8Array(3_000),
    timestampMs: runtime.clock.nowMs(),
  }));
  for (let i = 0; i < BATCHES; i++) {
    await log.appendAsLeader(encodeRecordBatch({ records }), { leaderEpoch: 0, origin: "client" }).written;
  }
  await log.flush();
  return { log, logs, counted };
}

it("a read by offset from disk is one read, wherever in its batch the record is", async () => {
  const { log, logs, counted } = await openFilledLog();
  const readAll = async () => {
    for (let offset = 0; offset < BATCHES * RECORDS; offset++) {
      const found = await log.read(offset, { maxBytes: 1, minOneBatch: true, limit: "logEnd" });
      expect(found.sizeBytes, `at ${offset}`).toBeGreaterThan(RECORDS * 3_000);
      expect(found.sizeBytes, `at ${offset}`).toBeLessThan(RECORDS * 3_100);
      found.release();
    }
  };
  await readAll();
  Object.assign(counted, { reads: 0, readsAtOnce: 0 });
  await readAll();
  expect(counted).toMatchObject({ reads: BATCHES * RECORDS, readsAtOnce: 0 });
  await logs.close();
});

it("who reads on where a read has ended reads nothing twice, whoever else reads elsewhere", async () => {
  const { log, logs, counted } = await openFilledLog();
  const nextOf = new Map([0, 2, 6].map((batches) => [batches, batches * RECORDS]));
  const readOn = async (reader: number) => {
    const found = await log.read(nextOf.get(reader)!, { maxBytes: 64_000, minOneBatch: true, limit: "logEnd" });
    nextOf.set(reader, nextOf.get(reader)! + Math.round(found.sizeBytes / (RECORDS * 3_000)) * RECORDS);
    found.release();
    return found.sizeBytes;
  };
  for (const reader of nextOf.keys()) await readOn(reader);
  counted.bytes = 0;
  for (let reads = 0; reads < 5; reads++) {
    for (const reader of nextOf.keys()) {
      const sizeBytes = await readOn(reader);
      expect(sizeBytes).toBeGreaterThan(4 * RECORDS * 3_000);
      // What is asked for, and a header: whether the last batch is whole is not known before.
      expect(counted.bytes).toBeLessThanOrEqual(64_000 + 100);
      counted.bytes = 0;
    }
  }
  await logs.close();
});

it("readers that a disk does not answer hold up no append, no roll and no sync", async () => {
  const disk = createMemoryDisk();
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let waiting = 0;
  const open = disk.open.bind(disk);
  disk.open = async (path, options) => {
    const file = await open(path, options);
    const read = file.read.bind(file);
    file.read = async (target, position) => {
      waiting++;
      await answered;
      return await read(target, position);
    };
    return file;
  };
  const fixture = await openFixture({ disk, tailMemoryBytes: 0, config: { segmentBytes: 1_000 } });
  const log = await openLog(fixture);
  await append(log, batch());
  const readers = Array.from({ length: 20 }, () => log.read(0, READ_ALL));
  for (let i = 0; i < 50; i++) await append(log, batch());
  await log.flush();
  expect([waiting > 0, log.logEndOffset]).toEqual([true, 51]);
  expect((await fileNames(disk, "/data/topic-0")).filter((name) => name.endsWith(".log")).length).toBeGreaterThan(1);
  answer();
  for (const reader of readers) expect(offsetsOf(await reader)[0]).toEqual([0, 0]);
  await fixture.manager.close();
});
