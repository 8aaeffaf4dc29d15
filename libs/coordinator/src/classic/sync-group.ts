import { ErrorCode, type SyncGroupRequest } from "@ottla/protocol";
import type { GroupRequest } from "../group-requests.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import { syncAnswer, syncError } from "./answers.ts";
import type { ClassicGroup } from "./classic-group.ts";
import type { ClassicMember } from "./classic-member.ts";
import { checkGeneration } from "./classic-validation.ts";
import { type Assignments, appendGroupMetadata } from "./group-metadata-record.ts";
import { becomeStable, prepareRebalance, refuseSyncs } from "./rebalance.ts";

type SyncGroup = Extract<GroupRequest, { type: "syncGroup" }>;

/** SyncGroup: the member's assignment, once the leader has brought it and the log has it. */
export function syncGroup(context: CoordinatorContext, step: Step, { request, ticket }: SyncGroup): void {
  if (request.groupId === "") {
    step.reply(ticket, syncError(ErrorCode.INVALID_GROUP_ID));
    return;
  }
  const group = context.groups.classic(request.groupId);
  const refusal = group === undefined ? ErrorCode.UNKNOWN_MEMBER_ID : refuseSync(group, request);
  const member = group?.members.get(request.memberId);
  if (group === undefined || member === undefined || refusal !== ErrorCode.NONE) {
    step.reply(ticket, syncError(refusal));
    return;
  }
  group.pendingSyncs.delete(member.memberId);
  if (group.pendingSyncs.size === 0) context.deadlines.cancel(group.syncDeadline);
  if (group.state === "Stable") {
    step.reply(ticket, syncAnswer(group, member));
    return;
  }
  awaitAssignment(step, member, ticket);
  const isAssigned = group.assignedGenerationId === group.generationId;
  if (group.isLeader(member.memberId) && !isAssigned) storeAssignments(context, step, group, request);
}

function refuseSync(group: ClassicGroup, request: SyncGroupRequest): number {
  const refusal = checkGeneration(group, request, request.generationId);
  if (refusal !== ErrorCode.NONE) return refusal;
  if (isOther(request.protocolType, group.protocolType) || isOther(request.protocolName, group.protocolName)) {
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  }
  return group.state === "PreparingRebalance" ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

function isOther(named: string | null, actual: string | null): boolean {
  return named !== null && actual !== null && named !== actual;
}

function awaitAssignment(step: Step, member: ClassicMember, ticket: SyncGroup["ticket"]): void {
  if (member.syncTicket !== null) step.reply(member.syncTicket, syncError(ErrorCode.REBALANCE_IN_PROGRESS));
  member.syncTicket = ticket;
}

/** The group is stable once the log has the assignment, unless it has gone on to another generation by then. */
function storeAssignments(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  { assignments, generationId }: SyncGroupRequest,
): void {
  const assigned: Assignments = new Map(
    assignments.map(({ memberId, assignment }) => [memberId, assignment.slice()] as const),
  );
  const isStillCompleting = () => group.state === "CompletingRebalance" && group.generationId === generationId;
  appendGroupMetadata(step, group, assigned);
  group.assignedGenerationId = generationId;
  step.whenCommitted({
    committed: (later) => {
      if (isStillCompleting()) becomeStable(context, later, group, assigned);
    },
    failed: (later, errorCode) => {
      if (!isStillCompleting()) return;
      refuseSyncs(context, later, group, errorCode);
      prepareRebalance(context, later, group, `the assignment could not be stored (error ${errorCode})`);
    },
  });
}
