import type { Admin, TopicPartition } from "@ottla/admin";
import { UsageError } from "./exit.ts";

/** The partitions of a topic that were named, all where none was. @throws UsageError where there is no such partition */
export async function namedPartitions(
  admin: Admin,
  topic: string,
  named: readonly number[] = [],
): Promise<TopicPartition[]> {
  const [described] = await admin.describeTopics([topic]);
  const all = described!.partitions.map(({ partition }) => partition);
  const missing = named.find((partition) => !all.includes(partition));
  if (missing !== undefined) {
    throw new UsageError(`--partition ${missing}: ${topic} has the partitions 0 to ${all.length - 1}.`);
  }
  return (named.length === 0 ? all : [...new Set(named)]).map((partition) => ({ topic, partition }));
}
