import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryRecords, buildBatch, comparable, readNow, text } from "../testkit/records.ts";
import { estimateRecordSize, RecordBatchBuilder } from "./builder.ts";
import * as header from "./header.ts";
import { BATCH_HEADER_BYTES } from "./layout.ts";
import { RecordView } from "./record-view.ts";
import { checkBatchIntegrity } from "./validate.ts";

/** A getter that answers 3 so many times and then throws. */
function failingAfter(times: number): () => number {
  let left = times;
  return () => {
    if (left-- === 0) throw new Error("late");
    return 3;
  };
}

describe("RecordBatchBuilder", () => {
  test("what is written is read, whatever it is", () => {
    fc.assert(
      fc.property(arbitraryRecords, fc.constantFrom(61, 100, 4096), (records, capacity) => {
        const baseOffset = records[0]!.offset;
        const builder = buildBatch(records, capacity);
        const size = builder.sizeBytes;
        const bytes = builder.close({ compression: "none", baseOffset });
        expect(bytes.length).toBe(size);
        expect(checkBatchIntegrity(bytes, 0)).toBeNull();
        expect([...readNow(bytes)].map(comparable)).toEqual(records.map(comparable));
      }),
    );
  });

  test("a batch without records has no timestamps and no offsets", () => {
    const bytes = new RecordBatchBuilder().close({ compression: "none", baseOffset: 5, lastOffsetDelta: 3 });
    const batch = readNow(bytes);
    expect(bytes.length).toBe(BATCH_HEADER_BYTES);
    expect([...batch]).toEqual([]);
    expect(batch).toMatchObject({ baseOffset: 5, lastOffset: 8, recordsCount: 0, maxTimestampMs: -1 });
  });

  test("the header says what it was told", () => {
    const builder = new RecordBatchBuilder();
    builder.append("k", "v", [], 2000);
    builder.append("k", "w", [], 1000);
    const bytes = builder.close({
      compression: "none",
      baseOffset: 2 ** 45 + 7,
      partitionLeaderEpoch: 11,
      producerId: 2 ** 40 + 3,
      producerEpoch: 32767,
      baseSequence: 2 ** 31 - 1,
      isTransactional: true,
      timestampType: "LogAppendTime",
    });
    expect(header.baseOffsetAt(bytes, 0)).toBe(2 ** 45 + 7);
    expect(header.lastOffsetAt(bytes, 0)).toBe(2 ** 45 + 8);
    expect(header.batchSizeAt(bytes, 0)).toBe(bytes.length);
    expect(header.partitionLeaderEpochAt(bytes, 0)).toBe(11);
    expect(header.magicAt(bytes, 0)).toBe(2);
    expect(header.compressionAt(bytes, 0)).toBe(0);
    expect(header.isTransactionalAt(bytes, 0)).toBe(true);
    expect(header.isLogAppendTimeAt(bytes, 0)).toBe(true);
    expect(header.isControlBatchAt(bytes, 0)).toBe(false);
    expect(header.hasDeleteHorizonAt(bytes, 0)).toBe(false);
    expect(header.baseTimestampAt(bytes, 0)).toBe(2000);
    expect(header.maxTimestampAt(bytes, 0)).toBe(2000);
    expect(header.producerIdAt(bytes, 0)).toBe(2 ** 40 + 3);
    expect(header.producerEpochAt(bytes, 0)).toBe(32767);
    expect(header.baseSequenceAt(bytes, 0)).toBe(2 ** 31 - 1);
    expect(header.lastSequenceAt(bytes, 0)).toBe(0);
    expect(header.recordsCountAt(bytes, 0)).toBe(2);
    expect([...readNow(bytes)].map((record) => record.timestampMs)).toEqual([2000, 2000]);
  });

  test("a given buffer is used, and left when it is too small", () => {
    const buffer = new Uint8Array(200);
    const builder = new RecordBatchBuilder({ buffer });
    builder.append(null, "x".repeat(50), [], 0);
    const small = builder.close({ compression: "none" });
    expect(small.buffer).toBe(buffer.buffer);

    const larger = new RecordBatchBuilder({ buffer });
    larger.append(null, "y".repeat(50), [], 0);
    larger.append(null, "é".repeat(100), [], 0);
    const bytes = larger.close({ compression: "none" });
    expect(bytes.buffer).not.toBe(buffer.buffer);
    expect([...readNow(bytes)].map((record) => text(record.value))).toEqual(["y".repeat(50), "é".repeat(100)]);
  });

  test("a huge record and very many records", () => {
    const builder = new RecordBatchBuilder();
    const huge = new Uint8Array(20_000_000).fill(7);
    builder.append(null, huge, [], 0);
    for (let index = 1; index < 100_000; index++) builder.append(null, "v", [], index);
    const batch = readNow(builder.close({ compression: "none" }));
    const cursor = batch.cursor();
    expect(cursor.next()).toBe(true);
    expect(cursor.valueLength).toBe(huge.length);
    let last = 0;
    while (cursor.next()) last = cursor.offset;
    expect(last).toBe(99_999);
  });

  test("is closed once", () => {
    const builder = new RecordBatchBuilder();
    builder.append(null, "v", [], 0);
    builder.close();
    expect(() => builder.close()).toThrow(/closed/);
    expect(() => builder.append(null, "v", [], 0)).toThrow(/closed/);
  });

  test("offsets must rise", () => {
    const builder = new RecordBatchBuilder();
    builder.appendAt(5, null, "v", [], 0);
    expect(() => builder.appendAt(5, null, "v", [], 0)).toThrow(RangeError);
    expect(builder.append(null, "v", [], 0)).toBe(6);
  });

  test("a failed append leaves no trace", () => {
    const builder = new RecordBatchBuilder();
    builder.append(null, "v", [], 0);
    const size = builder.sizeBytes;
    for (const wrong of [5, {}, undefined, true] as never[]) {
      expect(() => builder.append(null, wrong, [], 0)).toThrow(TypeError);
      expect(() => builder.append(wrong, null, [], 0)).toThrow(TypeError);
      expect(() => builder.append(null, null, [["name", wrong]], 0)).toThrow(TypeError);
    }
    const failsLate = new Uint8Array(3);
    Object.defineProperty(failsLate, "length", { get: failingAfter(1) });
    expect(() => builder.append("key", failsLate, [], 0)).toThrow("late");
    expect(builder.sizeBytes).toBe(size);
    builder.append(null, "w", [], 0);
    expect([...readNow(builder.close({ compression: "none" }))].map((record) => text(record.value))).toEqual([
      "v",
      "w",
    ]);
  });

  test("copies records of another batch as they lie", () => {
    fc.assert(
      fc.property(arbitraryRecords, (records) => {
        const source = readNow(buildBatch(records).close({ compression: "none", baseOffset: records[0]!.offset }));
        const copy = new RecordBatchBuilder({ baseTimestampMs: 1_700_000_000_000 });
        const cursor = source.cursor();
        while (cursor.next()) copy.appendCopy(cursor, cursor.offset - source.baseOffset);
        const copied = readNow(copy.close({ compression: "none", baseOffset: source.baseOffset }));
        expect([...copied].map(comparable)).toEqual(records.map(comparable));
      }),
    );
  });
});

describe("size estimates", () => {
  test("wouldExceed is never false for a record that does not fit, nor true with 36 bytes to spare", () => {
    fc.assert(
      fc.property(arbitraryRecords, (records) => {
        const builder = buildBatch([]);
        for (const { key, value, headers, timestampMs } of records) {
          const before = builder.sizeBytes;
          const estimate = estimateRecordSize(key, value, headers);
          const exceeds = (maxBytes: number) => builder.wouldExceed(maxBytes, key, value, headers);
          const empty = builder.recordsCount === 0;
          const verdicts = [-1, 0, 36 + 10 * headers.length].map((spare) => (size: number) => exceeds(size + spare));
          builder.append(key, value, headers, timestampMs);
          const after = builder.sizeBytes;
          expect(after - before).toBeLessThanOrEqual(estimate);
          // The builder has moved on: look at the same record once more from here.
          const size = after - before;
          if (!empty) expect(verdicts[0]!(after + size)).toBe(true);
          expect(verdicts[2]!(after + size + 10)).toBe(false);
        }
      }),
    );
  });

  test("an empty batch takes any record", () => {
    expect(new RecordBatchBuilder().wouldExceed(100, null, new Uint8Array(1000))).toBe(false);
  });
});

describe("RecordView", () => {
  const builder = new RecordBatchBuilder();
  builder.append(
    "key",
    "value",
    [
      ["a", "1"],
      ["b", null],
      ["a", "2"],
    ],
    5,
  );
  builder.append(null, null, [], 6);
  const bytes = builder.close({ compression: "none", baseOffset: 40 });

  test("headers are an ordered multimap", () => {
    const { headers } = [...readNow(bytes)][0]!;
    expect(headers.map(([name, value]) => [name, text(value)])).toEqual([
      ["a", "1"],
      ["b", null],
      ["a", "2"],
    ]);
    expect(text(headers.get("a"))).toBe("2");
    expect(headers.getAll("a").map(text)).toEqual(["1", "2"]);
    expect(headers.get("b")).toBeNull();
    expect(headers.get("c")).toBeUndefined();
    expect(headers.getAll("c")).toEqual([]);
    expect(headers.filter(([name]) => name === "a").constructor).toBe(Array);
  });

  test("views are made once and lie over the batch; a copy stands alone", () => {
    const [record, empty] = [...readNow(bytes)] as [RecordView, RecordView];
    expect(record.value).toBe(record.value);
    expect(record.value!.buffer).toBe(bytes.buffer);
    const copies = [record.copy(), empty.copy()];
    expect(copies[0]).toBeInstanceOf(RecordView);
    expect(copies[0]!.value!.buffer.byteLength).toBeLessThan(40);
    expect(copies.map(comparable)).toEqual([record, empty].map(comparable));
  });

  test("a batch inside a larger buffer is read in place", () => {
    const outer = new Uint8Array(bytes.length + 20);
    outer.set(bytes, 7);
    const view = new Uint8Array(outer.buffer, 3);
    expect([...readNow(view, 4)].map(comparable)).toEqual([...readNow(bytes)].map(comparable));
  });
});
