import { describe, expect, test } from "vitest";
import { readFixture, readNow } from "../testkit/records.ts";
import {
  encodeControlBatch,
  encodeEndTransactionMarker,
  readControlRecord,
  readEndTransactionMarker,
} from "./control.ts";
import { CorruptRecordError } from "./errors.ts";

test.each(["commit", "abort"] as const)("a %s marker is Kafka's, byte for byte", (type) => {
  const bytes = encodeEndTransactionMarker({
    type,
    coordinatorEpoch: 99,
    producerId: 7_000_000_000,
    producerEpoch: 12,
    timestampMs: 1_700_000_000_000,
    baseOffset: 900,
    partitionLeaderEpoch: 3,
  });
  expect(bytes).toEqual(readFixture(`${type}-marker`));
});

test.each(["leader-change", "snapshot-header", "snapshot-footer", "kraft-version", "kraft-voters"] as const)(
  "a %s record is read as such",
  (type) => {
    const batch = readNow(encodeControlBatch({ type, value: Uint8Array.of(0, 1), timestampMs: 5 }));
    expect(batch).toMatchObject({ isControlBatch: true, isTransactional: false, producerId: -1 });
    const [record] = [...batch];
    expect(readControlRecord(record!.key)).toEqual({ type, version: 0 });
    expect(record!.value).toEqual(Uint8Array.of(0, 1));
    expect(readEndTransactionMarker(record!.key, record!.value)).toBeNull();
  },
);

describe("reading", () => {
  test("later key versions may be longer, later types are unknown", () => {
    expect(readControlRecord(Uint8Array.of(0, 3, 0, 1, 9, 9))).toEqual({ type: "commit", version: 3 });
    expect(readControlRecord(Uint8Array.of(0, 0, 0, 77))).toEqual({ type: "unknown", version: 0 });
  });

  test.each([null, new Uint8Array(0), Uint8Array.of(0, 0, 0), Uint8Array.of(0xff, 0xff, 0, 0)])("bad key %#", (key) => {
    expect(() => readControlRecord(key)).toThrow(CorruptRecordError);
  });

  test.each([null, new Uint8Array(5), Uint8Array.of(0xff, 0xff, 0, 0, 0, 0)])("bad marker %#", (value) => {
    expect(() => readEndTransactionMarker(Uint8Array.of(0, 0, 0, 0), value)).toThrow(CorruptRecordError);
  });
});
