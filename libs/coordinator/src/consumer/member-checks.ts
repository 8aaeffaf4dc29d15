import { ErrorCode } from "@ottla/protocol";
import type { ConsumerGroup } from "./consumer-group.ts";
import { type ConsumerMember, LEAVE_STATIC_EPOCH } from "./consumer-member.ts";
import { isWithin, type ReportedPartitions } from "./reconcile.ts";
import { type Refusal, refusal } from "./refusal.ts";

export function unknownMember(group: ConsumerGroup, memberId: string): Refusal {
  return refusal(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${group.groupId}.`);
}

/** The static member of this instance, if it has this member id. */
export function staticMember(
  group: ConsumerGroup,
  instanceId: string,
  memberId: string,
): ConsumerMember | { readonly refused: Refusal } {
  const member = group.staticMember(instanceId);
  if (member === undefined) {
    return { refused: refusal(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`) };
  }
  if (member.memberId === memberId) return member;
  return {
    refused: refusal(
      ErrorCode.FENCED_INSTANCE_ID,
      `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`,
    ),
  };
}

/** The place of a static member can be taken once its holder has said that it goes. */
export function checkReleased(holder: ConsumerMember, memberId: string, instanceId: string): Refusal | null {
  if (holder.epoch === LEAVE_STATIC_EPOCH) return null;
  return refusal(
    ErrorCode.UNRELEASED_INSTANCE_ID,
    `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by member ${holder.memberId}.`,
  );
}

/**
 * Whether the member is where it says it is. It may say the epoch before, if it has no more than it may have: the answer
 * that told it of the present one may have been lost.
 */
export function checkMemberEpoch(member: ConsumerMember, epoch: number, reported: ReportedPartitions): Refusal | null {
  if (epoch === member.epoch) return null;
  const isRetry =
    epoch < member.epoch && epoch === member.previousEpoch && reported !== null && isWithin(reported, member.assigned);
  if (isRetry) return null;
  const size = epoch > member.epoch ? "greater" : "smaller";
  return refusal(
    ErrorCode.FENCED_MEMBER_EPOCH,
    `The consumer group member has a ${size} member epoch (${epoch}) than the one known by the group coordinator (${member.epoch}). The member must abandon all its partitions and rejoin.`,
  );
}
