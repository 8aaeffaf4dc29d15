import { type Uuid, ZERO_UUID } from "@ottla/protocol";
import type { OffsetCommitValue } from "@ottla/protocol/internal";

/** An offset that a group has committed for a partition. */
export interface CommittedOffset {
  readonly offset: number;
  /** The leader epoch of the last record consumed; -1 where the client did not say. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** When it expires, where the client said so (OffsetCommit up to v4); otherwise -1. */
  readonly expireTimestampMs: number;
  /** All zeros where it is not known. */
  readonly topicId: Uuid;
  /** Its record's place in the log, relative to the records of other offsets. */
  readonly sequence: number;
}

export function committedOffset(value: OffsetCommitValue, sequence: number): CommittedOffset {
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp,
    topicId: value.topicId,
    sequence,
  };
}

/** Whether both ids are known and of different topics, as when a topic was deleted and created again. */
export function isOtherTopic(a: Uuid, b: Uuid): boolean {
  return a !== b && a !== ZERO_UUID && b !== ZERO_UUID;
}

export type PartitionOffsets = ReadonlyMap<number, CommittedOffset>;
export type TopicOffsets = ReadonlyMap<string, PartitionOffsets>;

const NO_TOPICS: TopicOffsets = new Map();

/** Offsets by group, topic and partition. Holds no empty maps. */
export class OffsetTable {
  private readonly byGroup = new Map<string, Map<string, Map<number, CommittedOffset>>>();

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.byGroup.get(groupId)?.get(topic)?.get(partition);
  }

  /** The offsets of a group by topic; empty where there are none. */
  topicsOf(groupId: string): TopicOffsets {
    return this.byGroup.get(groupId) ?? NO_TOPICS;
  }

  has(groupId: string): boolean {
    return this.byGroup.has(groupId);
  }

  groupIds(): IterableIterator<string> {
    return this.byGroup.keys();
  }

  /** Sets an offset, or removes it where `value` is undefined. */
  put(groupId: string, topic: string, partition: number, value: CommittedOffset | undefined): void {
    if (value === undefined) {
      this.remove(groupId, topic, partition);
      return;
    }
    const topics = getOrInsert(this.byGroup, groupId, () => new Map<string, Map<number, CommittedOffset>>());
    getOrInsert(topics, topic, () => new Map<number, CommittedOffset>()).set(partition, value);
  }

  private remove(groupId: string, topic: string, partition: number): void {
    const topics = this.byGroup.get(groupId);
    const partitions = topics?.get(topic);
    if (topics === undefined || !partitions?.delete(partition)) return;
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.byGroup.delete(groupId);
  }
}

function getOrInsert<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const made = make();
  map.set(key, made);
  return made;
}
