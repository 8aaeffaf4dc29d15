import type { TopicPartition } from "../topic-partition.ts";
import type { MemberSubscription } from "./assignor.ts";

/** Kafka compares strings by UTF-16 code units, and so does JavaScript's `<`. */
export function compareStrings(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By topic, then by partition. */
export function compareTopicPartitions(a: TopicPartition, b: TopicPartition): number {
  return compareStrings(a.topic, b.topic) || a.partition - b.partition;
}

/** Static members first, by instance id; then the others by member id: a static member keeps its place as ids change. */
export function compareMembers(a: MemberSubscription, b: MemberSubscription): number {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null) {
    return compareStrings(a.groupInstanceId, b.groupInstanceId);
  }
  if (a.groupInstanceId !== null) return -1;
  if (b.groupInstanceId !== null) return 1;
  return compareStrings(a.memberId, b.memberId);
}

const INITIAL_CAPACITY = 16;
const LOAD_FACTOR = 0.75;

/**
 * `items` in the order in which a Java `HashMap` with those keys iterates.
 *
 * The sticky assignor of the Java client walks such maps where the order decides who keeps a partition, and writes
 * its user data in that order. A group may have leaders of both kinds in turn: with the same order they decide alike,
 * and a change of leader moves nothing. (Bins of more than eight colliding keys, where Java turns to trees, are not
 * imitated.)
 */
export function inJavaHashOrder<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  let capacity = INITIAL_CAPACITY;
  while (items.length > capacity * LOAD_FACTOR) capacity *= 2;
  return items
    .map((item) => ({ item, bucket: javaHashBucket(keyOf(item), capacity) }))
    .sort((a, b) => a.bucket - b.bucket)
    .map(({ item }) => item);
}

function javaHashBucket(key: string, capacity: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 16)) & (capacity - 1);
}
