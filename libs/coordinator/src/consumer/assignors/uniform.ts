import type { Uuid } from "@ottla/protocol";
import {
  type Assignor,
  type AssignorInput,
  type AssignorMember,
  PartitionCollector,
  type Partitions,
} from "./assignor.ts";

/**
 * `uniform`: every member gets as many partitions as the others, give or take one, as far as subscriptions allow;
 * and of those it had before, as many as that leaves room for.
 */
export const uniformAssignor: Assignor = (input) => {
  const draft = new Draft(input);
  if (input.isHomogeneous) draft.assignToQuota();
  else draft.assignByLoad();
  return draft.result();
};

/** An assignment in the making. No partition is ever in it twice. */
class Draft {
  private readonly input: AssignorInput;
  private readonly owned = new Map<string, PartitionCollector>();
  private readonly taken = new Map<Uuid, Uint8Array>();

  constructor(input: AssignorInput) {
    this.input = input;
    for (const { memberId } of input.members) this.owned.set(memberId, new PartitionCollector());
    for (const [topicId, count] of input.partitionCounts) this.taken.set(topicId, new Uint8Array(count));
  }

  result(): ReadonlyMap<string, Partitions> {
    return new Map([...this.owned].map(([memberId, collector]) => [memberId, collector.result()]));
  }

  /** All subscribe alike: each keeps what it had up to its quota, the rest fills those that have less. */
  assignToQuota(): void {
    const { members, partitionCounts } = this.input;
    let total = 0;
    for (const count of partitionCounts.values()) total += count;
    const quota = Math.floor(total / members.length);
    let extras = total % members.length;
    for (const member of members) {
      if (this.keep(member, quota, extras > 0) > quota) extras--;
    }
    const free = this.unassigned();
    for (const { memberId } of members) {
      const collector = this.owned.get(memberId)!;
      while (collector.count < quota) this.giveNext(free, collector);
      if (extras > 0 && collector.count === quota && this.giveNext(free, collector)) extras--;
    }
  }

  /** @returns how many partitions the member keeps */
  private keep(
    { memberId, subscribedTopicIds, current }: AssignorMember,
    quota: number,
    mayHaveExtra: boolean,
  ): number {
    const collector = this.owned.get(memberId)!;
    const limit = mayHaveExtra ? quota + 1 : quota;
    for (const [topicId, partitions] of current) {
      const taken = subscribedTopicIds.has(topicId) ? this.taken.get(topicId) : undefined;
      if (taken === undefined) continue;
      for (const partition of partitions) {
        if (collector.count >= limit) return collector.count;
        if (partition >= taken.length || taken[partition] === 1) continue;
        taken[partition] = 1;
        collector.add(topicId, partition);
      }
    }
    return collector.count;
  }

  private *unassigned(): Generator<readonly [topicId: Uuid, partition: number]> {
    for (const [topicId, taken] of this.taken) {
      for (let partition = 0; partition < taken.length; partition++) {
        if (taken[partition] === 0) yield [topicId, partition];
      }
    }
  }

  private giveNext(free: Iterator<readonly [Uuid, number]>, collector: PartitionCollector): boolean {
    const next = free.next();
    if (next.done) return false;
    collector.add(...next.value);
    return true;
  }

  /** Subscriptions differ: what nobody has goes to the subscriber with the least, then loads are evened out. */
  assignByLoad(): void {
    const subscribers = this.subscribersByTopic();
    for (const member of this.input.members) this.keep(member, Number.POSITIVE_INFINITY, false);
    const topics = [...subscribers].sort(([, a], [, b]) => a.length - b.length);
    for (const [topicId, candidates] of topics) {
      const taken = this.taken.get(topicId)!;
      for (let partition = 0; partition < taken.length; partition++) {
        if (taken[partition] === 0 && candidates.length > 0) this.leastLoaded(candidates).add(topicId, partition);
      }
    }
    this.evenOut(topics);
  }

  private subscribersByTopic(): Map<Uuid, PartitionCollector[]> {
    const subscribers = new Map<Uuid, PartitionCollector[]>();
    for (const topicId of this.input.partitionCounts.keys()) subscribers.set(topicId, []);
    for (const { memberId, subscribedTopicIds } of this.input.members) {
      const collector = this.owned.get(memberId)!;
      for (const topicId of subscribedTopicIds) subscribers.get(topicId)?.push(collector);
    }
    return subscribers;
  }

  private leastLoaded(candidates: readonly PartitionCollector[]): PartitionCollector {
    return candidates.reduce((least, candidate) => (candidate.count < least.count ? candidate : least));
  }

  /** Every move takes from one that has at least two more, so the loads draw closer each time and this ends. */
  private evenOut(topics: readonly (readonly [Uuid, readonly PartitionCollector[]])[]): void {
    for (let hasMoved = true; hasMoved; ) {
      hasMoved = false;
      for (const [topicId, candidates] of topics) while (this.moveOne(topicId, candidates)) hasMoved = true;
    }
  }

  private moveOne(topicId: Uuid, candidates: readonly PartitionCollector[]): boolean {
    if (candidates.length < 2) return false;
    const to = this.leastLoaded(candidates);
    const from = candidates
      .filter((candidate) => candidate.count >= to.count + 2 && candidate.has(topicId))
      .reduce<PartitionCollector | null>(
        (most, next) => (most === null || next.count > most.count ? next : most),
        null,
      );
    const partition = from?.takeOne(topicId);
    if (partition === undefined) return false;
    to.add(topicId, partition);
    return true;
  }
}
