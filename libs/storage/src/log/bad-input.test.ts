import { encodeRecordBatch, RecordBatchBuilder } from "@ottla/protocol";
import { setLogAppendTime, writeBatchCrc } from "@ottla/protocol/internal";
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

/** What is wrong, the bytes, Kafka's error code, and what the message must speak of (where it is this library's). */
const table: [string, () => Uint8Array, number, RegExp][] = [
  ["nothing at all", () => new Uint8Array(0), 87, /no record batch/],
  ["a truncated header", () => batch().subarray(0, 20), 2, /./],
  ["a truncated batch", () => batch().subarray(0, -1), 2, /./],
  ["bytes after the batch", () => concat([batch(), new Uint8Array(5)]), 2, /./],
  ["magic 1", () => changed((view) => view.setInt8(16, 1)), 43, /./],
  ["magic 3", () => changed((view) => view.setInt8(16, 3)), 2, /./],
  ["a wrong CRC", () => changed((view) => view.setUint32(17, 0)), 2, /./],
  ["a wrong byte in a record", () => changed((view) => view.setInt8(80, 99)), 2, /./],
  ["a length below the header's", () => changed((view) => view.setInt32(8, 10)), 2, /./],
  ["a negative length", () => changed((view) => view.setInt32(8, -1)), 2, /./],
  ["no records", () => changed((view) => view.setInt32(57, 0), { fixCrc: true }), 87, /./],
  ["a negative count", () => changed((view) => view.setInt32(57, -3), { fixCrc: true }), 87, /./],
  ["an offset delta that is too large", () => changed((view) => view.setInt32(23, 7), { fixCrc: true }), 87, /./],
  ["a negative offset delta", () => changed((view) => view.setInt32(23, -1), { fixCrc: true }), 87, /./],
  ["an unknown codec", () => changed((view) => view.setInt16(21, 6), { fixCrc: true }), 76, /./],
  ["a control batch", () => changed((view) => view.setInt16(21, 0x20), { fixCrc: true }), 87, /./],
  ["a producer without a sequence", () => changed((view) => view.setBigInt64(43, 9n), { fixCrc: true }), 87, /./],
  ["a transaction without a producer", () => changed((view) => view.setInt16(21, 0x10), { fixCrc: true }), 87, /./],
  ["a timestamp below -1", () => changed((view) => view.setBigInt64(35, -2n), { fixCrc: true }), 32, /./],
  ["a timestamp too far ahead", () => batch({ timestampMs: START_MS + HOUR_MS + 1 }), 32, /out of range/],
  [
    "LogAppendTime set by the producer",
    () => changed((_, bytes) => setLogAppendTime(bytes, 0, START_MS)),
    32,
    /LogAppendTime/,
  ],
  ["more than max.message.bytes", () => batch({ valueBytes: 2000 }), 10, /max.message.bytes is 1500/],
  [
    "more than segment.bytes",
    () => concat(Array.from({ length: 40 }, () => batch({ valueBytes: 50 }))),
    18,
    /segment.bytes/,
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
