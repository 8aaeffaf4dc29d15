import { describe, expect, it } from "vitest";
import type { BrokerState } from "./broker-state.ts";
import { concernsOf } from "./concerns.ts";
import type { ClusterSummary } from "./summary.ts";

const SUMMARY: ClusterSummary = {
  isLoaded: true,
  topics: 1,
  partitions: 1,
  fenced: [],
  underReplicated: [],
  offline: [],
  storedBytes: 1,
  usableBytes: 500,
  totalBytes: 1_000,
  disks: [{ broker: 1, path: "/data", freeShare: 0.5 }],
  groups: [],
  fallingBehind: [],
};
const state = (nodeId: number, eventLoopDelayP99Ms: number) =>
  ({ nodeId, process: { eventLoopDelayP99Ms } }) as BrokerState;
const titles = (summary: Partial<ClusterSummary>, states = [state(1, 1)]) =>
  concernsOf({ ...SUMMARY, ...summary }, states).map(({ title }) => title);

describe("what needs attention", () => {
  it("is nothing in a cluster that is well", () => {
    expect(titles({})).toEqual([]);
  });

  it("names what is wrong, the worst first", () => {
    const group = {
      groupId: "g",
      state: "PreparingRebalance",
      type: "classic",
      protocolType: "consumer",
      membersCount: 1,
      topics: [],
      lag: 0,
      recordsPerSecond: undefined,
    };
    const all = {
      fenced: [3],
      offline: ["a-0"],
      underReplicated: ["a-0", "b-1"],
      disks: [{ broker: 1, path: "/data", freeShare: 0.02 }],
      groups: [group],
      fallingBehind: [{ groupId: "h", lag: 10, grownBy: 5, overMs: 20_000 }],
    };
    expect(titles(all, [state(1, 300)])).toEqual([
      "Broker 3 is fenced",
      "1 partition without a leader",
      "2 partitions with replicas out of sync",
      "Only 2% of the disk is free",
      "Group h falls behind",
      "Group g is rebalancing",
      "The broker's event loop is held up for 300 ms (p99)",
    ]);
  });

  it("is a transaction that nobody ends, and one that should have been ended", () => {
    const found = { topic: "a", producerEpoch: 0, coordinatorEpoch: 0, startOffset: 0, lastTimestampMs: 0 };
    const open = { ...found, transactionalId: null, openForMs: null };
    const transactions = [
      { ...open, partition: 0, producerId: 1, verdict: "open" as const },
      { ...open, partition: 1, producerId: 2, verdict: "hung" as const },
      { ...open, partition: 2, producerId: 3, verdict: "late" as const },
      { ...open, partition: 3, producerId: 3, verdict: "late" as const },
    ];
    expect(concernsOf(SUMMARY, [state(1, 1)], transactions)).toMatchObject([
      { tone: "bad", title: "1 hung transaction", advice: expect.stringMatching(/^a-1: /), path: ["transactions"] },
      { tone: "warn", title: "1 transaction open beyond the timeout", advice: expect.stringMatching(/^a-2, a-3: /) },
    ]);
    expect(concernsOf(SUMMARY, [state(1, 1)], transactions.slice(0, 1))).toEqual([]);
  });

  it("does not warn of a disk that has no size, which is memory", () => {
    expect(titles({ usableBytes: 0, totalBytes: 0, disks: [] })).toEqual([]);
  });

  it("is a disk that is full, however much room there is on others, and the broker that is slow", () => {
    const disks = [
      { broker: 1, path: "/data", freeShare: 0.9 },
      { broker: 2, path: "/data", freeShare: 0.04 },
    ];
    const concerns = concernsOf({ ...SUMMARY, disks }, [state(1, 1), state(2, 200)]);
    expect(concerns).toMatchObject([
      { title: "Only 4% of a disk is free", advice: expect.stringContaining("broker 2 /data") },
      { title: "Broker 2's event loop is held up for 200 ms (p99)" },
    ]);
  });
});
