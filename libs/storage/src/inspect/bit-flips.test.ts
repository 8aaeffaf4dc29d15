import { readRecordBatch } from "@ottla/protocol";
import {
  BASE_OFFSET_POSITION,
  batchSizeAt,
  CRC_POSITION,
  MAGIC_POSITION,
  PARTITION_LEADER_EPOCH_POSITION,
} from "@ottla/protocol/internal";
import type { Disk } from "@ottla/runtime";
import { beforeAll, describe, expect, it } from "vitest";
import { batch, concat, marker, sequenced } from "../test-support/batches.ts";
import { copyDisk, writeFile } from "../test-support/disks.ts";
import { append, openFixture, openLog, readAll, START_MS } from "../test-support/fixture.ts";
import { verifyDirectory } from "./verify.ts";

/* docs/corruption.md says what these tests show. */

const PARTITION = "/data/topic-0";
const SEGMENT = `${PARTITION}/00000000000000000000`;
const CONFIG = { indexIntervalBytes: 100 };

interface Flip {
  readonly byte: number;
  readonly mask: number;
}

/** A segment of six batches with an aborted transaction and two leader epochs, closed in good order. */
async function smallSegment(): Promise<Disk> {
  const fixture = await openFixture({ config: CONFIG });
  const log = await openLog(fixture);
  const producer = { producerId: 7 };
  await append(log, batch({ count: 2, valueBytes: 3, timestampMs: START_MS }), 1);
  await append(log, sequenced(producer, 0, 1, true), 1);
  await append(log, batch({ valueBytes: 3, timestampMs: START_MS + 10 }), 1);
  await log.appendAsLeader(marker(producer, "abort"), { leaderEpoch: 2, origin: "control" }).written;
  await append(log, batch({ valueBytes: 3, timestampMs: START_MS + 20 }), 2);
  await append(log, batch({ valueBytes: 3, timestampMs: START_MS + 30 }), 2);
  log.setHighWatermark(log.logEndOffset);
  await fixture.manager.close();
  return fixture.disk;
}

/** The content with each single bit flipped, one after the other. */
async function forEachFlip(content: Uint8Array, action: (flip: Flip, damaged: Uint8Array) => Promise<void>) {
  for (let byte = 0; byte < content.length; byte++) {
    for (let mask = 1; mask < 256; mask <<= 1) {
      const damaged = content.slice();
      damaged[byte]! ^= mask;
      await action({ byte, mask }, damaged);
    }
  }
}

function batchStarts(content: Uint8Array): number[] {
  const starts: number[] = [];
  for (let at = 0; at < content.length; at += batchSizeAt(content, at)) starts.push(at);
  return starts;
}

/** The batch that a byte lies in, and the byte's place in it. */
function placeOf(starts: readonly number[], byte: number) {
  const index = starts.findLastIndex((start) => start <= byte);
  return { index, at: byte - starts[index]! };
}

async function damagesOf(disk: Disk): Promise<number> {
  return (await verifyDirectory(disk, "/data")).damages.length;
}

/** Offset and value of every record that a reader who checks CRCs takes from these bytes before it meets an error. */
async function recordsIn(bytes: Uint8Array): Promise<string[]> {
  const records: string[] = [];
  try {
    for (let at = 0; at < bytes.length; at += batchSizeAt(bytes, at)) {
      for (const { offset, timestampMs, key, value } of await readRecordBatch(bytes, at)) {
        records.push(`${offset} ${timestampMs} ${key} ${value}`);
      }
    }
  } catch {
    // What comes behind a corrupt batch is not read.
  }
  return records;
}

/** Each test opens the log some thousand times. */
describe("a single flipped bit", { timeout: 120_000 }, () => {
  let whole: Disk;
  let left: Disk;
  let log: Uint8Array;
  let starts: number[];
  let records: string[];

  beforeAll(async () => {
    whole = await smallSegment();
    left = await copyDisk(whole);
    log = await whole.readFile(`${SEGMENT}.log`);
    starts = batchStarts(log);
    records = await recordsIn(log);
    expect(await damagesOf(whole)).toBe(0);
    expect(starts).toHaveLength(6);
  });

  /** Opens a damaged directory as a kill would have left it: everything is read and checked. */
  async function recover(disk: Disk) {
    const copy = await copyDisk(disk);
    await copy.remove("/data/.kafka_cleanshutdown");
    await copy.remove("/data/recovery-point-offset-checkpoint");
    const fixture = await openFixture({ disk: copy, config: CONFIG, tailMemoryBytes: 0 });
    return { fixture, log: fixture.manager.get("topic", 0)! };
  }

  it("in the log: one that the CRC covers is found, and yields no wrong record", async () => {
    await forEachFlip(log, async ({ byte, mask }, damaged) => {
      const { index, at } = placeOf(starts, byte);
      if (at < MAGIC_POSITION) return;
      const what = `bit ${mask} of byte ${at} of batch ${index}`;
      await writeFile(left, `${SEGMENT}.log`, damaged);
      expect(await damagesOf(left), what).toBeGreaterThan(0);
      const read = await recordsIn(damaged);
      expect(read, what).toEqual(records.slice(0, read.length));
      const { fixture, log: recovered } = await recover(left);
      const kept = await readAll(recovered);
      expect(Buffer.compare(kept, log.subarray(0, starts[index])), what).toBe(0);
      await fixture.manager.close();
    });
  });

  it("in the log: one outside the CRC is found but where docs/corruption.md says so", async () => {
    const undetected = new Set<string>();
    await forEachFlip(log, async ({ byte }, damaged) => {
      const { index, at } = placeOf(starts, byte);
      if (at >= CRC_POSITION) return;
      await writeFile(left, `${SEGMENT}.log`, damaged);
      if ((await damagesOf(left)) > 0) return;
      const field =
        at < BASE_OFFSET_POSITION + 8
          ? "base offset"
          : at < PARTITION_LEADER_EPOCH_POSITION
            ? "length"
            : "leader epoch";
      undetected.add(`${field} of batch ${index}`);
    });
    expect([...undetected].sort()).toEqual(["leader epoch of batch 5"]);
  });

  it("in the log, once it has been recovered: offsets ascend, and every batch is one that was written", async () => {
    const written = new Set(starts.map((start, i) => String(log.subarray(start + MAGIC_POSITION, starts[i + 1]))));
    await forEachFlip(log, async ({ byte }, damaged) => {
      if (placeOf(starts, byte).at >= CRC_POSITION) return;
      await writeFile(left, `${SEGMENT}.log`, damaged);
      const { fixture, log: recovered } = await recover(left);
      const kept = await readAll(recovered);
      for (const start of batchStarts(kept)) {
        expect(written).toContain(String(kept.subarray(start + MAGIC_POSITION, start + batchSizeAt(kept, start))));
      }
      await fixture.manager.close();
      const found = await verifyDirectory(fixture.disk, "/data");
      expect(found.damages).toEqual([]);
    });
  });

  it.each([
    [".index", []],
    [".timeindex", []],
    [".txnindex", ["last stable offset"]],
  ])("in the %s is found, and a recovery makes the index anew", async (suffix, exceptions) => {
    await writeFile(left, `${SEGMENT}.log`, log);
    const content = await whole.readFile(SEGMENT + suffix);
    expect(content.length).toBeGreaterThan(0);
    const undetected = new Set<string>();
    await forEachFlip(content, async ({ byte, mask }, damaged) => {
      await writeFile(left, SEGMENT + suffix, damaged);
      const isFound = (await damagesOf(left)) > 0;
      if (!isFound)
        undetected.add(suffix === ".txnindex" && byte >= 26 ? "last stable offset" : `byte ${byte} ${mask}`);
      const { fixture, log: recovered } = await recover(left);
      expect(await readAll(recovered), `${byte} ${mask}`).toEqual(log);
      await fixture.manager.close();
      expect((await verifyDirectory(fixture.disk, "/data")).damages).toEqual([]);
    });
    expect([...undetected]).toEqual(exceptions);
    await writeFile(left, SEGMENT + suffix, content);
  });

  it.each([".index", ".timeindex"])(
    "in the %s of a log that was closed well yields no wrong record",
    async (suffix) => {
      const content = await whole.readFile(SEGMENT + suffix);
      await forEachFlip(content, async (_flip, damaged) => {
        const disk = await copyDisk(whole);
        await writeFile(disk, SEGMENT + suffix, damaged);
        const fixture = await openFixture({ disk, config: CONFIG, tailMemoryBytes: 0 });
        const opened = fixture.manager.get("topic", 0)!;
        for (let offset = 0; offset < opened.logEndOffset; offset++) {
          const read = await opened.read(offset, { maxBytes: 1, minOneBatch: true, limit: "logEnd" });
          for (const record of await recordsIn(concat(read.chunks))) expect(records).toContain(record);
          read.release();
        }
        await fixture.manager.close();
      });
    },
  );

  it("in a producer snapshot is found, and the state is read from the log instead", async () => {
    const path = `${PARTITION}/00000000000000000007.snapshot`;
    const content = await whole.readFile(path);
    await writeFile(left, `${SEGMENT}.log`, log);
    await forEachFlip(content, async (_flip, damaged) => {
      await writeFile(left, path, damaged);
      expect(await damagesOf(left)).toBe(1);
    });
    const { fixture, log: recovered } = await recover(left);
    const repeated = recovered.appendAsLeader(sequenced({ producerId: 7 }, 0, 1, true), {
      leaderEpoch: 2,
      origin: "client",
    });
    expect([repeated.isDuplicate, repeated.baseOffset]).toEqual([true, 2]);
    await fixture.manager.close();
  });
});
