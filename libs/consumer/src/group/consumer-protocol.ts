import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeConsumerProtocol,
  encodeConsumerProtocol,
} from "@ottla/protocol";
import type { MemberAssignment, MemberSubscription } from "../assignors/assignor.ts";
import { compareStrings, compareTopicPartitions } from "../assignors/order.ts";
import { groupByTopic, type TopicPartition } from "../topic-partition.ts";

/** The version that is written; any is read. */
const VERSION = 3;

/** What this member tells the leader when it joins: JoinGroup's `metadata`, byte for byte as the Java client writes it. */
export function encodeSubscription(subscription: Omit<MemberSubscription, "memberId" | "groupInstanceId">): Uint8Array {
  const { topics, userData, ownedPartitions, generationId, rackId } = subscription;
  return encodeConsumerProtocol(
    consumerProtocolSubscription,
    {
      topics: [...topics].sort(compareStrings),
      userData,
      ownedPartitions: byTopic([...ownedPartitions].sort(compareTopicPartitions)),
      generationId,
      rackId,
    },
    VERSION,
  );
}

/** @throws MalformedFrameError when another client wrote something else */
export function decodeSubscription(
  memberId: string,
  groupInstanceId: string | null,
  metadata: Uint8Array,
): MemberSubscription {
  const { topics, userData, ownedPartitions, generationId, rackId } = decodeConsumerProtocol(
    consumerProtocolSubscription,
    metadata,
  );
  const owned = flatten(ownedPartitions);
  return { memberId, groupInstanceId, topics, userData, ownedPartitions: owned, generationId, rackId };
}

/** What the leader tells a member: SyncGroup's `assignment`. */
export function encodeAssignment({ partitions, userData }: MemberAssignment): Uint8Array {
  return encodeConsumerProtocol(
    consumerProtocolAssignment,
    { assignedPartitions: byTopic(partitions), userData },
    VERSION,
  );
}

/** No bytes at all stand for no partitions. @throws MalformedFrameError when the leader wrote something else */
export function decodeAssignment(assignment: Uint8Array): MemberAssignment {
  if (assignment.length === 0) return { partitions: [], userData: null };
  const { assignedPartitions, userData } = decodeConsumerProtocol(consumerProtocolAssignment, assignment);
  return { partitions: flatten(assignedPartitions), userData };
}

interface PartitionsOfTopic {
  readonly topic: string;
  readonly partitions: readonly number[];
}

function byTopic(partitions: readonly TopicPartition[]): PartitionsOfTopic[] {
  return [...groupByTopic(partitions)].map(([topic, list]) => ({ topic, partitions: list.map((p) => p.partition) }));
}

function flatten(topics: readonly PartitionsOfTopic[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
}
