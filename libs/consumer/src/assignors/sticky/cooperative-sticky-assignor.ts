import { ByteReader, ByteWriter } from "@ottla/protocol/client";
import { partitionKey } from "../../topic-partition.ts";
import type {
  AssignablePartition,
  AssignableTopics,
  GroupMetadata,
  MemberAssignment,
  MemberSubscription,
  PartitionAssignor,
} from "../assignor.ts";
import { assignSticky, type StickyAssignment, toMemberAssignments } from "./assign-sticky.ts";
import type { PreviousAssignment } from "./ownership.ts";

const NO_GENERATION = -1;
const USER_DATA_BYTES = 4;

/**
 * The sticky assignor for members that rebalance cooperatively (KIP-429): Kafka's `CooperativeStickyAssignor`. Members
 * keep reading what they keep. A partition that moves is given to nobody in the first round, in which its reader gives
 * it up; the rebalance that follows at once gives it to the next one.
 */
export class CooperativeStickyAssignor implements PartitionAssignor {
  readonly name = "cooperative-sticky";
  readonly supportedProtocols = ["cooperative", "eager"] as const;
  #generationId = NO_GENERATION;

  /** The generation of the last assignment: members whose subscription has none (before version 2) are judged by it. */
  subscriptionUserData(): Uint8Array {
    const writer = new ByteWriter();
    writer.writeInt32(this.#generationId);
    return writer.toUint8Array();
  }

  onAssignment(_assignment: MemberAssignment, { generationId }: GroupMetadata): void {
    this.#generationId = generationId;
  }

  assign(topics: AssignableTopics, members: readonly MemberSubscription[]): Map<string, MemberAssignment> {
    const result = assignSticky(topics, members, previousAssignment);
    const moving = result.isAlike ? movingWhereAlike(result) : movingByClaims(result, members);
    return toMemberAssignments(
      new Map(
        [...result.partitions].map(([memberId, partitions]) => [
          memberId,
          partitions.filter((partition) => !moving.has(partition)),
        ]),
      ),
    );
  }
}

function previousAssignment({ ownedPartitions, generationId, userData }: MemberSubscription): PreviousAssignment {
  if (generationId >= 0 || userData === null || userData.length < USER_DATA_BYTES) {
    return { partitions: ownedPartitions, generationId };
  }
  return { partitions: ownedPartitions, generationId: new ByteReader(userData).readInt32() };
}

/** What no longer belongs, or whose ownership is contested: it may still be read by someone. */
function movingWhereAlike({ partitions, ownership }: StickyAssignment): ReadonlySet<AssignablePartition> {
  const moving = new Set(ownership.contested);
  for (const { subscription, owned } of ownership.members) {
    const kept = new Set(partitions.get(subscription.memberId));
    for (const partition of owned) if (!kept.has(partition)) moving.add(partition);
  }
  return moving;
}

/** What one member claims to read and another one is to get. */
function movingByClaims(
  { partitions }: StickyAssignment,
  members: readonly MemberSubscription[],
): ReadonlySet<AssignablePartition> {
  const claims = new Map(
    members.map((member) => [
      member.memberId,
      new Set(member.ownedPartitions.map(({ topic, partition }) => partitionKey(topic, partition))),
    ]),
  );
  const givenUp = new Set<string>();
  const added = new Set<AssignablePartition>();
  for (const [memberId, assigned] of partitions) {
    const claimed = claims.get(memberId)!;
    const keys = new Set<string>();
    for (const partition of assigned) {
      const key = partitionKey(partition.topic, partition.partition);
      keys.add(key);
      if (!claimed.has(key)) added.add(partition);
    }
    for (const key of claimed) if (!keys.has(key)) givenUp.add(key);
  }
  return new Set([...added].filter(({ topic, partition }) => givenUp.has(partitionKey(topic, partition))));
}
