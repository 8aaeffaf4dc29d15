import { invalidArgument } from "@ottla/client/internal";
import { notAssigned } from "../errors.ts";
import { partitionKey, type TopicPartition, without } from "../topic-partition.ts";
import { PartitionState } from "./partition-state.ts";

/** The partitions that a consumer reads. */
export class AssignedPartitions<K, V> implements Iterable<PartitionState<K, V>> {
  #states: ReadonlyMap<string, PartitionState<K, V>> = new Map();
  #leftBehind: TopicPartition | undefined;

  [Symbol.iterator](): IterableIterator<PartitionState<K, V>> {
    return this.#states.values();
  }

  get({ topic, partition }: TopicPartition): PartitionState<K, V> | undefined {
    return this.#states.get(partitionKey(topic, partition));
  }

  /** @throws KafkaError `NOT_ASSIGNED` */
  require(partition: TopicPartition): PartitionState<K, V> {
    if (typeof partition !== "object" || partition === null) {
      throw invalidArgument(`${partition} is no partition: { topic: "orders", partition: 0 }.`);
    }
    const state = this.get(partition);
    if (state === undefined) throw notAssigned(partition);
    return state;
  }

  /** The states of `partitions`; of all where that is undefined. @throws KafkaError `NOT_ASSIGNED` */
  select(partitions: Iterable<TopicPartition> | undefined): PartitionState<K, V>[] {
    return partitions === undefined ? [...this] : [...partitions].map((partition) => this.require(partition));
  }

  /** Reads exactly `partitions` from now on. Those that stay keep their state; returns the new ones. */
  replace(partitions: Iterable<TopicPartition>): PartitionState<K, V>[] {
    const states = new Map<string, PartitionState<K, V>>();
    const added: PartitionState<K, V>[] = [];
    for (const partition of partitions) {
      const key = partitionKey(partition.topic, partition.partition);
      let state = this.#states.get(key);
      if (state === undefined) {
        state = new PartitionState(partition);
        added.push(state);
      }
      states.set(key, state);
    }
    for (const [key, state] of this.#states) if (!states.has(key)) this.#release(state);
    this.#states = states;
    return added;
  }

  /**
   * A partition that went away after records of it were handed out that no commit and no transaction has taken along:
   * whoever has it now gets them again. Told once.
   */
  takeLeftBehind(): TopicPartition | undefined {
    const leftBehind = this.#leftBehind;
    this.#leftBehind = undefined;
    return leftBehind;
  }

  #release(state: PartitionState<K, V>): void {
    if (state.hasUntaken) this.#leftBehind ??= { topic: state.topic, partition: state.partition };
    state.release();
  }

  /** Reads all but `partitions` from now on. */
  remove(partitions: Iterable<TopicPartition>): void {
    this.replace(without(this.list(), partitions));
  }

  list(): TopicPartition[] {
    return [...this].map(({ topic, partition }) => ({ topic, partition }));
  }
}
