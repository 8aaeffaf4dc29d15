import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { comparable, readFixture, readNow, text } from "../testkit/records.ts";
import { readEndTransactionMarker } from "./control.ts";
import { UnsupportedRecordFormatError } from "./errors.ts";
import { baseTimestampAt, hasDeleteHorizonAt, lastSequenceAt } from "./header.ts";
import { readRecordBatch } from "./record-batch.ts";
import type { RecordView } from "./record-view.ts";
import type { RecordData, RecordHeaderInput } from "./types.ts";
import { forEachBatch } from "./validate.ts";

const TIME = 1_700_000_000_000;

/** The same bytes as WriteFixtures.java's `pattern`. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => ((index * 31) >> 5) & 0x3f);
}

/** The same bytes as WriteFixtures.java's `incompressible`. */
function incompressible(): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: 66_000 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    return state >>> 16;
  });
}

function plain(
  offset: number,
  timestampMs: number,
  key: RecordData,
  value: RecordData,
  headers: RecordHeaderInput[] = [],
) {
  return comparable({ offset, timestampMs, key, value, headers });
}

describe("Apache Kafka's Java client", () => {
  test.each(["none", "gzip", "snappy", "lz4", "zstd"])("mixed-%s", async (codec) => {
    const batch = await readRecordBatch(readFixture(`mixed-${codec}`));
    expect(batch).toMatchObject({ baseOffset: 1234, lastOffset: 1240, partitionLeaderEpoch: 42, recordsCount: 7 });
    expect([...batch].map(comparable)).toEqual([
      plain(1234, TIME, "key-0", "value-0"),
      plain(1235, TIME + 5, null, "value-1"),
      plain(1236, TIME - 1000, "key-2", null),
      plain(1237, TIME, "", ""),
      plain(1238, TIME, "ключ", "日本語 🎉", [
        ["trace", "first"],
        ["trace", ""],
        ["none", null],
        ["", "nameless"],
        ["naïve 日本", Uint8Array.of(0, 255, 127, 128)],
      ]),
      plain(1239, TIME, "large", pattern(70_000)),
      plain(1240, TIME + 2 ** 33, "late", "value-6"),
    ]);
  });

  test.each(["snappy", "lz4"])("incompressible-%s", async (codec) => {
    const [record] = [...(await readRecordBatch(readFixture(`incompressible-${codec}`)))];
    expect(record!.key).toBeNull();
    expect(digest(record!.value!)).toBe(digest(incompressible()));
  });

  test("transactional", () => {
    const batch = readNow(readFixture("transactional"));
    expect(batch).toMatchObject({
      baseOffset: 500,
      partitionLeaderEpoch: 6,
      producerId: 7_000_000_000,
      producerEpoch: 12,
      baseSequence: 345,
      isTransactional: true,
      isControlBatch: false,
      timestampType: "CreateTime",
    });
    expect([...batch].map((record) => text(record.key))).toEqual(["key-a", "key-b"]);
  });

  test("idempotent, its sequence wrapping around", async () => {
    const bytes = readFixture("idempotent-gzip");
    const batch = await readRecordBatch(bytes);
    expect(batch).toMatchObject({ producerId: 4001, producerEpoch: 0, baseSequence: 2 ** 31 - 2 });
    expect(batch.isTransactional).toBe(false);
    expect(lastSequenceAt(bytes, 0)).toBe(0);
  });

  test.each(["commit", "abort"] as const)("%s-marker", (type) => {
    const batch = readNow(readFixture(`${type}-marker`));
    expect(batch).toMatchObject({
      isControlBatch: true,
      isTransactional: true,
      producerId: 7_000_000_000,
      baseSequence: -1,
    });
    const [record] = [...batch];
    expect(record!.offset).toBe(900);
    expect(readEndTransactionMarker(record!.key, record!.value)).toEqual({ type, coordinatorEpoch: 99 });
  });

  test("log-append-time", () => {
    const batch = readNow(readFixture("log-append-time"));
    expect(batch.timestampType).toBe("LogAppendTime");
    expect([...batch].map((record) => [record.offset, record.timestampMs, text(record.value)])).toEqual([
      [10, TIME + 99, "v"],
      [11, TIME + 99, "w"],
    ]);
  });

  test("delete-horizon: deltas count from it, gaps in the offsets, the last offset without a record", () => {
    const bytes = readFixture("delete-horizon");
    const batch = readNow(bytes);
    expect(hasDeleteHorizonAt(bytes, 0)).toBe(true);
    expect(baseTimestampAt(bytes, 0)).toBe(TIME + 1_000_000);
    expect(batch).toMatchObject({ baseOffset: 20, lastOffset: 29, recordsCount: 2 });
    expect([...batch].map(comparable)).toEqual([plain(21, TIME, "gone", null), plain(25, TIME + 7, "kept", "v")]);
  });

  test.each([0, 1])("magic %d is refused", (magic) => {
    const error = (() => {
      try {
        return readRecordBatch(readFixture(`magic-${magic}`));
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(UnsupportedRecordFormatError);
    expect(error).toMatchObject({ magic, code: "UNSUPPORTED_FOR_MESSAGE_FORMAT", retriable: false });
  });
});

describe("other clients", () => {
  const VALUE = "abcdefghijklmnopqrstuvwxyz0123456789".repeat(6);
  const files = [
    ...["gzip", "snappy", "lz4", "zstd"].map((codec) => `librdkafka-${codec}`),
    ...["gzip", "snappy", "lz4", "zstd"].map((codec) => `platformatic-${codec}`),
    "kafkajs-gzip",
  ];

  test.each(files)("%s", async (file) => {
    const bytes = readFixture(file);
    const records: RecordView[] = [];
    const positions: number[] = [];
    expect(forEachBatch(bytes, (position) => positions.push(position))).toBe(bytes.length);
    for (const position of positions) records.push(...(await readRecordBatch(bytes, position)));
    const expected = Array.from({ length: 400 }, (_, index) => [index, `k${index}`, `${index}:${VALUE}`]);
    expect(records.map((record) => [record.offset, text(record.key), text(record.value)])).toEqual(expected);
    const headers =
      file === "kafkajs-gzip"
        ? [
            ["h", "a"],
            ["h", "b"],
            ["trace", "x"],
          ]
        : [];
    expect(records[7]!.headers.map(([name, value]) => [name, text(value)])).toEqual(headers);
  });
});

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
