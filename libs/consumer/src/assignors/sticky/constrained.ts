import type { AssignablePartition, AssignableTopics } from "../assignor.ts";
import { compareStrings, compareTopicPartitions } from "../order.ts";
import type { Ownership } from "./ownership.ts";

/**
 * Sticky assignment when all members subscribe alike: members keep what they have up to an even share, and what is
 * left over goes round to those with too little. Gives what the Java client gives for the same members.
 */
export function assignConstrained(topics: AssignableTopics, ownership: Ownership): Map<string, AssignablePartition[]> {
  const quotas = new Quotas(partitionCount(topics), ownership.members.length);
  for (const member of ownership.members)
    keepOwned(member.subscription.memberId, ownable(member.owned, ownership), quotas);
  quotas.dealOut(unassigned(topics, quotas.assignments));
  return quotas.assignments;
}

function partitionCount(topics: AssignableTopics): number {
  let count = 0;
  for (const partitions of topics.values()) count += partitions.length;
  return count;
}

/** What a member may keep, spread over its topics: by partition number first. */
function ownable(owned: ReadonlySet<AssignablePartition>, { contested }: Ownership): AssignablePartition[] {
  return [...owned]
    .filter((partition) => !contested.has(partition))
    .sort((a, b) => a.partition - b.partition || compareStrings(a.topic, b.topic));
}

function keepOwned(memberId: string, owned: readonly AssignablePartition[], quotas: Quotas): void {
  if (owned.length < quotas.min) quotas.keepBelowMin(memberId, owned);
  else if (owned.length >= quotas.max && quotas.mayExceedMin) quotas.keepMax(memberId, owned);
  else quotas.keepMin(memberId, owned);
}

function unassigned(
  topics: AssignableTopics,
  assignments: ReadonlyMap<string, readonly AssignablePartition[]>,
): AssignablePartition[] {
  const assigned = new Set([...assignments.values()].flat());
  return [...topics.values()]
    .flat()
    .filter((partition) => !assigned.has(partition))
    .sort(compareTopicPartitions);
}

/** Even shares: everyone gets `min`, and as many members as the remainder of the division get `max` = `min` + 1. */
class Quotas {
  readonly min: number;
  readonly max: number;
  readonly assignments = new Map<string, AssignablePartition[]>();
  /** How many members get more than `min`; none when the division leaves no remainder. */
  readonly #expectedOverMin: number;
  #overMin = 0;
  #belowMin: string[] = [];
  /** Members with exactly `min` that may get one more. */
  #atMin: string[] = [];

  constructor(partitions: number, members: number) {
    this.min = Math.floor(partitions / members);
    this.max = Math.ceil(partitions / members);
    this.#expectedOverMin = partitions % members;
  }

  get mayExceedMin(): boolean {
    return this.#overMin < this.#expectedOverMin;
  }

  keepBelowMin(memberId: string, owned: readonly AssignablePartition[]): void {
    this.assignments.set(memberId, [...owned]);
    this.#belowMin.push(memberId);
  }

  keepMax(memberId: string, owned: readonly AssignablePartition[]): void {
    this.assignments.set(memberId, owned.slice(0, this.max));
    this.#overMin++;
    if (!this.mayExceedMin) this.#atMin = [];
  }

  keepMin(memberId: string, owned: readonly AssignablePartition[]): void {
    this.assignments.set(memberId, owned.slice(0, this.min));
    if (this.mayExceedMin) this.#atMin.push(memberId);
  }

  /** Gives the partitions to the members that lack some: first up to `min` in turn, then one more to those at `min`. */
  dealOut(partitions: readonly AssignablePartition[]): void {
    this.#belowMin.sort(compareStrings);
    this.#atMin.sort(compareStrings);
    let turn = 0;
    for (const partition of partitions) {
      if (this.#belowMin.length === 0) {
        this.assignments.get(this.#atMin.shift()!)!.push(partition);
        continue;
      }
      if (turn >= this.#belowMin.length) turn = 0;
      const memberId = this.#belowMin[turn]!;
      if (this.assignments.get(memberId)!.push(partition) < this.min) turn++;
      else this.#atMin.push(...this.#belowMin.splice(turn, 1));
    }
  }
}
