/** One partition of one topic. */
export interface TopicPartition {
  /** The name of the topic. */
  readonly topic: string;
  /** Its number, from 0. */
  readonly partition: number;
}

/** `items` by topic, in the order in which topics first appear. */
export function groupByTopic<T extends TopicPartition>(items: Iterable<T>): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.topic);
    if (group === undefined) groups.set(item.topic, [item]);
    else group.push(item);
  }
  return groups;
}

/** A key for maps; a topic name cannot hold a colon. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}:${partition}`;
}

/** `orders-3`: how Kafka writes a partition in messages. */
export function formatPartition({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

/** Those of `partitions` that are not among `others`. */
export function without(partitions: readonly TopicPartition[], others: Iterable<TopicPartition>): TopicPartition[] {
  const keys = new Set([...others].map(({ topic, partition }) => partitionKey(topic, partition)));
  return partitions.filter(({ topic, partition }) => !keys.has(partitionKey(topic, partition)));
}
