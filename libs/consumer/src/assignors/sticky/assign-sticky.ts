import type { AssignablePartition, AssignableTopics, MemberAssignment, MemberSubscription } from "../assignor.ts";
import { assignConstrained } from "./constrained.ts";
import { assignGeneral } from "./general.ts";
import { type Ownership, type PreviousAssignment, settleOwnership, subscribeAlike } from "./ownership.ts";

/** What the sticky algorithms came to, and on what grounds. */
export interface StickyAssignment {
  readonly partitions: ReadonlyMap<string, readonly AssignablePartition[]>;
  readonly ownership: Ownership;
  /** Whether all members subscribe to the same topics. */
  readonly isAlike: boolean;
}

/** Shares partitions out with the algorithm that fits the members. */
export function assignSticky(
  topics: AssignableTopics,
  members: readonly MemberSubscription[],
  previousOf: (member: MemberSubscription) => PreviousAssignment,
): StickyAssignment {
  const ownership = settleOwnership(topics, members, previousOf);
  const isAlike = subscribeAlike(ownership.members);
  const partitions = isAlike ? assignConstrained(topics, ownership) : assignGeneral(topics, ownership);
  return { partitions, ownership, isAlike };
}

/** As what members are told: plain partitions without user data. */
export function toMemberAssignments(
  assignments: ReadonlyMap<string, readonly AssignablePartition[]>,
): Map<string, MemberAssignment> {
  return new Map(
    [...assignments].map(([memberId, partitions]) => [
      memberId,
      { partitions: partitions.map(({ topic, partition }) => ({ topic, partition })), userData: null },
    ]),
  );
}
