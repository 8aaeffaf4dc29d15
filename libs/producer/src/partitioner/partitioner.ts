import { invalidOption } from "@ottla/client/internal";
import type { RecordData, RecordHeaderInput } from "@ottla/protocol";
import type { Random } from "@ottla/runtime";
import { partitionOfKey } from "./murmur2.ts";
import { StickyPartition } from "./sticky-partition.ts";

/** What a partitioner decides by. Key and value are as they go into the record: serialized. */
export interface PartitionerArgs {
  /** The topic to choose a partition of. */
  readonly topic: string;
  /** The key as it goes into the record; null without one. */
  readonly key: RecordData;
  /** The value as it goes into the record; null for a tombstone. */
  readonly value: RecordData;
  /** Pairs of name and value, in their order. */
  readonly headers: readonly RecordHeaderInput[];
  /** How many partitions the topic has. */
  readonly partitionCount: number;
  /** The partitions that have a leader at present, in ascending order; all of them if none has. */
  readonly availablePartitions: readonly number[];
}

/** A partitioner of your own: gives a partition from 0 to `partitionCount` - 1. Called once for each record. */
export type PartitionFunction = (args: PartitionerArgs) => number;

/**
 * - `"default"`: by murmur2 of the key, exactly as Kafka's Java producer; records without a key stay with one
 *   partition until it has had a batch's worth of bytes, then go to another one at random: more often to those whose
 *   leaders keep up (KIP-794).
 * - `"roundRobin"`: all partitions in turn, whatever the key.
 * - `"uniformSticky"`: as the default does without a key, for all records.
 * - a function of your own.
 */
export type PartitionerOption = "default" | "roundRobin" | "uniformSticky" | PartitionFunction;

/** What the partitioner needs to know of a topic. */
export interface PartitionedTopic {
  readonly name: string;
  readonly partitionCount: number;
  readonly availablePartitions: readonly number[];
  /** Batches of a partition that wait to be sent; null while its leader takes none. */
  backlogOf(partition: number): number | null;
}

/** Chooses partitions for the records of one topic. */
export interface TopicPartitioner {
  choose(topic: PartitionedTopic, key: RecordData, value: RecordData, headers: readonly RecordHeaderInput[]): number;
  /** Says that the record just chosen for does not fit into its partition's batch. @returns whether to choose again */
  batchFull(): boolean;
  /** Says how many bytes the record just chosen for took. */
  appended(sizeBytes: number): void;
}

/** Makes the partitioner of each topic. @throws KafkaError INVALID_CONFIG */
export function topicPartitioners(
  option: PartitionerOption | undefined,
  { stickyBytes, isAdaptive }: { readonly stickyBytes: number; readonly isAdaptive: boolean },
  random: Random,
): () => TopicPartitioner {
  const sticky = () => new StickyPartition(stickyBytes, isAdaptive, random);
  switch (option) {
    case undefined:
    case "default":
      return () => new KeyPartitioner(sticky());
    case "uniformSticky":
      return () => new StickyPartitioner(sticky());
    case "roundRobin":
      return () => new RoundRobinPartitioner(random);
    default:
      if (typeof option === "function") return () => new CustomPartitioner(option);
      throw invalidOption("partitioner", option, '"default", "roundRobin", "uniformSticky" or a function');
  }
}

class StickyPartitioner implements TopicPartitioner {
  readonly #sticky: StickyPartition;

  constructor(sticky: StickyPartition) {
    this.#sticky = sticky;
  }

  choose(topic: PartitionedTopic): number {
    return this.#sticky.current(topic);
  }

  batchFull(): boolean {
    this.#sticky.leave();
    return true;
  }

  appended(sizeBytes: number): void {
    this.#sticky.appended(sizeBytes);
  }
}

class KeyPartitioner implements TopicPartitioner {
  readonly #sticky: StickyPartition;
  #wasSticky = false;

  constructor(sticky: StickyPartition) {
    this.#sticky = sticky;
  }

  choose(topic: PartitionedTopic, key: RecordData): number {
    this.#wasSticky = key === null;
    return key === null ? this.#sticky.current(topic) : partitionOfKey(key, topic.partitionCount);
  }

  batchFull(): boolean {
    if (this.#wasSticky) this.#sticky.leave();
    return this.#wasSticky;
  }

  appended(sizeBytes: number): void {
    if (this.#wasSticky) this.#sticky.appended(sizeBytes);
  }
}

class RoundRobinPartitioner implements TopicPartitioner {
  #next: number;

  constructor(random: Random) {
    this.#next = random.nextInt(0x7fff_ffff);
  }

  choose({ availablePartitions }: PartitionedTopic): number {
    this.#next = (this.#next + 1) & 0x7fff_ffff;
    return availablePartitions[this.#next % availablePartitions.length]!;
  }

  batchFull(): boolean {
    return false;
  }

  appended(): void {}
}

class CustomPartitioner implements TopicPartitioner {
  readonly #choose: PartitionFunction;

  constructor(choose: PartitionFunction) {
    this.#choose = choose;
  }

  choose(topic: PartitionedTopic, key: RecordData, value: RecordData, headers: readonly RecordHeaderInput[]): number {
    const { name, partitionCount, availablePartitions } = topic;
    return this.#choose({ topic: name, key, value, headers, partitionCount, availablePartitions });
  }

  batchFull(): boolean {
    return false;
  }

  appended(): void {}
}
