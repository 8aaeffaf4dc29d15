import { describe, expect, test } from "vitest";
import { ErrorCode } from "../errors/error-code.ts";
import { readFixture } from "../testkit/records.ts";
import { RecordBatchBuilder, type RecordBatchCloseOptions } from "./builder.ts";
import { encodeEndTransactionMarker } from "./control.ts";
import { CorruptRecordError, UnsupportedRecordFormatError } from "./errors.ts";
import { writeBatchCrc } from "./header.ts";
import { writeInt32, writeInt64 } from "./integers.ts";
import * as layout from "./layout.ts";
import { checkBatchIntegrity, forEachBatch, nextBatchPosition, validateProducedBatch } from "./validate.ts";

function batch(options: RecordBatchCloseOptions = {}): Uint8Array {
  const builder = new RecordBatchBuilder();
  builder.append("k", "v", [], 1000);
  builder.append("k", "w", [], 2000);
  return builder.close({ ...options, compression: "none" });
}

/** The batch with `change` made to its header, under a right CRC. */
function changed(change: (bytes: Uint8Array) => void, options?: RecordBatchCloseOptions): Uint8Array {
  const bytes = batch(options);
  change(bytes);
  writeBatchCrc(bytes, 0);
  return bytes;
}

const idempotent = { producerId: 5, producerEpoch: 0, baseSequence: 0 };

describe("validateProducedBatch", () => {
  test.each([
    ["plain", batch()],
    ["idempotent", batch(idempotent)],
    ["transactional", batch({ ...idempotent, isTransactional: true })],
    ["at any position", Uint8Array.from([9, 9, ...batch()]).subarray(2)],
    ["without timestamps", changed((bytes) => writeInt64(bytes, layout.MAX_TIMESTAMP_POSITION, -1))],
    ["with a negative max time", changed((bytes) => writeInt64(bytes, layout.MAX_TIMESTAMP_POSITION, -5))],
    ["with a negative time", changed((bytes) => writeInt64(bytes, layout.BASE_TIMESTAMP_POSITION, -2))],
  ])("lets a good batch through: %s", (_what, bytes) => {
    expect(validateProducedBatch(bytes, 0)).toBeNull();
  });

  test.each<[string, string, number, Uint8Array]>([
    ["nothing", "truncated", ErrorCode.CORRUPT_MESSAGE, new Uint8Array(0)],
    ["half a header", "truncated", ErrorCode.CORRUPT_MESSAGE, batch().subarray(0, 40)],
    ["a byte missing", "truncated", ErrorCode.CORRUPT_MESSAGE, batch().subarray(0, -1)],
    ["magic 0", "old-format", ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, readFixture("magic-0")],
    ["magic 1", "old-format", ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, readFixture("magic-1")],
    ["magic 3", "unknown-format", ErrorCode.CORRUPT_MESSAGE, changed((bytes) => bytes.fill(3, 16, 17))],
    ["a length below the header's", "invalid-length", ErrorCode.CORRUPT_MESSAGE, changed((b) => writeInt32(b, 8, 48))],
    ["a negative length", "invalid-length", ErrorCode.CORRUPT_MESSAGE, badLength()],
    ["a wrong CRC", "crc-mismatch", ErrorCode.CORRUPT_MESSAGE, wrongCrc()],
    [
      "codec 5",
      "unknown-compression",
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      changed((bytes) => bytes.fill(5, 22, 23)),
    ],
    ["no records", "invalid-count", ErrorCode.INVALID_RECORD, changed((bytes) => writeInt32(bytes, 57, 0))],
    ["a negative count", "invalid-count", ErrorCode.INVALID_RECORD, changed((bytes) => writeInt32(bytes, 57, -2))],
    [
      "a count too high",
      "inconsistent-offsets",
      ErrorCode.INVALID_RECORD,
      changed((bytes) => writeInt32(bytes, 57, 3)),
    ],
    [
      "offsets too high",
      "inconsistent-offsets",
      ErrorCode.INVALID_RECORD,
      changed((bytes) => writeInt32(bytes, 23, 9)),
    ],
    [
      "negative offsets",
      "inconsistent-offsets",
      ErrorCode.INVALID_RECORD,
      changed((bytes) => writeInt32(bytes, 23, -1)),
    ],
    ["no sequence", "invalid-sequence", ErrorCode.INVALID_RECORD, batch({ ...idempotent, baseSequence: -1 })],
    ["no epoch", "invalid-sequence", ErrorCode.INVALID_RECORD, batch({ ...idempotent, producerEpoch: -1 })],
    ["a transaction of nobody", "invalid-sequence", ErrorCode.INVALID_RECORD, batch({ isTransactional: true })],
    ["a control batch", "control-batch", ErrorCode.INVALID_RECORD, commitMarker()],
  ])("%s", (_what, reason, errorCode, bytes) => {
    const found = validateProducedBatch(bytes, 0);
    expect(found).toMatchObject({ reason, errorCode });
    expect(found!.message).toMatch(/\w{3}/);
  });

  test("the end that is given counts, not that of the bytes", () => {
    const bytes = batch();
    const longer = new Uint8Array(bytes.length + 10);
    longer.set(bytes, 5);
    expect(validateProducedBatch(longer, 5, bytes.length + 5)).toBeNull();
    expect(validateProducedBatch(longer, 5, bytes.length + 4)).toMatchObject({ reason: "truncated" });
  });
});

function badLength(): Uint8Array {
  const bytes = batch();
  writeInt32(bytes, layout.BATCH_LENGTH_POSITION, -100);
  return bytes;
}

function wrongCrc(): Uint8Array {
  const bytes = batch();
  bytes[bytes.length - 1]! ^= 1;
  return bytes;
}

function commitMarker(): Uint8Array {
  return encodeEndTransactionMarker({
    type: "commit",
    coordinatorEpoch: 1,
    producerId: 5,
    producerEpoch: 1,
    timestampMs: 1,
  });
}

describe("batches one after the other", () => {
  const one = batch();
  const two = batch({ baseOffset: 2 });
  const both = new Uint8Array([...one, ...two]);

  test("whole ones are visited, a last one that is cut short is not", () => {
    for (let end = 0; end <= both.length; end++) {
      const visited: number[][] = [];
      const expected = [
        [0, one.length],
        [one.length, two.length],
      ].filter(([position, size]) => position! + size! <= end);
      const stop = forEachBatch(both.subarray(0, end), (position, size) => visited.push([position, size]));
      expect(visited).toEqual(expected);
      expect(stop).toBe(expected.reduce((sum, [, size]) => sum + size!, 0));
    }
  });

  test("start and end bound the walk", () => {
    const visited: number[] = [];
    expect(forEachBatch(both, (position) => visited.push(position), one.length)).toBe(both.length);
    expect(forEachBatch(both, (position) => visited.push(position), 0, both.length - 1)).toBe(one.length);
    expect(visited).toEqual([one.length, 0]);
  });

  test("an impossible length or another format ends it with a typed error", () => {
    const damaged = both.slice();
    writeInt32(damaged, one.length + layout.BATCH_LENGTH_POSITION, 5);
    expect(() => forEachBatch(damaged, () => {})).toThrow(CorruptRecordError);
    writeInt32(damaged, one.length + layout.BATCH_LENGTH_POSITION, -1);
    expect(() => nextBatchPosition(damaged, one.length)).toThrow(CorruptRecordError);
    expect(() => forEachBatch(readFixture("magic-0"), () => {})).toThrow(UnsupportedRecordFormatError);
    expect(() => forEachBatch(readFixture("magic-1"), () => {})).toThrow(UnsupportedRecordFormatError);
  });
});

test("checkBatchIntegrity asks nothing of the records' meaning", () => {
  expect(checkBatchIntegrity(commitMarker(), 0)).toBeNull();
  const empty = new RecordBatchBuilder().close({ compression: "none", lastOffsetDelta: 4 });
  expect(checkBatchIntegrity(empty, 0)).toBeNull();
});
