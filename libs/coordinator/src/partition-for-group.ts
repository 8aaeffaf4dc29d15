/**
 * The partition of `__consumer_offsets` that holds a group, or of `__transaction_state` that holds a transactional id: `abs(groupId.hashCode()) % partitions` as Java computes
 * it, so that a log written by Apache Kafka is read by the same coordinators here.
 */
export function partitionForGroup(groupId: string, partitionCount: number): number {
  return absoluteInt32(javaStringHashCode(groupId)) % partitionCount;
}

/** `String.hashCode()` of Java: over UTF-16 code units, in 32-bit arithmetic. */
function javaStringHashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/** Kafka's `Utils.abs`: the smallest integer has no positive counterpart and counts as zero. */
function absoluteInt32(value: number): number {
  return value === -(2 ** 31) ? 0 : Math.abs(value);
}
