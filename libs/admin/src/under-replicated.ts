import type { TopicPartitionDescription } from "./describe-topics.ts";
import type { PartitionReassignment } from "./reassignments.ts";

/** Whether a partition lacks replicas in sync. */
export type UnderReplicated = (
  topic: string,
  partition: Pick<TopicPartitionDescription, "partition" | "replicas" | "inSyncReplicas">,
) => boolean;

/**
 * As `kafka-topics` reckons while these reassignments are under way: of the replicas that one adds none is missed before it
 * has ended.
 */
export function underReplicatedDuring(reassignments: readonly PartitionReassignment[]): UnderReplicated {
  const adding = new Map(
    reassignments.map(({ topic, partition, addingReplicas }) => [`${topic}-${partition}`, addingReplicas]),
  );
  return (topic, { partition, replicas, inSyncReplicas }) => {
    const added = adding.get(`${topic}-${partition}`) ?? [];
    return inSyncReplicas.length < replicas.filter((replica) => !added.includes(replica)).length;
  };
}
