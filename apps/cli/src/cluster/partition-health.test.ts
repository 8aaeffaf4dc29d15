import { underReplicatedDuring } from "@ottla/admin/internal";
import { expect, it } from "vitest";
import { partitionHealthOf } from "./partition-health.ts";

it("does not miss the replicas that a reassignment brings, before it has ended", () => {
  const topic = {
    ...{ name: "orders", topicId: "AAAAAAAAAAAAAAAAAAAACQ", isInternal: false },
    partitions: [0, 1].map((partition) => ({
      ...{ partition, leader: 1, leaderEpoch: 0, replicas: [3, 1, 2], inSyncReplicas: [1, 2], offlineReplicas: [] },
      ...{ eligibleLeaderReplicas: null, lastKnownEligibleLeaderReplicas: null },
    })),
  };
  const move = { topic: "orders", partition: 0, replicas: [3, 1, 2], addingReplicas: [3], removingReplicas: [2] };
  const health = partitionHealthOf(topic, 2, underReplicatedDuring([move]));
  expect(health.map(({ isUnderReplicated }) => isUnderReplicated)).toEqual([false, true]);
});
