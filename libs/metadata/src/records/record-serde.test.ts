import { MalformedFrameError } from "@ottla/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyHistory } from "../test-support/arbitrary-history.ts";
import { asWritten, deserializeRecord, serializeRecord } from "./record-serde.ts";

describe("metadata records", () => {
  it("come back as they were written", () => {
    fc.assert(
      fc.property(anyHistory, ({ records }) => {
        for (const record of records.flat()) {
          const read = asWritten(record);
          expect(read).toMatchObject(record);
          expect(asWritten(read)).toEqual(read);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("are in KRaft's frame: version 1, kind, version of the message", () => {
    const bytes = serializeRecord({ type: "TopicRecord", name: "abc", topicId: "AAAAAAAAAAAAAAAAAAAACQ" });
    expect([...bytes]).toEqual(
      [1, 2, 0, 4, 97, 98, 99, ...new Array(15).fill(0), 9 << 0, 0].map((b, i) => (i === 22 ? 9 : b)),
    );
  });

  it("are refused where they are damaged, cut or of an unknown kind", () => {
    const bytes = serializeRecord({ type: "TopicRecord", name: "abc", topicId: "AAAAAAAAAAAAAAAAAAAACQ" });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => deserializeRecord(bytes.subarray(0, length)), `cut at ${length}`).toThrow(MalformedFrameError);
    }
    expect(() => deserializeRecord(Uint8Array.of(2, 2, 0))).toThrow(/frame version 2/);
    expect(() => deserializeRecord(Uint8Array.of(1, 99, 0))).toThrow(/type 99/);
    expect(() => deserializeRecord(Uint8Array.of(...bytes, 0))).toThrow(/1 bytes are left/);
  });
});
