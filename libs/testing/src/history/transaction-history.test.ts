import { describe, expect, it } from "vitest";
import {
  type AnomalyKind,
  findAnomalies,
  type History,
  type Read,
  type TransactionHistory,
} from "./transaction-history.ts";

const committed: TransactionHistory = {
  ...{ id: "t1", process: "w", outcome: "committed", committingAtMs: 10 },
  sends: [
    { partition: "p", value: "t1/0", offset: 0 },
    { partition: "q", value: "t1/1", offset: 0 },
  ],
};
const aborted: TransactionHistory = {
  ...{ id: "t2", process: "w", outcome: "aborted", committingAtMs: null },
  sends: [{ partition: "p", value: "t2/0", offset: 2 }],
};
const unknown: TransactionHistory = {
  ...{ id: "t3", process: "w", outcome: "unknown", committingAtMs: 30 },
  sends: [
    { partition: "p", value: "t3/0", offset: 4 },
    { partition: "q", value: "t3/1", offset: null },
  ],
};
const transactions = [committed, aborted, unknown];
const read = (partition: string, offset: number, value: string, atMs = 40, reader = "r"): Read => {
  return { reader, partition, offset, value, atMs };
};
const reads = [read("p", 0, "t1/0", 15), read("q", 0, "t1/1", 15), read("p", 4, "t3/0"), read("q", 2, "t3/1")];

/** The sound history, with one thing wrong. */
const WRONG: Readonly<Record<AnomalyKind, History>> = {
  "aborted read": { transactions, reads: [...reads, read("p", 5, "t2/0")] },
  "precommitted read": { transactions, reads: [read("p", 0, "t1/0", 9), ...reads.slice(1)] },
  "torn transaction": { transactions, reads: reads.slice(0, 3) },
  "lost write": { transactions, reads: reads.slice(1) },
  duplicate: { transactions, reads: [...reads, read("p", 7, "t1/0")] },
  "inconsistent offsets": { transactions, reads: [...reads, read("p", 0, "t3/0", 40, "other")] },
  "non-monotonic poll": { transactions, reads: [reads[2]!, reads[0]!, reads[1]!, reads[3]!] },
  "skipped by a poll": { transactions, reads: [...reads, read("p", 4, "t3/0", 40, "other")] },
  "non-monotonic send": { transactions: [unknown, committed, aborted], reads },
  "unknown value": { transactions: [committed, aborted], reads },
};

describe("a history of transactions", () => {
  it("that is sound has no anomaly, whichever way unknown transactions ended", () => {
    expect(findAnomalies({ transactions, reads })).toEqual([]);
    expect(findAnomalies({ transactions, reads: reads.slice(0, 2) })).toEqual([]);
  });

  for (const [kind, history] of Object.entries(WRONG)) {
    it(`shows: ${kind}`, () => {
      expect(findAnomalies(history).map((anomaly) => anomaly.kind)).toContain(kind);
    });
  }

  it("shows an acknowledged offset where another record is", () => {
    const elsewhere = { ...committed, sends: [{ partition: "p", value: "t1/0", offset: 4 }, committed.sends[1]!] };
    const kinds = findAnomalies({ transactions: [elsewhere, aborted], reads }).map(({ kind }) => kind);
    expect(kinds).toContain("inconsistent offsets");
  });
});
