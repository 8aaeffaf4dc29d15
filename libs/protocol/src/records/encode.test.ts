import { expect, test } from "vitest";
import { readNow, text } from "../testkit/records.ts";
import { encodeRecordBatch } from "./encode.ts";

test("records take the batch's time and the next offset, unless they have their own", () => {
  const batch = readNow(
    encodeRecordBatch({
      baseOffset: 100,
      timestampMs: 7,
      partitionLeaderEpoch: 2,
      records: [
        { value: "a" },
        { key: "k", value: null, timestampMs: 9, headers: [["h", "x"]] },
        { value: "c", offset: 110 },
        { value: "d" },
      ],
    }),
  );
  expect(batch).toMatchObject({ baseOffset: 100, lastOffset: 111, partitionLeaderEpoch: 2, maxTimestampMs: 9 });
  expect([...batch].map((r) => [r.offset, r.timestampMs, text(r.key), text(r.value), r.headers.length])).toEqual([
    [100, 7, null, "a", 0],
    [101, 9, "k", null, 1],
    [110, 7, null, "c", 0],
    [111, 7, null, "d", 0],
  ]);
});
