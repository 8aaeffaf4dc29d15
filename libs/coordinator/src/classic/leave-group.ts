import { ErrorCode } from "@ottla/protocol";
import { removeByOperator } from "../consumer/leave.ts";
import type { GroupRequest, LeaveGroupAnswer, LeavingMember } from "../group-requests.ts";
import type { Group } from "../groups.ts";
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
  const errorCodes = takeAllOut(context, step, group, members);
  const results = members.map(({ memberId, groupInstanceId }, index) => ({
    memberId,
    groupInstanceId,
    errorCode: errorCodes[index]!,
  }));
  step.replyAfterOwnRecords(ticket, { errorCode: ErrorCode.NONE, members: results }, leaveGroupError);
}

/** The answer that refuses the whole request. */
export function leaveGroupError(errorCode: number): LeaveGroupAnswer {
  return { errorCode, members: [] };
}

/** @returns an error code for each member */
function takeAllOut(
  context: CoordinatorContext,
  step: Step,
  group: Group | undefined,
  members: readonly LeavingMember[],
): number[] {
  if (group === undefined) return members.map(() => ErrorCode.UNKNOWN_MEMBER_ID);
  if (group.type === "consumer") return removeByOperator(context, step, group, members);
  const errorCodes = members.map((leaving) => takeOut(context, step, group, leaving));
  if (errorCodes.includes(ErrorCode.NONE)) afterLeaving(context, step, group, members);
  return errorCodes;
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
