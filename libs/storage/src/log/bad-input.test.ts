import { encodeRecordBatch, RecordBatchBuilder } from "@ottla/protocol";
import {
  checkBatchIntegrity,
  isLogAppendTimeAt,
  maxTimestampAt,
  setLogAppendTime,
  setMaxTimestamp,
  writeBatchCrc,
} from "@ottla/protocol/internal";
import { describe, expect, it } from "vitest";
import { AppendRejected } from "../log-errors.ts";
import { batch, concat, sequenced } from "../test-support/batches.ts";
import { append, openFixture, openLog, readAll, START_MS } from "../test-support/fixture.ts";

function changed(change: (view: DataView, bytes: Uint8Array) => void, options: { fixCrc?: boolean } = {}): Uint8Array {
  const bytes = batch({ count: 3 }).slice();
  change(new DataView(bytes.buffer), bytes);
  if (options.fixCrc) writeBatchCrc(bytes, 0);
  return bytes;
}

function encodeCompressed(timestampMs: number) {
  const builder = new RecordBatchBuilder();
  builder.append("k", "v", [], timestampMs);
  return builder.close({ compression: "gzip" });
}

const HOUR_MS = 3_600_000;

const stampedAt = (timestampMs: number) => (bytes: Uint8Array) => {
  setLogAppendTime(bytes, 0, timestampMs);
  return bytes;
};

const withCrc = (change: (view: DataView, bytes: Uint8Array) => void) => changed(change, { fixCrc: true });

/** Says that it has `count` records, as its last offset does. */
const counting = (count: number) =>
  withCrc((view) => {
    view.setInt32(23, count - 1);
    view.setInt32(57, count);
  });

/** Each of the three records: a length, attributes, two deltas, "key-N" and ten bytes with their lengths, no headers. */
const RECORD_BYTES = 22;
const [FIRST_RECORD, LAST_RECORD] = [61, 61 + 2 * RECORD_BYTES];

/** A number of one byte in a record is another. */
const withVarint = (position: number, value: number) =>
  withCrc((view) => view.setUint8(position, value < 0 ? -2 * value - 1 : 2 * value));

function withBytesLeft(count: number): Uint8Array {
  const bytes = concat([batch({ count: 3 }), new Uint8Array(count)]);
  new DataView(bytes.buffer).setInt32(8, bytes.length - 12);
  writeBatchCrc(bytes, 0);
  return bytes;
}

/** What is wrong, the bytes, Kafka's error code, and what the message must say. */
const table: [string, () => Uint8Array, number, RegExp][] = [
  ["nothing at all", () => new Uint8Array(0), 87, /no record batch/],
  ["a truncated header", () => batch().subarray(0, 15), 2, /^15 bytes are too few for the header/],
  ["a header that is there in part", () => batch().subarray(0, 20), 2, /claims 83 bytes, 20 are there/],
  ["a truncated batch", () => batch().subarray(0, -1), 2, /claims 83 bytes, 82 are there/],
  ["bytes after the batch", () => concat([batch(), new Uint8Array(5)]), 2, /^5 bytes are too few/],
  ["magic 1", () => changed((view) => view.setInt8(16, 1)), 43, /\(magic\) 1 are not supported/],
  ["magic 3", () => changed((view) => view.setInt8(16, 3)), 2, /\(magic\) 3 does not exist/],
  ["a wrong CRC", () => changed((view) => view.setUint32(17, 0x12)), 2, /CRC is 0x[0-9a-f]{8}, .* says 0x00000012$/],
  ["a wrong byte in a record", () => changed((view) => view.setInt8(80, 99)), 2, /CRC is 0x[0-9a-f]{8}, /],
  ["a length below the header's", () => changed((view) => view.setInt32(8, 10)), 2, /claims 22 bytes, .* has 61/],
  ["a negative length", () => changed((view) => view.setInt32(8, -1)), 2, /claims 11 bytes/],
  ["no records", () => withCrc((view) => view.setInt32(57, 0)), 87, /claims 0 records/],
  ["a negative count", () => withCrc((view) => view.setInt32(57, -3)), 87, /claims -3 records/],
  ["too large an offset delta", () => withCrc((view) => view.setInt32(23, 7)), 87, /delta 7 .* with 3 records/],
  ["a negative offset delta", () => withCrc((view) => view.setInt32(23, -1)), 87, /delta -1 .* with 3 records/],
  ["an unknown codec", () => withCrc((view) => view.setInt16(21, 6)), 76, /codec id 6/],
  ["a control batch", () => withCrc((view) => view.setInt16(21, 0x20)), 87, /control records/],
  ["a producer without a sequence", () => withCrc((view) => view.setBigInt64(43, 9n)), 87, /sequence -1 .* id 9$/],
  ["a transaction without a producer", () => withCrc((view) => view.setInt16(21, 0x10)), 87, /needs a producer id/],
  ["fewer records than it says", () => counting(4), 87, /record 4 of 4: it has 0 bytes .*, -1 are left/],
  ["more records than it says", () => counting(2), 87, /22 bytes are left after its 2 records/],
  ["bytes after its records", () => withBytesLeft(5), 87, /5 bytes are left after its 3 records/],
  [
    "a record longer than the batch",
    () => withVarint(LAST_RECORD, 63),
    87,
    /record 3 of 3: it has 63 bytes .*, 21 are/,
  ],
  ["a record of a negative length", () => withVarint(FIRST_RECORD, -3), 87, /record 1 of 3: it has -3 bytes/],
  ["a record of no bytes", () => withVarint(FIRST_RECORD, 0), 87, /record 1 of 3: it has 0 bytes/],
  ["an offset out of order", () => withVarint(LAST_RECORD + 3, 1), 87, /record 3 of 3: its offset delta is 1$/],
  ["a key longer than its record", () => withVarint(FIRST_RECORD + 4, 20), 87, /its key has 20 bytes .*, 17 are/],
  ["a value longer than its record", () => withVarint(FIRST_RECORD + 10, 12), 87, /its value has 12 bytes .*, 11 are/],
  ["a value of -2 bytes", () => withVarint(FIRST_RECORD + 10, -2), 87, /its value has -2 bytes/],
  [
    "a record that is not filled",
    () => withVarint(FIRST_RECORD + 10, 9),
    87,
    /1 of 3: 1 bytes are left after its parts/,
  ],
  ["parts beyond their record", () => withVarint(FIRST_RECORD, 20), 87, /1 of 3: its parts go 1 bytes beyond/],
  [
    "headers that are not there",
    () => withVarint(LAST_RECORD + 21, 1),
    87,
    /record 3 of 3: it has 1 headers .* 0 bytes/,
  ],
  ["a negative count of headers", () => withVarint(FIRST_RECORD + 21, -1), 87, /record 1 of 3: it has -1 headers/],
  [
    "a timestamp too far ahead",
    () => batch({ timestampMs: START_MS + HOUR_MS + 1 }),
    32,
    new RegExp(`out of range, .* ${START_MS + HOUR_MS}\\]$`),
  ],
  ["more than max.message.bytes", () => batch({ valueBytes: 2000 }), 10, /2075 bytes, max.message.bytes is 1500/],
  [
    "more than segment.bytes",
    () => concat(Array.from({ length: 40 }, () => batch({ valueBytes: 50 }))),
    18,
    /^4920 bytes .* 4000 bytes \(segment.bytes\)/,
  ],
];

describe("what a producer must not send", () => {
  it.each(table)("%s", async (_name, bytes, errno, message) => {
    const fixture = await openFixture({ config: { maxMessageBytes: 1500, segmentBytes: 4000 } });
    const log = await openLog(fixture);
    await append(log, batch({ count: 2 }));
    const before = await readAll(log);
    const attempt = () => log.appendAsLeader(bytes(), { leaderEpoch: 0, origin: "client" });
    expect(attempt).toThrow(AppendRejected);
    expect(attempt).toThrow(expect.objectContaining({ errno, message: expect.stringMatching(message) }));
    expect((await append(log, batch())).baseOffset).toBe(2);
    expect(Buffer.compare((await readAll(log)).subarray(0, before.length), before)).toBe(0);
    await fixture.manager.close();
  });

  it("LogAppendTime set by the producer where the broker sets the time, and is told of each record", async () => {
    const fixture = await openFixture({ config: { messageTimestampType: "LogAppendTime" } });
    const log = await openLog(fixture);
    const stamped = () => changed((_, bytes) => setLogAppendTime(bytes, 0, START_MS));
    await expect(append(log, stamped())).rejects.toMatchObject({
      errno: 32,
      message: expect.stringMatching(/LogAppendTime/),
      recordErrors: [0, 1, 2].map((batchIndex) => expect.objectContaining({ batchIndex })),
    });
    const compressed = (await encodeCompressed(START_MS)) as Uint8Array;
    setLogAppendTime(compressed, 0, START_MS);
    await expect(append(log, compressed)).rejects.toMatchObject({ errno: 32, recordErrors: [] });
    await fixture.manager.close();
  });

  it("a batch at fault keeps out those before it in the call", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    const bad = changed((view) => view.setUint32(17, 0));
    expect(() => log.appendAsLeader(concat([batch(), batch(), bad]), { leaderEpoch: 0, origin: "client" })).toThrow();
    expect((await append(log, batch())).baseOffset).toBe(0);
    await fixture.manager.close();
  });

  it("a compacted topic takes no record without a key, and is told which have none", async () => {
    const fixture = await openFixture({ config: { cleanupPolicy: ["compact", "delete"] } });
    const log = await openLog(fixture);
    await append(log, batch());
    const [key, value] = [new Uint8Array(3), new Uint8Array(5)];
    const keyless = encodeRecordBatch({ records: [{ key, value }, { value }, { key, value: null }, { value }] });
    const attempt = () => log.appendAsLeader(keyless, { leaderEpoch: 0, origin: "client" });
    expect(attempt).toThrow(
      expect.objectContaining({
        errno: 87,
        recordErrors: [1, 3].map((batchIndex) => expect.objectContaining({ batchIndex })),
      }),
    );
    await fixture.manager.close();
  });

  it("takes a timestamp from too long ago only where message.timestamp.before.max.ms allows it", async () => {
    const fixture = await openFixture({ config: { messageTimestampBeforeMaxMs: 1000 } });
    const log = await openLog(fixture);
    await append(log, batch({ timestampMs: START_MS - 1000 }));
    await append(log, batch({ timestampMs: -1 }));
    const attempt = () =>
      log.appendAsLeader(batch({ timestampMs: START_MS - 1001 }), { leaderEpoch: 0, origin: "client" });
    expect(attempt).toThrow(expect.objectContaining({ errno: 32 }));
    await fixture.manager.close();
  });

  it("is told which records are out of time, whatever the base timestamp of their batch", async () => {
    const fixture = await openFixture({
      config: { messageTimestampBeforeMaxMs: 1000, messageTimestampAfterMaxMs: 1000, cleanupPolicy: ["compact"] },
    });
    const log = await openLog(fixture);
    const at = (offsetMs: number, key: string | null = "k") => ({ key, value: "v", timestampMs: START_MS + offsetMs });
    const attempt = (...records: ReturnType<typeof at>[]) => append(log, encodeRecordBatch({ records }));
    const refused = (errno: number, ...indexes: number[]) => ({
      errno,
      recordErrors: indexes.map((batchIndex) => expect.objectContaining({ batchIndex })),
    });
    await expect(attempt(at(0), at(-1001), at(1000), at(1001))).rejects.toMatchObject(refused(32, 1, 3));
    await expect(attempt(at(0, null), at(-1001), at(1001, null))).rejects.toMatchObject(refused(32, 0, 1, 2));
    await expect(attempt(at(0, null), at(0))).rejects.toMatchObject(refused(87, 0));
    const base = changed((view) => view.setBigInt64(27, BigInt(START_MS - 2000)), { fixCrc: true });
    // All its records are two seconds older now, though its header says nothing of it.
    await expect(append(log, base)).rejects.toMatchObject(refused(32, 0, 1, 2));
    expect(log.logEndOffset).toBe(0);
    await fixture.manager.close();
  });

  it("a compressed batch whose youngest record is out of time is refused by its header", async () => {
    const fixture = await openFixture({ config: { messageTimestampBeforeMaxMs: 1000 } });
    const log = await openLog(fixture);
    const old = (await encodeCompressed(START_MS - 2000)) as Uint8Array;
    await expect(append(log, old)).rejects.toMatchObject({ errno: 32, recordErrors: [] });
    await fixture.manager.close();
  });

  it("undoes the first of two batches of a producer when the second is out of order", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    const producer = { producerId: 3 };
    const both = concat([sequenced(producer, 0, 2), sequenced(producer, 5, 2)]);
    expect(() => log.appendAsLeader(both, { leaderEpoch: 0, origin: "client" })).toThrow(
      expect.objectContaining({ errno: 45 }),
    );
    expect(await append(log, sequenced(producer, 0, 2))).toMatchObject({ baseOffset: 0, isDuplicate: false });
    await fixture.manager.close();
  });
});

/** A batch whose header says that `maxTimestampMs` is the largest timestamp. */
function claiming(maxTimestampMs: number, bytes: Uint8Array): Uint8Array {
  setMaxTimestamp(bytes, 0, maxTimestampMs);
  return bytes;
}

const threeAt = (timestampMs: number) => batch({ count: 3, timestampMs });
const compressedAt = async (timestampMs: number) => (await encodeCompressed(timestampMs)) as Uint8Array;
const YEAR_3000_MS = Date.UTC(3000, 0, 1);

describe("a header that is wrong about times", () => {
  it.each<[string, () => Uint8Array | Promise<Uint8Array>, number]>([
    ["too large", () => claiming(YEAR_3000_MS, threeAt(START_MS)), START_MS + 2],
    ["too small", () => claiming(START_MS + 1, threeAt(START_MS)), START_MS + 2],
    ["of 1970", () => claiming(0, threeAt(START_MS)), START_MS + 2],
    ["none", () => claiming(-1, threeAt(START_MS)), START_MS + 2],
    ["below -1", () => claiming(-9, threeAt(START_MS)), START_MS + 2],
    ["one where no record has any", () => claiming(START_MS, batch({ timestampMs: -1 })), -1],
    ["that of negative ones", () => threeAt(-40), -1],
    ["set by the broker, as it says", () => changed((_, bytes) => setLogAppendTime(bytes, 0, START_MS)), START_MS + 2],
    ["set by the broker, compressed", () => compressedAt(START_MS).then(stampedAt(START_MS)), START_MS],
  ])("is mended before it is written: %s", async (_what, bytes, maxTimestampMs) => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, await bytes());
    const stored = await readAll(log);
    expect(checkBatchIntegrity(stored, 0)).toBeNull();
    expect(maxTimestampAt(stored, 0)).toBe(maxTimestampMs);
    expect(isLogAppendTimeAt(stored, 0)).toBe(false);
    await fixture.manager.close();
  });

  it("does not make records too young that are not, and makes none old enough", async () => {
    const fixture = await openFixture({
      config: { messageTimestampAfterMaxMs: 1000, messageTimestampBeforeMaxMs: 1000 },
    });
    const log = await openLog(fixture);
    await append(log, claiming(YEAR_3000_MS, threeAt(START_MS)));
    await expect(append(log, claiming(START_MS, threeAt(START_MS + 999)))).rejects.toMatchObject({
      errno: 32,
      recordErrors: [expect.objectContaining({ batchIndex: 2 })],
    });
    expect(maxTimestampAt(await readAll(log), 0)).toBe(START_MS + 2);
    await fixture.manager.close();
  });

  it("hides no record from who looks it up by its time", async () => {
    const fixture = await openFixture();
    const log = await openLog(fixture);
    await append(log, claiming(-1, threeAt(START_MS)));
    expect(await log.offsetForTimestamp(START_MS + 1, "logEnd")).toMatchObject({ offset: 1 });
    expect(await log.offsetForMaxTimestamp()).toMatchObject({ offset: 2, timestampMs: START_MS + 2 });
    await fixture.manager.close();
  });

  it.each([
    ["of 1970 has no young record deleted", 0, 7 * HOUR_MS, 0],
    ["of the year 3000 keeps no old record", YEAR_3000_MS, HOUR_MS / 60, 3],
  ])("%s", async (_what, maxTimestampMs, retentionMs, logStartOffset) => {
    const fixture = await openFixture({ config: { retentionMs } });
    const log = await openLog(fixture);
    await append(log, claiming(maxTimestampMs, threeAt(START_MS)));
    log.setHighWatermark(3);
    await fixture.runtime.advance(HOUR_MS);
    expect(log.logStartOffset).toBe(logStartOffset);
    await fixture.manager.close();
  });
});
