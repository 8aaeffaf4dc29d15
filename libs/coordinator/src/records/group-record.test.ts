import { ZERO_UUID } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from "./group-record.ts";

const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString("hex"));
const bytes = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

const offset = {
  offset: 258,
  leaderEpoch: 7,
  metadata: "m",
  commitTimestamp: 1_700_000_000_000,
  expireTimestamp: -1,
  topicId: ZERO_UUID,
};
const key = { group: "g", topic: "t", partition: 5 };

const group = {
  protocolType: "consumer",
  generation: 3,
  protocol: "range",
  leader: "a",
  currentStateTimestamp: 1_700_000_000_000,
  members: [
    {
      memberId: "a",
      groupInstanceId: "i",
      clientId: "c",
      clientHost: "/h",
      rebalanceTimeout: 60_000,
      sessionTimeout: 45_000,
      subscription: new Uint8Array([1]),
      assignment: new Uint8Array([2, 3]),
    },
  ],
};

/** As Kafka's own formatters (OffsetsMessageFormatter, GroupMetadataMessageFormatter) read them. */
const inLog: readonly [name: string, record: GroupRecord, key: string, value: string | null][] = [
  [
    "an offset, v3",
    { type: "offsetCommit", key, value: offset },
    "0001 0001 67 0001 74 00000005",
    "0003 0000000000000102 00000007 0001 6d 0000018bcfe56800",
  ],
  [
    "an offset with its topic's id, v4",
    { type: "offsetCommit", key, value: { ...offset, topicId: "AAAAAAAAAAAAAAAAAAAAAQ" } },
    "0001 0001 67 0001 74 00000005",
    "0004 0000000000000102 00000007 02 6d 0000018bcfe56800 01 00 10 00000000000000000000000000000001",
  ],
  [
    "an offset that expires by itself, v1",
    { type: "offsetCommit", key, value: { ...offset, leaderEpoch: -1, expireTimestamp: 1_700_000_000_001 } },
    "0001 0001 67 0001 74 00000005",
    "0001 0000000000000102 0001 6d 0000018bcfe56800 0000018bcfe56801",
  ],
  ["a tombstone of an offset", { type: "offsetCommit", key, value: null }, "0001 0001 67 0001 74 00000005", null],
  [
    "a group, v3",
    { type: "groupMetadata", key: { group: "g" }, value: group },
    "0002 0001 67",
    "0003 0008 636f6e73756d6572 00000003 0005 72616e6765 0001 61 0000018bcfe56800 00000001 " +
      "0001 61 0001 69 0001 63 0002 2f68 0000ea60 0000afc8 00000001 01 00000002 0203",
  ],
  ["a tombstone of a group", { type: "groupMetadata", key: { group: "g" }, value: null }, "0002 0001 67", null],
];

describe("records of __consumer_offsets", () => {
  it.each(inLog)("hold %s", (_, record, keyHex, valueHex) => {
    const encoded = encodeGroupRecord(record);
    expect(hex(encoded.key)).toBe(keyHex.replaceAll(" ", ""));
    expect(hex(encoded.value)).toBe(valueHex?.replaceAll(" ", "") ?? null);
    expect(decodeGroupRecord(encoded.key, encoded.value)).toEqual(record);
  });

  it("are read in the form of Kafka before 0.9 too", () => {
    const read = decodeGroupRecord(
      bytes("0000 0001 67 0001 74 00000005"),
      bytes("0000 0000000000000102 0001 6d 0000018bcfe56800"),
    );
    expect(read).toEqual({ type: "offsetCommit", key, value: { ...offset, leaderEpoch: -1 } });
  });

  it.each([
    ["of an unknown kind", "0063 0001 67", "0000"],
    ["of partition metadata, which the hash has replaced", "0004 0001 67", "0000 01 00"],
    ["with a value of a later version", "0002 0001 67", "0063 0000"],
    ["whose key ends too early", "0001 0001", "0003"],
    ["whose value ends too early", "0002 0001 67", "0003 00"],
    ["with an empty key", "", null],
  ])("are passed over: one %s", (_, keyHex, valueHex) => {
    const read = decodeGroupRecord(bytes(keyHex), valueHex === null ? null : bytes(valueHex));
    expect(read).toMatchObject({ type: "unknown", reason: expect.any(String) });
  });
});
