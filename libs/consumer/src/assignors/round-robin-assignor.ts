import type { TopicPartition } from "../topic-partition.ts";
import type { AssignableTopics, MemberAssignment, MemberSubscription, PartitionAssignor } from "./assignor.ts";
import { compareMembers, compareStrings } from "./order.ts";

/**
 * Lays out all partitions of all topics and deals them to the members in turn, skipping members that do not
 * subscribe to the topic. Even over many topics, but a change of members moves much. Kafka's `RoundRobinAssignor`.
 */
export class RoundRobinAssignor implements PartitionAssignor {
  readonly name = "roundrobin";

  assign(topics: AssignableTopics, members: readonly MemberSubscription[]): Map<string, MemberAssignment> {
    const ring = [...members].sort(compareMembers).map((member) => ({
      memberId: member.memberId,
      topics: new Set(member.topics),
      partitions: [] as TopicPartition[],
    }));
    let next = 0;
    for (const topic of [...topics.keys()].sort(compareStrings)) {
      if (!ring.some((member) => member.topics.has(topic))) continue;
      for (const { partition } of topics.get(topic)!) {
        while (!ring[next]!.topics.has(topic)) next = (next + 1) % ring.length;
        ring[next]!.partitions.push({ topic, partition });
        next = (next + 1) % ring.length;
      }
    }
    return new Map(ring.map(({ memberId, partitions }) => [memberId, { partitions, userData: null }]));
  }
}
