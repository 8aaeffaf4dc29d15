import { ErrorCode } from "@ottla/protocol";
import type { GroupRequest, LeaveGroupAnswer, LeavingMember } from "../group-requests.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { checkMember } from "./classic-validation.ts";
import { discardIfUnused } from "./delete-group.ts";
import { dropMember, rebalance } from "./rebalance.ts";
import { endSession } from "./sessions.ts";

type LeaveGroup = Extract<GroupRequest, { type: "leaveGroup" }>;

/** LeaveGroup: takes members out at once; an operator may name static ones by instance id alone. */
export function leaveGroup(context: CoordinatorContext, step: Step, { groupId, members, ticket }: LeaveGroup): void {
  const group = context.groups.get(groupId);
  if (groupId === "" || group?.state === "Dead") {
    const errorCode = groupId === "" ? ErrorCode.INVALID_GROUP_ID : ErrorCode.COORDINATOR_NOT_AVAILABLE;
    step.reply(ticket, leaveGroupError(errorCode));
    return;
  }
  const results = members.map((leaving) => ({
    memberId: leaving.memberId,
    groupInstanceId: leaving.groupInstanceId,
    errorCode: group === undefined ? ErrorCode.UNKNOWN_MEMBER_ID : takeOut(context, step, group, leaving),
  }));
  const leftCount = results.filter(({ errorCode }) => errorCode === ErrorCode.NONE).length;
  if (group !== undefined && leftCount > 0) afterLeaving(context, step, group, members);
  step.replyAfterOwnRecords(ticket, { errorCode: ErrorCode.NONE, members: results }, leaveGroupError);
}

/** The answer that refuses the whole request. */
export function leaveGroupError(errorCode: number): LeaveGroupAnswer {
  return { errorCode, members: [] };
}

/** @returns the error code for this member */
function takeOut(context: CoordinatorContext, step: Step, group: ClassicGroup, leaving: LeavingMember): number {
  const { groupInstanceId } = leaving;
  if (group.pendingMembers.has(leaving.memberId)) {
    endSession(context, group, leaving.memberId);
    group.removeMember(leaving.memberId);
    return ErrorCode.NONE;
  }
  const isByInstance = leaving.memberId === "" && groupInstanceId !== null;
  const memberId = isByInstance ? (group.staticMemberId(groupInstanceId) ?? "") : leaving.memberId;
  const errorCode = checkMember(group, { memberId, groupInstanceId });
  const member = group.members.get(memberId);
  if (member !== undefined && errorCode === ErrorCode.NONE) dropMember(context, step, group, member);
  return errorCode;
}

function afterLeaving(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  members: readonly LeavingMember[],
): void {
  if (group.isEmpty) {
    discardIfUnused(context, group);
    return;
  }
  const reasons = new Set(members.map(({ reason }) => reason ?? "no reason given"));
  rebalance(context, step, group, `members left: ${[...reasons].join(", ")}`);
}
