interface NamedTopic<Partition> {
  readonly name: string;
  readonly partitions: readonly Partition[];
}

/** The topics of a request as Apache Kafka answers them: one that is named twice is one, and none is without partitions. */
export function joinedTopics<Partition>(topics: readonly NamedTopic<Partition>[]): NamedTopic<Partition>[] {
  const joined = new Map<string, Partition[]>();
  for (const { name, partitions } of topics) {
    if (partitions.length === 0) continue;
    const before = joined.get(name);
    if (before === undefined) joined.set(name, [...partitions]);
    else before.push(...partitions);
  }
  return Array.from(joined, ([name, partitions]) => ({ name, partitions }));
}
