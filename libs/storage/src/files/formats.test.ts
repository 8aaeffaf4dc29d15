import { crc32c } from "@ottla/protocol";
import { createMemoryDisk } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { OffsetIndex } from "../indexes/offset-index.ts";
import { TimeIndex } from "../indexes/time-index.ts";
import { TransactionIndex } from "../indexes/transaction-index.ts";
import { emptyProducerEntry, type ProducerEntry } from "../producers/producer-entry.ts";
import { CorruptSnapshot, decodeProducerSnapshot, encodeProducerSnapshot } from "../producers/producer-snapshot.ts";
import { readText, writeFile } from "../test-support/disks.ts";
import {
  readEpochCheckpoint,
  readOffsetCheckpoint,
  writeEpochCheckpoint,
  writeOffsetCheckpoint,
} from "./checkpoint-file.ts";
import { readCleanShutdownMark, takeCleanShutdownMark, writeCleanShutdownMark } from "./clean-shutdown.ts";
import { FileCache } from "./file-cache.ts";
import { readMetaProperties, writeMetaProperties } from "./meta-properties.ts";
import {
  deletedDirectoryName,
  isDeletedDirectoryName,
  isStrayDirectoryName,
  offsetFileName,
  offsetOfFileName,
  parsePartitionDirectoryName,
  strayDirectoryName,
} from "./names.ts";
import { readTopicId, writeTopicId } from "./partition-metadata.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function cacheOn(disk = createMemoryDisk()) {
  return { disk, files: new FileCache(disk, 10) };
}

describe("index files, byte by byte", () => {
  it("offset index: (relative offset int32, position int32)", async () => {
    const { disk, files } = cacheOn();
    const index = new OffsetIndex(files, "/a.index", 1000, 0);
    index.append(1005, 0);
    index.append(1260, 65_536);
    await index.index.save();
    expect(hex(await disk.readFile("/a.index"))).toBe("0000000500000000" + "0000010400010000");
  });

  it("time index: (timestamp int64, relative offset int32), timestamps ascending strictly", async () => {
    const { disk, files } = cacheOn();
    const index = new TimeIndex(files, "/a.timeindex", 1000, 0);
    index.maybeAppend(0x18bcfe56800, 1005);
    index.maybeAppend(0x18bcfe56800, 1006);
    index.maybeAppend(0x18bcfe56801, 1260);
    await index.index.save();
    expect(hex(await disk.readFile("/a.timeindex"))).toBe("0000018bcfe5680000000005" + "0000018bcfe5680100000104");
  });

  it("transaction index: (version int16, producer id, first, last, last stable offset int64)", async () => {
    const { disk, files } = cacheOn();
    const index = new TransactionIndex(files, "/a.txnindex", 0);
    await index.save();
    expect(await disk.stat("/a.txnindex")).toBeNull();
    index.append({ producerId: 7, firstOffset: 16, lastOffset: 32, lastStableOffset: 33 });
    await index.save();
    expect(hex(await disk.readFile("/a.txnindex"))).toBe(
      "0000" + "0000000000000007" + "0000000000000010" + "0000000000000020" + "0000000000000021",
    );
  });
});

describe("the producer snapshot", () => {
  const entry: ProducerEntry = {
    ...emptyProducerEntry(5),
    producerEpoch: 2,
    batches: [
      { firstSequence: 0, lastSequence: 4, firstOffset: 90, lastOffset: 94, timestampMs: 900 },
      { firstSequence: 5, lastSequence: 9, firstOffset: 100, lastOffset: 104, timestampMs: 1000 },
    ],
    lastTimestampMs: 1000,
    coordinatorEpoch: 3,
    transactionFirstOffset: 90,
  };

  it("is Kafka's ProducerSnapshot version 1, byte by byte", () => {
    const bytes = encodeProducerSnapshot(new Map([[5, { ...entry, batches: entry.batches.slice(-1) }]]));
    const body =
      "00000001" + // one entry
      "0000000000000005" + // producer id
      "0002" + // epoch
      "00000009" + // last sequence
      "0000000000000068" + // last offset
      "00000004" + // offset delta
      "00000000000003e8" + // timestamp
      "00000003" + // coordinator epoch
      "000000000000005a"; // first offset of the open transaction
    const crc = crc32c(Buffer.from(body, "hex"), 0, body.length / 2);
    expect(hex(bytes)).toBe(`0001${crc.toString(16).padStart(8, "0")}${body}`);
  });

  it("keeps the batches that a producer may still have in flight, and Kafka takes the last of its entries", () => {
    const other = emptyProducerEntry(6);
    const entries = decodeProducerSnapshot(
      encodeProducerSnapshot(
        new Map([
          [5, entry],
          [6, other],
        ]),
      ),
      77,
    );
    expect(entries).toEqual([
      { ...entry, lastActiveMs: 77 },
      { ...other, lastActiveMs: 77 },
    ]);
    const [first, last] = [10, 10 + 46].map((at) =>
      hex(encodeProducerSnapshot(new Map([[5, entry]])).subarray(at, at + 46)),
    );
    expect(first).toContain(`${"00000004"}${"000000000000005e"}`);
    expect(first!.slice(-16), "no open transaction in any but the last").toBe("ffffffffffffffff");
    expect(last).toContain(`${"00000009"}${"0000000000000068"}`);
  });

  it("knows the first sequence of a batch that wrapped around", () => {
    const wrapped = {
      ...entry,
      batches: [{ firstSequence: 2 ** 31 - 2, lastSequence: 1, firstOffset: 0, lastOffset: 3, timestampMs: 1000 }],
    };
    expect(decodeProducerSnapshot(encodeProducerSnapshot(new Map([[5, wrapped]])), 0)[0]!.batches).toEqual(
      wrapped.batches,
    );
  });

  it("is refused when any byte of it is different, or missing", () => {
    const bytes = encodeProducerSnapshot(new Map([[5, entry]]));
    for (let i = 0; i < bytes.length; i++) {
      const flipped = bytes.slice();
      flipped[i]! ^= 1;
      expect(() => decodeProducerSnapshot(flipped, 0)).toThrow(CorruptSnapshot);
      expect(() => decodeProducerSnapshot(bytes.subarray(0, i), 0)).toThrow(CorruptSnapshot);
    }
  });
});

describe("text files of a log directory", () => {
  it("offset checkpoints: version, count, then topic, partition, offset", async () => {
    const disk = createMemoryDisk();
    await writeOffsetCheckpoint(
      disk,
      "/c",
      new Map([
        ["orders 0", 42],
        ["a-b.c 11", 0],
      ]),
    );
    expect(await readText(disk, "/c")).toBe("0\n2\norders 0 42\na-b.c 11 0\n");
    expect(await readOffsetCheckpoint(disk, "/c")).toEqual(
      new Map([
        ["orders 0", 42],
        ["a-b.c 11", 0],
      ]),
    );
    expect(await readOffsetCheckpoint(disk, "/absent")).toEqual(new Map());
  });

  it("leader-epoch-checkpoint: version, count, then epoch and start offset", async () => {
    const disk = createMemoryDisk();
    const entries = [
      { epoch: 0, startOffset: 0 },
      { epoch: 7, startOffset: 100 },
    ];
    await writeEpochCheckpoint(disk, "/e", entries);
    expect(await readText(disk, "/e")).toBe("0\n2\n0 0\n7 100\n");
    expect(await readEpochCheckpoint(disk, "/e")).toEqual(entries);
  });

  it.each([["1\n0\n"], ["0\n2\norders 0 42\n"], ["0\n1\norders zero 42\n"], ["junk"]])(
    "refuses a checkpoint that reads %j, and names the file",
    async (content) => {
      const disk = createMemoryDisk();
      await writeFile(disk, "/c", content);
      await expect(readOffsetCheckpoint(disk, "/c")).rejects.toThrow(/^\/c cannot be used/);
    },
  );

  it("partition.metadata", async () => {
    const disk = createMemoryDisk();
    await writeTopicId(disk, "/", "0AAAAAAAAAAAAAAAAAAAAQ");
    expect(await readText(disk, "/partition.metadata")).toBe("version: 0\ntopic_id: 0AAAAAAAAAAAAAAAAAAAAQ");
    expect(await readTopicId(disk, "/")).toBe("0AAAAAAAAAAAAAAAAAAAAQ");
    await writeFile(disk, "/partition.metadata", "version: 9\ntopic_id: x");
    await expect(readTopicId(disk, "/")).rejects.toThrow(/partition.metadata cannot be used/);
  });

  it.each(["", "short", "0AAAAAAAAAAAAAAAAAAAA", "0AAAAAAAAAAAAAAAAAAAA*", "0AAAAAAAAAAAAAAAAAAAAQA"])(
    "partition.metadata with %j for a topic id is damaged, not another topic's",
    async (id) => {
      const disk = createMemoryDisk();
      await writeFile(disk, "/partition.metadata", `version: 0\ntopic_id: ${id}`);
      await expect(readTopicId(disk, "/")).rejects.toThrow(/partition.metadata cannot be used/);
    },
  );

  it("meta.properties: what we write, and what Kafka writes", async () => {
    const disk = createMemoryDisk();
    const meta = { clusterId: "Mk3OEYBSQhWKgg", nodeId: 3, directoryId: "d1r" };
    await writeMetaProperties(disk, "/", meta);
    expect(await readText(disk, "/meta.properties")).toBe(
      "#\nversion=1\ncluster.id=Mk3OEYBSQhWKgg\nnode.id=3\ndirectory.id=d1r\n",
    );
    expect(await readMetaProperties(disk, "/")).toEqual(meta);
    const kafkas = "#\n#Tue Nov 19 10:00:00 UTC 2024\nbroker.id=2\nversion=0\ncluster.id=a\\:b\n";
    await writeFile(disk, "/meta.properties", kafkas);
    expect(await readMetaProperties(disk, "/")).toEqual({ clusterId: "a:b", nodeId: 2 });
    await writeFile(disk, "/meta.properties", "version=1\n");
    await expect(readMetaProperties(disk, "/")).rejects.toThrow(/no cluster.id/);
  });

  it(".kafka_cleanshutdown is seen once", async () => {
    const disk = createMemoryDisk();
    expect(await takeCleanShutdownMark(disk, "/")).toBe(false);
    expect(await readCleanShutdownMark(disk, "/")).toBeNull();
    await writeCleanShutdownMark(disk, "/", 42);
    expect(await readText(disk, "/.kafka_cleanshutdown")).toBe('{"version":0,"brokerEpoch":42}');
    expect(await readCleanShutdownMark(disk, "/")).toBe(42);
    expect(await takeCleanShutdownMark(disk, "/")).toBe(true);
    expect(await takeCleanShutdownMark(disk, "/")).toBe(false);
  });

  it.each(["", "{}", '{"version":0,"brokerEpoch":"x"}', "null"])(
    ".kafka_cleanshutdown with %j tells no epoch",
    async (content) => {
      const disk = createMemoryDisk();
      await writeFile(disk, "/.kafka_cleanshutdown", content);
      expect(await readCleanShutdownMark(disk, "/")).toBe(-1);
    },
  );
});

describe("names", () => {
  it("of segment files carry the base offset in 20 digits", () => {
    expect(offsetFileName(42, ".log")).toBe("00000000000000000042.log");
    expect(offsetOfFileName("00000000000000000042.log", ".log")).toBe(42);
    expect(offsetOfFileName("00000000000000000042.index", ".log")).toBeNull();
    expect(offsetOfFileName("42.log", ".log")).toBeNull();
    expect(offsetOfFileName("00000000000000000042.log.deleted", ".log")).toBeNull();
  });

  it("of partition directories split at the last dash", () => {
    expect(parsePartitionDirectoryName("my-topic-3")).toEqual({ topic: "my-topic", partition: 3 });
    expect(parsePartitionDirectoryName("__consumer_offsets-49")).toEqual({
      topic: "__consumer_offsets",
      partition: 49,
    });
    expect(parsePartitionDirectoryName("lost+found")).toBeNull();
  });

  it("of deleted and stray directories fit a file system and are told apart", () => {
    const id = "0123456789abcdef0123456789abcdef";
    expect(deletedDirectoryName("orders", 2, id)).toBe(`orders-2.${id}-delete`);
    expect(deletedDirectoryName("x".repeat(249), 2, id)).toHaveLength(255);
    expect(isDeletedDirectoryName(`orders-2.${id}-delete`)).toBe(true);
    expect(isDeletedDirectoryName("orders-delete-2")).toBe(false);
    expect(parsePartitionDirectoryName(`orders-2.${id}-delete`)).toBeNull();
    expect(isStrayDirectoryName(strayDirectoryName("orders", 2, id))).toBe(true);
    expect(parsePartitionDirectoryName(strayDirectoryName("orders", 2, id))).toBeNull();
  });
});
