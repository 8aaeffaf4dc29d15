import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codecById } from "../compression/codecs.ts";
import { arbitraryRecords, buildBatch, comparable, readNow } from "../testkit/records.ts";
import { RecordBatchBuilder } from "./builder.ts";
import { CorruptRecordError, UnsupportedRecordFormatError } from "./errors.ts";
import { assignOffsets, setLogAppendTime, setProducerState, writeBatchCrc } from "./header.ts";
import { writeInt32 } from "./integers.ts";
import { ATTRIBUTES_POSITION, BATCH_HEADER_BYTES, CRC_POSITION, RECORDS_COUNT_POSITION } from "./layout.ts";
import { readRecordBatch } from "./record-batch.ts";

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

function sample(): RecordBatchBuilder {
  const builder = new RecordBatchBuilder();
  builder.append(
    "first key",
    "first value",
    [
      ["trace", "abc"],
      ["trace", null],
    ],
    1_700_000_000_000,
  );
  builder.append(null, "second value", [], 1_699_999_000_000);
  builder.append("third key", null, [], 1_700_000_000_001);
  return builder;
}

async function failure(read: () => unknown): Promise<unknown> {
  try {
    await read();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe.each(CODECS)("compressed with %s", (compression) => {
  test("what is written is read", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRecords, async (records) => {
        const bytes = await buildBatch(records).close({ compression, baseOffset: records[0]!.offset });
        expect([...(await readRecordBatch(bytes))].map(comparable)).toEqual(records.map(comparable));
      }),
      { numRuns: 40 },
    );
  });

  test("any flipped bit under the CRC is found, and so is one in magic or CRC", async () => {
    const bytes = await sample().close({ compression });
    for (let position = 16; position < bytes.length; position++) {
      for (let bit = 1; bit < 256; bit <<= 1) {
        bytes[position]! ^= bit;
        const error = await failure(() => readRecordBatch(bytes));
        expect(error).toBeInstanceOf(position === 16 ? UnsupportedRecordFormatError : CorruptRecordError);
        bytes[position]! ^= bit;
      }
    }
    expect([...(await readRecordBatch(bytes))]).toHaveLength(3);
  });

  test("a batch that is cut short anywhere is found", async () => {
    const bytes = await sample().close({ compression });
    for (let length = 0; length < bytes.length; length++) {
      expect(await failure(() => readRecordBatch(bytes.slice(0, length)))).toBeInstanceOf(CorruptRecordError);
    }
  });

  test("damaged records whose CRC is right give a typed error or whole records, in bounded time", async () => {
    const original = await sample().close({ compression });
    const byte = fc.nat(255);
    const damage = fc.array(fc.tuple(fc.integer({ min: BATCH_HEADER_BYTES, max: original.length - 1 }), byte), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const bytes = original.slice();
        for (const [position, value] of changes) bytes[position] = value;
        writeBatchCrc(bytes, 0);
        const error = await failure(async () => {
          for (const record of await readRecordBatch(bytes, 0, { maxDecompressedBytes: 10_000 })) comparable(record);
        });
        if (error !== undefined)
          expect(["CORRUPT_MESSAGE", "MESSAGE_TOO_LARGE"]).toContain((error as { code?: string }).code);
      }),
      { numRuns: 300 },
    );
  });

  test("more records than the limit allows are refused", async () => {
    const builder = new RecordBatchBuilder();
    builder.append(null, new Uint8Array(100_000), [], 0);
    const bytes = await builder.close({ compression });
    const read = () => readRecordBatch(bytes, 0, { maxDecompressedBytes: 99_999 });
    if (compression === "none") expect(await failure(read)).toBeUndefined();
    else expect(await failure(read)).toMatchObject({ name: "CompressionError", code: "MESSAGE_TOO_LARGE" });
  });

  test("the producer's state can be written after closing", async () => {
    const bytes = await sample().close({ compression, producerId: 1, producerEpoch: 2, baseSequence: 3 });
    setProducerState(bytes, 0, 2 ** 50, 0, 77);
    const batch = await readRecordBatch(bytes);
    expect(batch).toMatchObject({ producerId: 2 ** 50, producerEpoch: 0, baseSequence: 77 });
    setProducerState(bytes, 0, -1, -1, -1);
    expect(await readRecordBatch(bytes)).toMatchObject({ producerId: -1, producerEpoch: -1, baseSequence: -1 });
  });
});

describe("in place", () => {
  test("offsets and leader epoch lie outside the CRC", () => {
    const bytes = sample().close({ compression: "none" });
    const crc = bytes.slice(CRC_POSITION, CRC_POSITION + 4);
    assignOffsets(bytes, 0, 2 ** 52, 17);
    expect(bytes.slice(CRC_POSITION, CRC_POSITION + 4)).toEqual(crc);
    const batch = readNow(bytes);
    expect(batch).toMatchObject({ baseOffset: 2 ** 52, lastOffset: 2 ** 52 + 2, partitionLeaderEpoch: 17 });
    expect([...batch].map((record) => record.offset)).toEqual([2 ** 52, 2 ** 52 + 1, 2 ** 52 + 2]);
  });

  test("the broker's time stands for every record's", () => {
    const bytes = sample().close({ compression: "none" });
    setLogAppendTime(bytes, 0, 1_800_000_000_123);
    const batch = readNow(bytes);
    expect(batch).toMatchObject({ timestampType: "LogAppendTime", maxTimestampMs: 1_800_000_000_123 });
    expect([...batch].map((record) => record.timestampMs)).toEqual(Array(3).fill(1_800_000_000_123));
  });
});

/** A batch around `records` as they are, with a right CRC. */
function batchAround(records: Uint8Array, recordsCount: number, lastOffsetDelta = recordsCount - 1): Uint8Array {
  const header = new RecordBatchBuilder({ baseTimestampMs: 0 }).close({ compression: "none", lastOffsetDelta });
  const bytes = new Uint8Array(header.length + records.length);
  bytes.set(header);
  bytes.set(records, header.length);
  writeInt32(bytes, 8, bytes.length - 12);
  writeInt32(bytes, RECORDS_COUNT_POSITION, recordsCount);
  writeBatchCrc(bytes, 0);
  return bytes;
}

describe("records that are none", () => {
  const whole = [14, 0, 0, 0, 1, 2, 0x76, 0]; // null key, value "v", no headers

  test.each<[string, number[], number, RegExp]>([
    ["a record missing", [], 1, /length/],
    ["more records than counted", [...whole, 14, 0, 0, 2, 1, 2, 0x76, 0], 1, /left/],
    ["bytes after the last record", [...whole, 0], 1, /left/],
    ["a negative length", [1, ...whole.slice(1)], 1, /length/],
    ["a length past the end", [16, ...whole.slice(1)], 1, /length/],
    ["a length that is too short for its parts", [12, ...whole.slice(1, 7)], 1, /parts/],
    ["a key that is longer than the record", [14, 0, 0, 0, 60, 2, 0x76, 0], 1, /length/],
    ["a key of negative length", [14, 0, 0, 0, 3, 2, 0x76, 0], 1, /length/],
    ["a value that is longer than the record", [14, 0, 0, 0, 1, 60, 0x76, 0], 1, /length/],
    ["a negative number of headers", [14, 0, 0, 0, 1, 2, 0x76, 1], 1, /headers count/],
    ["more headers than there is room for", [14, 0, 0, 0, 1, 2, 0x76, 120], 1, /headers count/],
    ["a header without a name", [18, 0, 0, 0, 1, 2, 0x76, 2, 1, 1], 1, /name/],
    ["an offset that does not rise", [...whole, ...whole], 2, /out of order/],
    ["an offset above the last one", [14, 0, 0, 2, 1, 2, 0x76, 0], 1, /out of order/],
    ["a length of more than five bytes", [0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 1, /varint/],
    ["a timestamp of more than ten bytes", [40, 0, ...Array(11).fill(0xff), 0, 0, 1, 1, 0, 0, 0, 0, 0], 1, /varlong/],
  ])("%s", (_what, records, count, message) => {
    const bytes = batchAround(Uint8Array.from(records), count);
    const error = (() => {
      try {
        return [...readNow(bytes)];
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(CorruptRecordError);
    expect((error as Error).message).toMatch(message);
  });

  test("a count that the offsets do not allow is refused before anything is read", () => {
    expect(() => readNow(batchAround(Uint8Array.from(whole), 2, 0))).toThrow(CorruptRecordError);
    expect(() => readNow(batchAround(Uint8Array.from(whole), -1, 0))).toThrow(CorruptRecordError);
    expect(() => readNow(batchAround(Uint8Array.from(whole), 2 ** 31 - 1))).not.toThrow();
  });

  test("arbitrary bytes as records", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 50 }), (records, count) => {
        const batch = readNow(batchAround(records, count));
        try {
          for (const record of batch) comparable(record);
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptRecordError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("arbitrary bytes as a batch", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, plausible) => {
        if (plausible && bytes.length > 16) {
          bytes[16] = 2;
          writeInt32(bytes, 8, bytes.length - 12);
        }
        const read = () => [...readNow(bytes, 0, { checkCrcs: false })];
        if (plausible && bytes.length >= BATCH_HEADER_BYTES) bytes[ATTRIBUTES_POSITION + 1]! &= ~7;
        try {
          read();
        } catch (error) {
          const typed = error instanceof CorruptRecordError || error instanceof UnsupportedRecordFormatError;
          expect(typed, String(error)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test("reading stays in the batch: what lies behind it does not matter", () => {
  const first = sample().close({ compression: "none" });
  const both = new Uint8Array(first.length * 2).fill(0xff);
  both.set(first);
  expect([...readNow(both)]).toHaveLength(3);
});

test.each([-1, -(2 ** 40), Number.MAX_SAFE_INTEGER - 1, 2 ** 60])("a base offset of %d is refused", (baseOffset) => {
  const bytes = sample().close({ compression: "none" });
  assignOffsets(bytes, 0, baseOffset, 0);
  expect(() => readNow(bytes)).toThrow(CorruptRecordError);
});

test("an unknown codec is refused", () => {
  const bytes = sample().close({ compression: "none" });
  bytes[ATTRIBUTES_POSITION + 1]! |= 5;
  writeBatchCrc(bytes, 0);
  expect(codecById(5)).toBeUndefined();
  expect(() => readNow(bytes)).toThrow(/codec id 5/);
});

test("without check.crcs a wrong CRC is let through", () => {
  const bytes = sample().close({ compression: "none" });
  bytes[CRC_POSITION]! ^= 1;
  expect(() => readNow(bytes)).toThrow(CorruptRecordError);
  expect([...readNow(bytes, 0, { checkCrcs: false })]).toHaveLength(3);
});
