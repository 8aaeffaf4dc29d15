import { notAssigned } from "../errors.ts";
import { partitionKey, type TopicPartition } from "../topic-partition.ts";
import { PartitionState } from "./partition-state.ts";

/** The partitions that a consumer reads. */
export class AssignedPartitions<K, V> implements Iterable<PartitionState<K, V>> {
  #states: ReadonlyMap<string, PartitionState<K, V>> = new Map();

  [Symbol.iterator](): IterableIterator<PartitionState<K, V>> {
    return this.#states.values();
  }

  get({ topic, partition }: TopicPartition): PartitionState<K, V> | undefined {
    return this.#states.get(partitionKey(topic, partition));
  }

  /** @throws KafkaError `NOT_ASSIGNED` */
  require(partition: TopicPartition): PartitionState<K, V> {
    const state = this.get(partition);
    if (state === undefined) throw notAssigned(partition);
    return state;
  }

  /** The states of `partitions`; of all where that is undefined. @throws KafkaError `NOT_ASSIGNED` */
  select(partitions: Iterable<TopicPartition> | undefined): PartitionState<K, V>[] {
    return partitions === undefined ? [...this] : [...partitions].map((partition) => this.require(partition));
  }

  /** Reads exactly `partitions` from now on. Those that stay keep their state. */
  replace(partitions: Iterable<TopicPartition>): void {
    const states = new Map<string, PartitionState<K, V>>();
    for (const partition of partitions) {
      const key = partitionKey(partition.topic, partition.partition);
      states.set(key, this.#states.get(key) ?? new PartitionState(partition));
    }
    for (const [key, state] of this.#states) if (!states.has(key)) state.release();
    this.#states = states;
  }

  list(): TopicPartition[] {
    return [...this].map(({ topic, partition }) => ({ topic, partition }));
  }
}
