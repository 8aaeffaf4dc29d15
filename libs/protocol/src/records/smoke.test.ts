import { expect, test } from "vitest";
import { crc32c, crc32cPortable } from "../checksum/crc32c.ts";
import { RecordBatchBuilder } from "./builder.ts";
import { setProducerState } from "./header.ts";
import { readRecordBatch } from "./record-batch.ts";

test("crc", () => {
  const bytes = new TextEncoder().encode("123456789");
  expect(crc32c(bytes)).toBe(0xe3069283);
  const big = new Uint8Array(5000).map((_, i) => i * 7);
  expect(crc32c(big, 3, 4999)).toBe(crc32cPortable(big, 3, 4999));
  expect(crc32c(big, 1000, 5000, crc32c(big, 0, 1000))).toBe(crc32cPortable(big, 0, 5000));
});
for (const compression of ["none", "gzip"] as const)
  test(`round trip ${compression}`, async () => {
    const b = new RecordBatchBuilder();
    b.append(
      "k",
      "v",
      [
        ["a", "1"],
        ["a", null],
      ],
      1000,
    );
    b.append(null, null, [], 900);
    b.append("", "é", [], 2 ** 40);
    const bytes = await b.close({ compression, producerId: 7, producerEpoch: 1, baseSequence: 3 });
    setProducerState(bytes, 0, 2 ** 40, 2, 9);
    const batch = await readRecordBatch(bytes);
    const text = (d: Uint8Array | null) => (d === null ? null : new TextDecoder().decode(d));
    expect(batch.producerId).toBe(2 ** 40);
    expect(
      [...batch]
        .map((r) => r.copy())
        .map((r) => [r.offset, r.timestampMs, text(r.key), text(r.value), r.headers.map((h) => [h[0], text(h[1])])]),
    ).toEqual([
      [
        0,
        1000,
        "k",
        "v",
        [
          ["a", "1"],
          ["a", null],
        ],
      ],
      [1, 900, null, null, []],
      [2, 2 ** 40, "", "é", []],
    ]);
  });
