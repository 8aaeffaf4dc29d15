import { encodeRecordBatch } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { FetchedChunk } from "../fetch/fetched-chunk.ts";
import { PartitionState } from "./partition-state.ts";

const asText = { deserialize: String };
const OPTIONS = { keyDeserializer: asText, valueDeserializer: asText, checkCrcs: true };
const ORDERS = { topic: "orders", partition: 0 };

/** A chunk that a fetch from `fetchOffset` brought, with so many records. */
function chunkOf(fetchOffset: number, count: number) {
  const records = Array.from({ length: count }, () => ({ value: "x" }));
  const bytes = encodeRecordBatch({ records, baseOffset: fetchOffset, partitionLeaderEpoch: 3 });
  const data = { bytes, fetchOffset, highWatermark: 100, logStartOffset: 0, abortedTransactions: [] };
  return new FetchedChunk<string, string>(ORDERS, data, OPTIONS);
}

describe("PartitionState", () => {
  it("takes what was fetched from one offset once, though the old leader and the new one have sent it", () => {
    const state = new PartitionState<string, string>(ORDERS);
    state.seek({ offset: 5, leaderEpoch: 3 });
    expect(state.accept(chunkOf(5, 3))).toBe(true);
    expect(state.accept(chunkOf(5, 3))).toBe(false);
    expect(state.accept(chunkOf(5, 1))).toBe(false);
    expect(state.accept(chunkOf(8, 2))).toBe(true);
    state.handOut(8, 3);
    expect(state.nextChunk!.startOffset).toBe(8);
    state.handOut(10, 3);
    expect([state.nextChunk, state.readyBytes, state.fetchOffset]).toEqual([undefined, 0, 10]);
  });
});
