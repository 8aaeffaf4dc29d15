import { expect, it } from "vitest";
import { underReplicatedDuring } from "./under-replicated.ts";

/** Two replicas go to brokers 3 and 4. */
const MOVE = {
  topic: "orders",
  partition: 0,
  replicas: [3, 4, 1, 2],
  addingReplicas: [3, 4],
  removingReplicas: [1, 2],
};

it.each([
  ["while it is moved, with all that it had", "orders", 0, [1, 2], false],
  ["while it is moved, one of those that come in sync already", "orders", 0, [1, 2, 3], false],
  ["while it is moved, one of those that it had out of sync", "orders", 0, [1], true],
  ["of another topic that is not moved", "payments", 0, [1, 2], true],
  ["another one of the same topic", "orders", 1, [1, 2], true],
  ["another one, with all", "orders", 1, [1, 2, 3, 4], false],
])("a partition, %s (%s-%i, in sync %j): %j", (_, topic, partition, inSyncReplicas, isUnderReplicated) => {
  const { replicas } = MOVE;
  expect(underReplicatedDuring([MOVE])(topic, { partition, replicas, inSyncReplicas })).toBe(isUnderReplicated);
});
