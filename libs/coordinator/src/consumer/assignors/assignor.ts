import type { Uuid } from "@ottla/protocol";

/** Partitions by topic id, each list ascending. */
export type Partitions = ReadonlyMap<Uuid, readonly number[]>;

export const NO_PARTITIONS: Partitions = new Map();

/** A member as an assignor sees it. */
export interface AssignorMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** Topics that exist. */
  readonly subscribedTopicIds: ReadonlySet<Uuid>;
  /** Its target assignment until now. */
  readonly current: Partitions;
}

export interface AssignorInput {
  readonly members: readonly AssignorMember[];
  /** Partitions of each topic that somebody subscribes to. */
  readonly partitionCounts: ReadonlyMap<Uuid, number>;
  /** Whether all members subscribe to the same topics. */
  readonly isHomogeneous: boolean;
}

/** Says which member is to have which partitions. A member that it leaves out gets none. */
export type Assignor = (input: AssignorInput) => ReadonlyMap<string, Partitions>;

/** Collects partitions one by one. */
export class PartitionCollector {
  private readonly byTopic = new Map<Uuid, number[]>();
  count = 0;

  add(topicId: Uuid, partition: number): void {
    const partitions = this.byTopic.get(topicId);
    if (partitions === undefined) this.byTopic.set(topicId, [partition]);
    else partitions.push(partition);
    this.count++;
  }

  has(topicId: Uuid): boolean {
    return this.byTopic.has(topicId);
  }

  /** Takes one partition of the topic out, the last that was added. */
  takeOne(topicId: Uuid): number | undefined {
    const partitions = this.byTopic.get(topicId);
    const partition = partitions?.pop();
    if (partition === undefined) return undefined;
    if (partitions!.length === 0) this.byTopic.delete(topicId);
    this.count--;
    return partition;
  }

  result(): Partitions {
    for (const partitions of this.byTopic.values()) partitions.sort((a, b) => a - b);
    return this.byTopic;
  }
}

/** Whether two assignments hold the same partitions. */
export function samePartitions(a: Partitions, b: Partitions): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.length !== partitions.length) return false;
    if (!partitions.every((partition, index) => partition === others[index])) return false;
  }
  return true;
}
