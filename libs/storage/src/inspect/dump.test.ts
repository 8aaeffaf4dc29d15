import type { Disk } from "@ottla/runtime";
import { expect, it } from "vitest";
import { writeMetaProperties } from "../files/meta-properties.ts";
import { batch, marker, sequenced } from "../test-support/batches.ts";
import { appendAll, COMPACTED, closeSegment } from "../test-support/compaction.ts";
import { fileNames } from "../test-support/disks.ts";
import { append, DIRECTORY, openFixture, openLog, START_MS, TOPIC_ID } from "../test-support/fixture.ts";
import { type DumpEntry, dumpFile, UnknownLogFile } from "./dump.ts";

const PRODUCER = { producerId: 7 };

/** A directory that was closed, with a file of every kind: a log that was compacted, one with an aborted transaction. */
async function closedDirectory(): Promise<Disk> {
  const fixture = await openFixture({ config: { ...COMPACTED, indexIntervalBytes: 0 } });
  const compacted = await openLog(fixture, "compacted");
  await appendAll(compacted, "a=1 b=1", "a=2");
  await closeSegment(compacted);
  expect(await fixture.manager.compactDirtiest()).toBe(true);
  const aborted = await openLog(fixture, "aborted", 3);
  await append(aborted, sequenced(PRODUCER, 0, 2, true), 4);
  await aborted.appendAsLeader(marker(PRODUCER, "abort", 9), { leaderEpoch: 4, origin: "control" }).written;
  aborted.setHighWatermark(3);
  await append(aborted, batch(), 5);
  await aborted.advanceLogStartOffset(1);
  await writeMetaProperties(fixture.disk, DIRECTORY, { clusterId: "MkU3OEVBNTcwNTJENDM2Qg", nodeId: 4 });
  await fixture.manager.close();
  return fixture.disk;
}

async function dumped(disk: Disk, path: string): Promise<DumpEntry[]> {
  const entries: DumpEntry[] = [];
  for await (const entry of dumpFile(disk, path, { records: true })) entries.push(entry);
  return entries;
}

const checkpoint = (topic: string, partition: number, offset: number) => ({
  kind: "checkpoint",
  fields: { topic, partition, offset },
});
const property = (key: string, value: string) => ({ kind: "property", fields: { [key]: value } });
const indexed = (offset: number, position: number) => ({ kind: "offsetIndexEntry", fields: { offset, position } });
const timed = (timestampMs: number, offset: number) => ({ kind: "timeIndexEntry", fields: { timestampMs, offset } });
const epoch = (number: number, startOffset: number) => ({
  kind: "leaderEpoch",
  fields: { epoch: number, startOffset },
});
const batchAt = (baseOffset: number, lastOffset: number, more: object = {}) => ({
  kind: "batch",
  fields: expect.objectContaining({ baseOffset, lastOffset, isValid: true, ...more }),
});
const recordAt = (offset: number, more: object = {}) => ({
  kind: "record",
  fields: expect.objectContaining({ offset, ...more }),
});
const PARTITION_METADATA = [property("version", "0"), property("topic_id", TOPIC_ID)];
const FIRST = "00000000000000000000";

/** What each file of the directory holds. The name tells what kind of file it is, also behind a `.deleted`. */
const EXPECTED: Readonly<Record<string, readonly object[]>> = {
  "cleaner-offset-checkpoint": [checkpoint("compacted", 0, 4)],
  "log-start-offset-checkpoint": [checkpoint("aborted", 3, 1)],
  "recovery-point-offset-checkpoint": [checkpoint("compacted", 0, 5), checkpoint("aborted", 3, 4)],
  "replication-offset-checkpoint": [checkpoint("compacted", 0, 5), checkpoint("aborted", 3, 3)],
  "meta.properties": [
    property("version", "1"),
    property("cluster.id", "MkU3OEVBNTcwNTJENDM2Qg"),
    property("node.id", "4"),
  ],
  [`aborted-3/${FIRST}.index`]: [indexed(2, 105), indexed(3, 183)],
  [`aborted-3/${FIRST}.log`]: [
    batchAt(0, 1, { producerId: 7, isTransactional: true, maxTimestampMs: START_MS + 1 }),
    recordAt(0),
    recordAt(1, { keyBytes: 5, valueBytes: 10 }),
    batchAt(2, 2, { isControl: true, partitionLeaderEpoch: 4 }),
    recordAt(2, { control: "abort", coordinatorEpoch: 9 }),
    batchAt(3, 3, { producerId: -1, partitionLeaderEpoch: 5 }),
    recordAt(3),
  ],
  [`aborted-3/${FIRST}.timeindex`]: [timed(START_MS + 1, 1)],
  [`aborted-3/${FIRST}.txnindex`]: [
    {
      kind: "abortedTransaction",
      fields: { version: 0, producerId: 7, firstOffset: 0, lastOffset: 2, lastStableOffset: 3 },
    },
  ],
  "aborted-3/00000000000000000004.snapshot": [
    { kind: "producer", fields: expect.objectContaining({ producerId: 7, coordinatorEpoch: 9, lastSequence: 1 }) },
  ],
  "aborted-3/leader-epoch-checkpoint": [epoch(4, 1), epoch(5, 3)],
  "aborted-3/partition.metadata": PARTITION_METADATA,
  [`compacted-0/${FIRST}.index`]: [indexed(2, 70), indexed(3, 140)],
  [`compacted-0/${FIRST}.index.deleted`]: [indexed(2, 79), indexed(3, 149)],
  [`compacted-0/${FIRST}.log`]: [
    batchAt(0, 1, { count: 1 }),
    recordAt(1),
    batchAt(2, 2),
    recordAt(2),
    batchAt(3, 3),
    recordAt(3),
  ],
  [`compacted-0/${FIRST}.log.deleted`]: [
    batchAt(0, 1, { count: 2 }),
    recordAt(0),
    recordAt(1),
    batchAt(2, 2),
    recordAt(2),
    batchAt(3, 3),
    recordAt(3),
  ],
  [`compacted-0/${FIRST}.timeindex`]: [timed(START_MS, 1)],
  [`compacted-0/${FIRST}.timeindex.deleted`]: [timed(START_MS, 1)],
  [`compacted-0/${FIRST}.txnindex`]: [],
  "compacted-0/00000000000000000004.index": [],
  "compacted-0/00000000000000000004.log": [batchAt(4, 4), recordAt(4)],
  "compacted-0/00000000000000000004.snapshot": [],
  "compacted-0/00000000000000000004.timeindex": [timed(START_MS, 4)],
  "compacted-0/00000000000000000005.snapshot": [],
  "compacted-0/leader-epoch-checkpoint": [epoch(0, 0)],
  "compacted-0/partition.metadata": PARTITION_METADATA,
};

/** Says by being there, or by being held, all that it has to say. */
const MARKS = [".kafka_cleanshutdown", ".lock"];

async function filesOf(disk: Disk): Promise<string[]> {
  const directories = ["aborted-3", "compacted-0"];
  const own = (await fileNames(disk, DIRECTORY)).filter((name) => !directories.includes(name));
  const within = directories.map(async (name) =>
    (await fileNames(disk, `${DIRECTORY}/${name}`)).map((file) => `${name}/${file}`),
  );
  return [...own, ...(await Promise.all(within)).flat()].filter((name) => !MARKS.includes(name));
}

it("shows what each file of a directory holds that was closed", async () => {
  const disk = await closedDirectory();
  expect(await filesOf(disk)).toEqual(Object.keys(EXPECTED).sort(byDirectory));
  for (const [path, expected] of Object.entries(EXPECTED)) {
    expect(await dumped(disk, `${DIRECTORY}/${path}`), path).toEqual(expected);
  }
});

/** Those of the directory itself first. */
function byDirectory(a: string, b: string): number {
  const depth = Number(a.includes("/")) - Number(b.includes("/"));
  return depth === 0 ? (a < b ? -1 : 1) : depth;
}

it("knows no other names", async () => {
  const disk = await closedDirectory();
  for (const name of [...MARKS, "notes.txt", "some-offset-checkpoint", "000.log"]) {
    await expect(dumped(disk, `${DIRECTORY}/${name}`)).rejects.toThrow(UnknownLogFile);
  }
});

it("says what cannot be right in a checkpoint, and in which file", async () => {
  const disk = await closedDirectory();
  const path = `${DIRECTORY}/cleaner-offset-checkpoint`;
  const file = await disk.open(path);
  await file.write([new TextEncoder().encode("0\n1\ncompacted 0 x\n")], 0);
  await file.close();
  await expect(dumped(disk, path)).rejects.toMatchObject({ name: "LogDirectoryCorrupt", path });
});
