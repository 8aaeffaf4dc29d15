import {
  type BrokerImage,
  type MetadataImage,
  NO_LEADER,
  type PartitionImage,
  type TopicImage,
} from "./metadata-image.ts";
import type { PersistentMap } from "./persistent-map.ts";

/** One partition that is new or not as it was. */
export interface PartitionChange {
  readonly topic: TopicImage;
  /** Null for a new partition. */
  readonly before: PartitionImage | null;
  readonly after: PartitionImage;
}

/**
 * What differs between two images. All that a broker does to its logs, leaders and configs follows from this and from
 * nothing else, whichever way the images came about (records one by one, or a snapshot that skips many).
 */
export interface ImageDelta {
  /** Topics that are gone, with all they had. A topic that was deleted and created again is here and in the partitions. */
  readonly deletedTopics: readonly TopicImage[];
  /** Partitions that are new or changed, in the order of topic names and partition numbers. */
  readonly changedPartitions: readonly PartitionChange[];
  /** Keys of {@link MetadataImage.configs} whose values differ. */
  readonly changedConfigs: readonly string[];
  readonly changedBrokers: readonly { readonly before: BrokerImage | null; readonly after: BrokerImage | null }[];
}

/** The differences between `previous` and `next`. Costs what changed, not what there is. */
export function imageDelta(previous: MetadataImage, next: MetadataImage): ImageDelta {
  const names = sortedChanges(previous.topicsByName, next.topicsByName);
  return {
    deletedTopics: names.flatMap((name) => deletedTopic(previous, next, name)),
    changedPartitions: names.flatMap((name) => partitionChanges(previous, next, name)),
    changedConfigs: sortedChanges(previous.configs, next.configs),
    changedBrokers: sortedChanges(previous.brokers, next.brokers).map((id) => ({
      before: previous.brokers.get(id) ?? null,
      after: next.brokers.get(id) ?? null,
    })),
  };
}

/** Whether `after` is another leadership than `before`: another leader, or the same one elected anew. */
export function isElection({ before, after }: PartitionChange): boolean {
  return before === null ? after.leader !== NO_LEADER : before.leaderEpoch !== after.leaderEpoch;
}

function sortedChanges<Value>(previous: PersistentMap<Value>, next: PersistentMap<Value>): string[] {
  return [...previous.changedKeys(next)].sort();
}

function deletedTopic(previous: MetadataImage, next: MetadataImage, name: string): TopicImage[] {
  const before = previous.topicsByName.get(name);
  return before === undefined || before.topicId === next.topicsByName.get(name)?.topicId ? [] : [before];
}

function partitionChanges(previous: MetadataImage, next: MetadataImage, name: string): PartitionChange[] {
  const topic = next.topicsByName.get(name);
  if (topic === undefined) return [];
  const old = previous.topicsByName.get(name);
  const before = old?.topicId === topic.topicId ? old.partitions : [];
  return topic.partitions
    .filter((after) => before[after.partition] !== after)
    .map((after) => ({ topic, before: before[after.partition] ?? null, after }));
}
