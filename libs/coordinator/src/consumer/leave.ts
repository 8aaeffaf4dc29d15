import { type ConsumerGroupHeartbeatRequest, ErrorCode } from "@ottla/protocol";
import type { ConsumerHeartbeatAnswer, LeavingMember } from "../group-requests.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { type ConsumerMember, LEAVE_STATIC_EPOCH, NOTHING_OWNED } from "./consumer-member.ts";
import { appendProgress } from "./consumer-records.ts";
import { fenceMember, fenceMembers } from "./fence.ts";
import { staticMember, unknownMember } from "./member-checks.ts";
import { type Refusal, refusal } from "./refusal.ts";

/** A member goes: for good, or a static one for a while, during which its partitions wait for it. */
export function leave(
  context: CoordinatorContext,
  step: Step,
  request: ConsumerGroupHeartbeatRequest,
): ConsumerHeartbeatAnswer | Refusal {
  const { groupId, memberId, instanceId, memberEpoch } = request;
  const group = context.groups.consumer(groupId);
  if (group === undefined) return refusal(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`);
  const member = instanceId === null ? group.members.get(memberId) : staticMember(group, instanceId, memberId);
  if (member === undefined) return unknownMember(group, memberId);
  if ("refused" in member) return member.refused;
  if (memberEpoch === LEAVE_STATIC_EPOCH) stayAway(step, group, member);
  else fenceMember(context, step, group, member, "it has left");
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, memberId, memberEpoch, heartbeatIntervalMs: 0 };
}

/** What it was to give up it has given up by going; the rest stays its own until its session ends. */
function stayAway(step: Step, group: ConsumerGroup, member: ConsumerMember): void {
  const progress = {
    ...member,
    epoch: LEAVE_STATIC_EPOCH,
    state: "stable" as const,
    pendingRevocation: NOTHING_OWNED,
  };
  appendProgress(step, group.groupId, member.memberId, progress);
}

/** LeaveGroup, by which an operator takes members out, static ones by instance id alone. @returns an error code for each */
export function removeByOperator(
  context: CoordinatorContext,
  step: Step,
  group: ConsumerGroup,
  leaving: readonly LeavingMember[],
): number[] {
  const removed = new Set<ConsumerMember>();
  const errorCodes = leaving.map(({ memberId, groupInstanceId }) => {
    const member = groupInstanceId === null ? group.members.get(memberId) : group.staticMember(groupInstanceId);
    if (member === undefined || removed.has(member)) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (memberId !== "" && member.memberId !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
    removed.add(member);
    return ErrorCode.NONE;
  });
  if (removed.size > 0) fenceMembers(context, step, group, removed, "an operator has removed it");
  return errorCodes;
}
