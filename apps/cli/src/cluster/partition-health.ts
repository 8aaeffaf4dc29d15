import type { TopicDescription } from "@ottla/admin";
import type { UnderReplicated } from "@ottla/admin/internal";

/** A partition, and what it lacks: the words are those of `kafka-topics --describe`. */
export interface PartitionHealth {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  readonly eligibleLeaderReplicas: readonly number[];
  readonly isUnderReplicated: boolean;
  readonly isUnderMinIsr: boolean;
  readonly isAtMinIsr: boolean;
  readonly isOffline: boolean;
}

export function partitionHealthOf(
  { name, partitions }: TopicDescription,
  minInSyncReplicas: number,
  isUnderReplicated: UnderReplicated,
): PartitionHealth[] {
  return partitions.map((described) => {
    const { partition, leader, replicas, inSyncReplicas, eligibleLeaderReplicas } = described;
    // As Kafka: more than there are replicas cannot be asked for.
    const wanted = Math.min(minInSyncReplicas, replicas.length);
    return {
      topic: name,
      partition,
      leader,
      replicas,
      inSyncReplicas,
      eligibleLeaderReplicas: eligibleLeaderReplicas ?? [],
      isUnderReplicated: isUnderReplicated(name, described),
      isUnderMinIsr: inSyncReplicas.length < wanted,
      isAtMinIsr: inSyncReplicas.length === wanted,
      isOffline: leader < 0,
    };
  });
}
