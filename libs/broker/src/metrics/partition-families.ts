import type { PartitionImage } from "@ottla/metadata";
import type { Partition } from "../partition/partition.ts";
import type { PartitionRegistry } from "../partition/partition-registry.ts";
import type { MetricFamily, MetricSample } from "./metric-family.ts";

/** As Kafka: `min.insync.replicas`, of no more than there are. */
export function replicasNeeded({ config, image }: Partition): number {
  return Math.min(config.minInsyncReplicas, image.replicas.length);
}

/** As Kafka: of the replicas that a reassignment adds none is missed before it has ended. */
export function isUnderReplicated({
  replicas,
  addingReplicas,
  isr,
}: Pick<PartitionImage, "replicas" | "addingReplicas" | "isr">): boolean {
  return isr.length < replicas.length - addingReplicas.length;
}

/** One value for each partition that is hosted here. */
const GAUGES: readonly [name: string, help: string, read: (partition: Partition) => number | null][] = [
  ["kafka_log_log_size", "Bytes of the partition's log on this broker.", ({ log }) => log.sizeBytes],
  ["kafka_log_log_logstartoffset", "First offset of the log.", ({ log }) => log.logStartOffset],
  ["kafka_log_log_logendoffset", "Offset after the last record of the log.", ({ log }) => log.logEndOffset],
  [
    "kafka_cluster_partition_insyncreplicascount",
    "Replicas in sync, as its leader sees it.",
    (partition) => (partition.isLeader ? partition.image.isr.length : null),
  ],
  [
    "kafka_cluster_partition_underreplicated",
    "1 where replicas are out of sync, as its leader sees it.",
    (partition) => (partition.isLeader ? Number(isUnderReplicated(partition.image)) : null),
  ],
  [
    "kafka_cluster_partition_underminisr",
    "1 where fewer replicas are in sync than min.insync.replicas, as its leader sees it.",
    (partition) => (partition.isLeader ? Number(partition.image.isr.length < replicasNeeded(partition)) : null),
  ],
];

export function* partitionFamilies(partitions: PartitionRegistry): Generator<MetricFamily> {
  for (const [name, help, read] of GAUGES) yield { name, type: "gauge", help, samples: samplesOf(partitions, read) };
}

function* samplesOf(
  partitions: PartitionRegistry,
  read: (partition: Partition) => number | null,
): Generator<MetricSample> {
  for (const each of partitions.all()) {
    const value = read(each);
    if (value !== null) yield { labels: { topic: each.topic, partition: each.partition }, value };
  }
}
