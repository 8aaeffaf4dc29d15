/** One partition of one topic. */
export interface TopicPartition {
  /** The name of the topic. */
  readonly topic: string;
  /** Its number, from 0. */
  readonly partition: number;
}

/** The same partitions topic by topic, as requests want them. */
export function byTopic<Item extends TopicPartition>(items: readonly Item[]): { name: string; items: Item[] }[] {
  const topics = new Map<string, Item[]>();
  for (const item of items) {
    const known = topics.get(item.topic);
    if (known === undefined) topics.set(item.topic, [item]);
    else known.push(item);
  }
  return [...topics].map(([name, ofTopic]) => ({ name, items: ofTopic }));
}

/** How a partition is called in messages: `topic-0`. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
