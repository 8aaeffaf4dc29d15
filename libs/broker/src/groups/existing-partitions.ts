import type { TopicImage } from "@ottla/metadata";
import { ErrorCode } from "@ottla/protocol";

interface WithPartitions {
  readonly partitions: readonly { readonly partitionIndex: number }[];
}

interface AnsweredPartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

/** The topic of a request without the partitions that it does not have; without any, if it does not exist. */
export function withExistingPartitions<T extends WithPartitions>(topic: T, image: TopicImage | undefined): T {
  const exists = ({ partitionIndex }: { readonly partitionIndex: number }) =>
    image !== undefined && partitionIndex >= 0 && partitionIndex < image.partitions.length;
  return topic.partitions.every(exists) ? topic : { ...topic, partitions: topic.partitions.filter(exists) };
}

/** The answer for each partition of a request; those that were left out as they do not exist get their error. */
export function withUnknownPartitions(
  { partitions }: WithPartitions,
  answered: readonly AnsweredPartition[],
): readonly AnsweredPartition[] {
  if (partitions.every(({ partitionIndex }, index) => answered[index]?.partitionIndex === partitionIndex)) {
    return answered.slice(0, partitions.length);
  }
  const errors = new Map(answered.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]));
  return partitions.map(({ partitionIndex }) => ({
    partitionIndex,
    errorCode: errors.get(partitionIndex) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  }));
}
