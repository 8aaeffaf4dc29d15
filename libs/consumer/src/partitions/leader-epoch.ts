import type { ClusterClient } from "@ottla/client/internal";
import type { TopicPartition } from "../topic-partition.ts";

/** Epoch of a partition's leader, as far as the metadata tells; -1 if it does not. */
export function currentLeaderEpoch(client: ClusterClient, { topic, partition }: TopicPartition): number {
  return client.metadata.view.topics.get(topic)?.partitions[partition]?.leaderEpoch ?? -1;
}
