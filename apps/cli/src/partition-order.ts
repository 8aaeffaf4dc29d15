interface Named {
  readonly topic: string;
  readonly partition: number;
}

/** Orders by topic, then by partition. */
export function byTopicAndPartition(a: Named, b: Named): number {
  if (a.topic === b.topic) return a.partition - b.partition;
  return a.topic < b.topic ? -1 : 1;
}
