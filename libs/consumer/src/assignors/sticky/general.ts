import type { AssignablePartition, AssignableTopics } from "../assignor.ts";
import { compareStrings } from "../order.ts";
import type { Ownership, StickyMember } from "./ownership.ts";
import { PartitionMovements } from "./partition-movements.ts";
import { type Load, SortedLoads } from "./sorted-loads.ts";

/**
 * Sticky assignment when members subscribe to different topics. Keeps what can be kept, gives what is left to the
 * member with the least, then moves partitions as long as that evens the loads; a result that is no more even than
 * what was there before the moves is dropped. The algorithm of the Java client.
 */
export function assignGeneral(topics: AssignableTopics, ownership: Ownership): Map<string, AssignablePartition[]> {
  const plan = new Plan(topics, ownership);
  plan.assignTheRest();
  return plan.balance();
}

class Plan {
  readonly #topics: AssignableTopics;
  readonly #loads: readonly Load[];
  /** Per topic, the members that subscribe to it. */
  readonly #subscribers: ReadonlyMap<string, readonly Load[]>;
  /** All partitions, those with the fewest possible readers first. */
  readonly #partitions: readonly AssignablePartition[];
  readonly #readers = new Map<AssignablePartition, Load>();
  /** Who had a partition in a generation before the last: second choice when it has to move. */
  readonly #formerReaders: ReadonlyMap<AssignablePartition, Load>;
  readonly #movements = new PartitionMovements();
  readonly #sorted: SortedLoads;
  readonly #unassigned: readonly AssignablePartition[];
  /** Some member dropped a topic that it had partitions of. */
  readonly #revocationRequired: boolean;
  /** Nobody had anything. */
  readonly #isFirst: boolean;

  constructor(topics: AssignableTopics, { members }: Ownership) {
    this.#topics = topics;
    this.#loads = members.map(toLoad);
    this.#subscribers = subscribersOf(topics, this.#loads);
    this.#partitions = sortedByReaders(topics, this.#subscribers);
    this.#revocationRequired = members.some((member, index) => member.owned.size > this.#loads[index]!.partitions.size);
    for (const load of this.#loads) for (const partition of load.partitions) this.#readers.set(partition, load);
    this.#formerReaders = formerReaders(topics, members, this.#loads);
    this.#unassigned = this.#partitions.filter((partition) => !this.#readers.has(partition));
    this.#sorted = new SortedLoads(this.#loads);
    this.#isFirst = this.#sorted.heaviest.partitions.size === 0;
  }

  /** Gives each partition without a reader to the member with the least that subscribes to its topic. */
  assignTheRest(): void {
    for (const partition of this.#unassigned) {
      const load = this.#lightestSubscriber(partition.topic);
      if (load === undefined) continue;
      this.#sorted.change(load, (partitions) => partitions.add(partition));
      this.#readers.set(partition, load);
    }
  }

  /** Moves partitions until the loads are even. Gives the result, or what was before when that gained nothing. */
  balance(): Map<string, AssignablePartition[]> {
    const movable = (partition: AssignablePartition) => this.#subscribers.get(partition.topic)!.length >= 2;
    const participants = this.#loads.filter((load) => this.#takesPart(load, movable));
    const before = this.#snapshot();
    const scoreBefore = balanceScore(participants);
    // New partitions are tried first, so that what members had stays; with a revocation all have to move anyway.
    if (!this.#revocationRequired) this.#evenOut(this.#unassigned.filter(movable));
    const moved = this.#evenOut(this.#partitions.filter(movable));
    const gained = this.#isFirst || !moved || balanceScore(participants) < scoreBefore;
    return gained ? this.#snapshot() : before;
  }

  #snapshot(): Map<string, AssignablePartition[]> {
    return new Map(this.#loads.map((load) => [load.memberId, [...load.partitions]]));
  }

  /** Whether a load may change: it holds something movable, or could get something that it does not hold. */
  #takesPart(load: Load, movable: (partition: AssignablePartition) => boolean): boolean {
    if ([...load.partitions].some(movable)) return true;
    let most = 0;
    for (const topic of load.topics) most += this.#topics.get(topic)?.length ?? 0;
    return load.partitions.size < most;
  }

  /** One pass after another over `movable`, until a pass moves nothing. Returns whether anything moved. */
  #evenOut(movable: readonly AssignablePartition[]): boolean {
    let everMoved = false;
    let moved: boolean;
    do {
      moved = false;
      for (const partition of movable) {
        if (this.#isBalanced()) break;
        moved = this.#moveIfThatHelps(partition) || moved;
      }
      everMoved ||= moved;
    } while (moved);
    return everMoved;
  }

  #moveIfThatHelps(partition: AssignablePartition): boolean {
    const reader = this.#readers.get(partition)!;
    const former = this.#formerReaders.get(partition);
    if (former !== undefined && isMuchLighter(former, reader)) {
      this.#move(partition, reader, former);
      return true;
    }
    const target = this.#lightestSubscriber(partition.topic)!;
    if (!isMuchLighter(target, reader)) return false;
    this.#move(partition, reader, target);
    return true;
  }

  #move(partition: AssignablePartition, from: Load, to: Load): void {
    const actual = this.#movements.actualPartitionToMove(partition, from.memberId, to.memberId);
    const source = this.#readers.get(actual)!;
    this.#movements.record(actual, source.memberId, to.memberId);
    this.#sorted.change(source, (partitions) => partitions.delete(actual));
    this.#sorted.change(to, (partitions) => partitions.add(actual));
    this.#readers.set(actual, to);
  }

  #lightestSubscriber(topic: string): Load | undefined {
    for (const load of this.#sorted) if (load.topics.has(topic)) return load;
    return undefined;
  }

  /** No partition can move to a member that has at least two fewer than its reader. */
  #isBalanced(): boolean {
    if (this.#sorted.lightest.partitions.size >= this.#sorted.heaviest.partitions.size - 1) return true;
    for (const [topic, partitions] of this.#topics) {
      const target = this.#lightestSubscriber(topic);
      if (target === undefined) continue;
      if (partitions.some((partition) => isMuchLighter(target, this.#readers.get(partition)!))) return false;
    }
    return true;
  }
}

function isMuchLighter(candidate: Load, reader: Load): boolean {
  return candidate.partitions.size + 1 < reader.partitions.size;
}

function toLoad({ subscription, owned }: StickyMember): Load {
  const topics = new Set(subscription.topics);
  const partitions = new Set([...owned].filter((partition) => topics.has(partition.topic)));
  return { memberId: subscription.memberId, topics, partitions };
}

function subscribersOf(topics: AssignableTopics, loads: readonly Load[]): Map<string, Load[]> {
  return new Map([...topics.keys()].map((topic) => [topic, loads.filter((load) => load.topics.has(topic))]));
}

function sortedByReaders(
  topics: AssignableTopics,
  subscribers: ReadonlyMap<string, readonly Load[]>,
): AssignablePartition[] {
  return [...topics]
    .sort(([a], [b]) => subscribers.get(a)!.length - subscribers.get(b)!.length || compareStrings(a, b))
    .flatMap(([, partitions]) => partitions);
}

/** Readers of generations before the newest one: of each partition the latest. */
function formerReaders(
  topics: AssignableTopics,
  members: readonly StickyMember[],
  loads: readonly Load[],
): Map<AssignablePartition, Load> {
  const newest = Math.max(-1, ...members.map((member) => member.previous.generationId));
  const readers = new Map<AssignablePartition, { load: Load; generationId: number }>();
  members.forEach(({ previous: { partitions, generationId } }, index) => {
    if (generationId >= newest) return;
    for (const { topic, partition } of partitions) {
      const former = topics.get(topic)?.[partition];
      if (former === undefined || !loads[index]!.topics.has(topic)) continue;
      if (generationId > (readers.get(former)?.generationId ?? Number.NEGATIVE_INFINITY)) {
        readers.set(former, { load: loads[index]!, generationId });
      }
    }
  });
  return new Map([...readers].map(([partition, { load }]) => [partition, load]));
}

/** The sum of the differences of load over all pairs of members: 0 when all are equal. */
function balanceScore(loads: readonly Load[]): number {
  const sizes = loads.map((load) => load.partitions.size).sort((a, b) => a - b);
  return sizes.reduce((score, size, index) => score + size * (2 * index - sizes.length + 1), 0);
}
