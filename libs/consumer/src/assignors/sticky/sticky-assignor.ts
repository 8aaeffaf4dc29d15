import type {
  AssignableTopics,
  GroupMetadata,
  MemberAssignment,
  MemberSubscription,
  PartitionAssignor,
} from "../assignor.ts";
import { assignSticky, toMemberAssignments } from "./assign-sticky.ts";
import type { PreviousAssignment } from "./ownership.ts";
import { decodeStickyUserData, encodeStickyUserData } from "./user-data.ts";

/**
 * Shares the partitions out as evenly as possible, and of all even ways takes one in which members keep most of what
 * they had. Kafka's `StickyAssignor` (KIP-54): where all members subscribe alike the result is the Java client's.
 * Members rebalance eagerly.
 */
export class StickyAssignor implements PartitionAssignor {
  readonly name = "sticky";
  #previous: PreviousAssignment | undefined;

  subscriptionUserData(): Uint8Array | null {
    return this.#previous === undefined ? null : encodeStickyUserData(this.#previous);
  }

  onAssignment({ partitions }: MemberAssignment, { generationId }: GroupMetadata): void {
    this.#previous = { partitions, generationId };
  }

  assign(topics: AssignableTopics, members: readonly MemberSubscription[]): Map<string, MemberAssignment> {
    const { partitions } = assignSticky(topics, members, (member) => decodeStickyUserData(member.userData));
    return toMemberAssignments(partitions);
  }
}
