import type { TopicPartition } from "../../topic-partition.ts";
import type { AssignablePartition, AssignableTopics, MemberSubscription } from "../assignor.ts";
import { inJavaHashOrder } from "../order.ts";

/** What a member says it held before. */
export interface PreviousAssignment {
  readonly partitions: readonly TopicPartition[];
  /** The generation in which it held them; -1 when it does not say. */
  readonly generationId: number;
}

/** A member as the sticky algorithms see it. */
export interface StickyMember {
  readonly subscription: MemberSubscription;
  readonly previous: PreviousAssignment;
  /** Partitions that it held last and nobody newer claims. Objects of `AssignableTopics`: compared by identity. */
  readonly owned: Set<AssignablePartition>;
}

/** Who held what, after contradicting claims are settled. */
export interface Ownership {
  /** In the iteration order that the Java client has. */
  readonly members: readonly StickyMember[];
  /** Partitions that two members claim for the same generation: neither is believed. */
  readonly contested: ReadonlySet<AssignablePartition>;
}

/** Settles the members' claims: a newer generation wins, equal ones cancel each other. Gone partitions are dropped. */
export function settleOwnership(
  topics: AssignableTopics,
  subscriptions: readonly MemberSubscription[],
  previousOf: (subscription: MemberSubscription) => PreviousAssignment,
): Ownership {
  const members = inJavaHashOrder(subscriptions, (subscription) => subscription.memberId).map(
    (subscription): StickyMember => ({ subscription, previous: previousOf(subscription), owned: new Set() }),
  );
  const owners = new Map<AssignablePartition, StickyMember>();
  const contested = new Set<AssignablePartition>();
  for (const member of members) {
    for (const { topic, partition } of member.previous.partitions) {
      const claimed = topics.get(topic)?.[partition];
      if (claimed !== undefined) settleClaim(member, claimed, owners, contested);
    }
  }
  return { members, contested };
}

function settleClaim(
  member: StickyMember,
  claimed: AssignablePartition,
  owners: Map<AssignablePartition, StickyMember>,
  contested: Set<AssignablePartition>,
): void {
  const rival = owners.get(claimed);
  // As in the Java client, the rival's generation is the one in its subscription, not the one in its user data.
  const isNewer = rival === undefined || member.previous.generationId > rival.subscription.generationId;
  const isTie = rival !== undefined && member.previous.generationId === rival.subscription.generationId;
  if (!isNewer && !isTie) return;
  rival?.owned.delete(claimed);
  owners.set(claimed, member);
  if (isTie) contested.add(claimed);
  else member.owned.add(claimed);
}

/** Whether all members subscribe to the same topics, which allows the faster, exact algorithm. */
export function subscribeAlike(members: readonly StickyMember[]): boolean {
  const topics = new Set(members[0]?.subscription.topics);
  return members.every(({ subscription }) => {
    const own = new Set(subscription.topics);
    return own.size === topics.size && subscription.topics.every((topic) => topics.has(topic));
  });
}
