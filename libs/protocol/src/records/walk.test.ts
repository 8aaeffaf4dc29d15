import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryRecords } from "../testkit/records.ts";
import { RecordBatchBuilder } from "./builder.ts";
import { CorruptRecordError } from "./errors.ts";
import { readRecordBatch } from "./record-batch.ts";
import { largestTimestampOf } from "./walk.ts";

const HEADER_BYTES = 61;

/** What a reader makes of the records: their largest timestamp, or null where it does not get through. */
function largestByReading(bytes: Uint8Array): number | null {
  try {
    const batch = readRecordBatch(bytes, 0, { checkCrcs: false });
    if (batch instanceof Promise) throw new Error("nothing is compressed here");
    return Array.from(batch, ({ timestampMs }) => timestampMs).reduce((max, time) => Math.max(max, time), -1);
  } catch (error) {
    expect(error).toBeInstanceOf(CorruptRecordError);
    return null;
  }
}

function largestByWalking(bytes: Uint8Array): number | null {
  try {
    return largestTimestampOf(bytes, 0);
  } catch (error) {
    expect(error).toBeInstanceOf(CorruptRecordError);
    return null;
  }
}

const batches = arbitraryRecords.map((records) => {
  const builder = new RecordBatchBuilder();
  for (const { key, value, headers, timestampMs } of records) builder.append(key, value, headers, timestampMs);
  return builder.close({ compression: "none" });
});

describe("a walk over records", () => {
  test("finds the largest timestamp that a reader does", () => {
    fc.assert(
      fc.property(batches, (bytes) => {
        const expected = largestByReading(bytes);
        expect(expected).not.toBeNull();
        expect(largestByWalking(bytes)).toBe(expected);
      }),
    );
  });

  test("gets through the records that a reader does, whatever their bytes are", () => {
    let [through, stopped] = [0, 0];
    fc.assert(
      fc.property(batches, fc.nat(), fc.nat(255), (batch, where, byte) => {
        const bytes = batch.slice();
        bytes[HEADER_BYTES + (where % (bytes.length - HEADER_BYTES))] = byte;
        const expected = largestByReading(bytes);
        expect(largestByWalking(bytes)).toBe(expected);
        if (expected === null) stopped++;
        else through++;
      }),
      { numRuns: 2000 },
    );
    expect(Math.min(through, stopped)).toBeGreaterThan(50);
  });

  test("goes by the place of the batch, and by its end", () => {
    const builder = new RecordBatchBuilder();
    for (let i = 0; i < 300; i++) builder.append("k", "v".repeat(i), [["h", null]], i === 7 ? 2 ** 40 : i);
    const batch = builder.close({ compression: "none" });
    const around = new Uint8Array(batch.length + 20).fill(255);
    around.set(batch, 9);
    expect(largestTimestampOf(around, 9)).toBe(2 ** 40);
  });

  test("is not for compressed records", async () => {
    const builder = new RecordBatchBuilder();
    builder.append("k", "v");
    const compressed = await builder.close({ compression: "gzip" });
    expect(() => largestTimestampOf(compressed, 0)).toThrow(TypeError);
  });
});
