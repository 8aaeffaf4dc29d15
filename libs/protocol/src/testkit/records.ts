import { readFileSync } from "node:fs";
import fc from "fast-check";
import { RecordBatchBuilder } from "../records/builder.ts";
import { type ReadBatchOptions, type RecordBatch, readRecordBatch } from "../records/record-batch.ts";
import type { RecordView } from "../records/record-view.ts";
import type { RecordData, RecordHeaderInput } from "../records/types.ts";

/** A record as tests write and compare it. */
export interface PlainRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: RecordData;
  readonly value: RecordData;
  readonly headers: readonly RecordHeaderInput[];
}

/** Bytes of a file of fixtures/records. */
export function readFixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../fixtures/records/${name}.bin`, import.meta.url)));
}

/** The batch, where the codec is known to be synchronous. */
export function readNow(bytes: Uint8Array, position = 0, options?: ReadBatchOptions): RecordBatch {
  const batch = readRecordBatch(bytes, position, options);
  if (batch instanceof Promise) throw new Error("the codec is asynchronous");
  return batch;
}

/** A record in a form that is compared quickly: bytes, and text as the UTF-8 that it becomes, as a string a byte a character. */
export function comparable(record: RecordView | PlainRecord): unknown[] {
  const headers = [...record.headers].map(([name, value]) => [latin1(name), latin1(value)]);
  return [record.offset, record.timestampMs, latin1(record.key), latin1(record.value), headers];
}

function latin1(data: RecordData): string | null {
  return data === null ? null : Buffer.from(data as string).toString("latin1");
}

export function text(bytes: Uint8Array | null | undefined): string | null | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

/** A builder that has taken the records, at their offsets less the first one's. */
export function buildBatch(records: readonly PlainRecord[], initialCapacityBytes?: number): RecordBatchBuilder {
  const builder = new RecordBatchBuilder(initialCapacityBytes === undefined ? {} : { initialCapacityBytes });
  const baseOffset = records[0]?.offset ?? 0;
  for (const { offset, key, value, headers, timestampMs } of records) {
    builder.appendAt(offset - baseOffset, key, value, headers, timestampMs);
  }
  return builder;
}

// Lone surrogates have no UTF-8; lengths around 20, 64 and 8192 are where the writer takes another way.
const string = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.integer({ min: 8180, max: 8200 }).map((length) => "a".repeat(length)),
  fc
    .tuple(fc.integer({ min: 50, max: 70 }), fc.string({ unit: "grapheme", maxLength: 3 }))
    .map(([length, tail]) => "b".repeat(length) + tail),
);
const data: fc.Arbitrary<RecordData> = fc.oneof(
  fc.constant(null),
  fc.constant(""),
  string,
  fc.uint8Array({ maxLength: 300 }),
);
const header: fc.Arbitrary<RecordHeaderInput> = fc.tuple(fc.oneof(fc.constantFrom("a", "b", ""), string), data);
const timestampMs = fc.oneof(
  fc.constant(-1),
  fc.integer({ min: 0, max: 2 ** 31 }),
  fc.integer({ min: 1_600_000_000_000, max: 1_800_000_000_000 }),
  fc.integer({ min: 0, max: 2 ** 52 }),
);

/** Records of one batch, offsets rising with gaps now and then. */
export const arbitraryRecords: fc.Arbitrary<PlainRecord[]> = fc
  .tuple(
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 2 ** 32 }),
    fc.array(
      fc.record({
        gap: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(100_000)),
        timestampMs,
        key: data,
        value: data,
        headers: fc.oneof(fc.constant([]), fc.array(header, { maxLength: 5 })),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  )
  .map(([baseOffset, records]) => {
    let offset = baseOffset;
    return records.map(({ gap, ...record }, index) => {
      if (index > 0) offset += 1 + gap;
      return { offset, ...record };
    });
  });
