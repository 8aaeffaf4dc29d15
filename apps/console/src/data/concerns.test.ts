import { describe, expect, it } from "vitest";
import type { BrokerState } from "./broker-state.ts";
import { concernsOf } from "./concerns.ts";
import type { ClusterSummary } from "./summary.ts";

const SUMMARY: ClusterSummary = {
  isLoaded: true,
  topics: 1,
  partitions: 1,
  underReplicated: [],
  offline: [],
  storedBytes: 1,
  usableBytes: 500,
  totalBytes: 1_000,
  groups: [],
  fallingBehind: [],
};
const STATE = { process: { eventLoopDelayP99Ms: 1 } } as BrokerState;
const titles = (summary: Partial<ClusterSummary>, state = STATE) =>
  concernsOf({ ...SUMMARY, ...summary }, state).map(({ title }) => title);

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
    };
    const all = {
      offline: ["a-0"],
      underReplicated: ["a-0", "b-1"],
      usableBytes: 20,
      groups: [group],
      fallingBehind: [{ groupId: "h", lag: 10, grownBy: 5 }],
    };
    expect(titles(all, { process: { eventLoopDelayP99Ms: 300 } } as BrokerState)).toEqual([
      "1 partition without a leader",
      "2 partitions with replicas out of sync",
      "Only 2% of the disk is free",
      "Group h falls behind",
      "Group g is rebalancing",
      "The broker's event loop is held up for 300 ms (p99)",
    ]);
  });

  it("does not warn of a disk that has no size, which is memory", () => {
    expect(titles({ usableBytes: 0, totalBytes: 0 })).toEqual([]);
  });
});
