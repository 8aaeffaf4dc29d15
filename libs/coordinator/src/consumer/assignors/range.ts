import type { Assignor, AssignorMember, Partitions } from "./assignor.ts";

/**
 * `range`: for each topic, its subscribers in order get neighbouring partitions, the first ones one more where they do
 * not divide evenly. Topics with as many partitions and the same subscribers are assigned alike, so that they can be joined.
 */
export const rangeAssignor: Assignor = ({ members, partitionCounts }) => {
  const sorted = [...members].sort(byInstanceThenId);
  const assigned = new Map(sorted.map(({ memberId }) => [memberId, new Map<string, readonly number[]>()]));
  for (const [topicId, partitionCount] of partitionCounts) {
    const subscribers = sorted.filter(({ subscribedTopicIds }) => subscribedTopicIds.has(topicId));
    const quota = Math.floor(partitionCount / subscribers.length);
    const extras = partitionCount % subscribers.length;
    let next = 0;
    subscribers.forEach(({ memberId }, index) => {
      const size = quota + (index < extras ? 1 : 0);
      if (size > 0) assigned.get(memberId)!.set(topicId, consecutive(next, size));
      next += size;
    });
  }
  return assigned as ReadonlyMap<string, Partitions>;
};

/** Static members come first, by instance id: their order outlives a restart. */
function byInstanceThenId(a: AssignorMember, b: AssignorMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId);
  if (a.instanceId !== null) return -1;
  if (b.instanceId !== null) return 1;
  return compare(a.memberId, b.memberId);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function consecutive(first: number, size: number): number[] {
  return Array.from({ length: size }, (_, index) => first + index);
}
