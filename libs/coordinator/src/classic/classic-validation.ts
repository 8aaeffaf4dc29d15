import { ErrorCode } from "@ottla/protocol";
import type { ClassicGroup } from "./classic-group.ts";

/** Who claims to be a member. */
export interface ClaimedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** Whether the claimant is a member: NONE, UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID where another has its place. */
export function checkMember(group: ClassicGroup, { memberId, groupInstanceId }: ClaimedMember): number {
  if (groupInstanceId !== null) {
    const holder = group.staticMemberId(groupInstanceId);
    if (holder === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (holder !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
  }
  return group.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
}

/** {@link checkMember}, and whether the claimant is of the present generation. */
export function checkGeneration(group: ClassicGroup, claimed: ClaimedMember, generationId: number): number {
  if (group.state === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const errorCode = checkMember(group, claimed);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  return generationId === group.generationId ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
}

/**
 * Whether offsets may be committed. A negative generation means a client that does not use the group's membership:
 * it may commit while the group is empty.
 */
export function checkOffsetCommit(group: ClassicGroup, claimed: ClaimedMember, generationId: number): number {
  if (group.state === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const isAnonymous = claimed.memberId === "" && claimed.groupInstanceId === null;
  if (generationId < 0 && group.state === "Empty") return ErrorCode.NONE;
  if (generationId < 0 && isAnonymous) return ErrorCode.UNKNOWN_MEMBER_ID;
  const errorCode = checkGeneration(group, claimed, generationId);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  // The member knows of the new generation, so it has given up what it owned in the one before.
  return group.state === "CompletingRebalance" ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

/**
 * Whether offsets may be committed in a transaction. Producers older than KIP-447 do not say whose offsets they commit,
 * and are fenced by their own epoch alone.
 */
export function checkTxnOffsetCommit(group: ClassicGroup, claimed: ClaimedMember, generationId: number): number {
  if (group.state === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const isAnonymous = generationId < 0 && claimed.memberId === "" && claimed.groupInstanceId === null;
  if (isAnonymous || (generationId < 0 && group.state === "Empty")) return ErrorCode.NONE;
  return checkGeneration(group, claimed, generationId);
}
