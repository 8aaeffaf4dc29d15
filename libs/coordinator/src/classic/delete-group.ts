import { ErrorCode } from "@ottla/protocol";
import { appendConsumerGroupTombstones } from "../consumer/consumer-records.ts";
import type { DeletedGroup, GroupRequest } from "../group-requests.ts";
import type { Group } from "../groups.ts";
import { deleteAllOffsets } from "../offsets/offset-delete.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { appendGroupTombstone } from "./group-metadata-record.ts";

type DeleteGroups = Extract<GroupRequest, { type: "deleteGroups" }>;

/** DeleteGroups: takes away groups without members, with their offsets. */
export function deleteGroups(context: CoordinatorContext, step: Step, { groupIds, ticket }: DeleteGroups): void {
  const results = groupIds.map((groupId) => ({ groupId, errorCode: deleteOne(context, step, groupId) }));
  step.replyAfterOwnRecords(ticket, results, (errorCode) => deleteGroupsError(groupIds, errorCode));
}

function deleteOne(context: CoordinatorContext, step: Step, groupId: string): number {
  const group = context.groups.get(groupId);
  if (group === undefined || group.state === "Dead") return ErrorCode.GROUP_ID_NOT_FOUND;
  if (!group.isEmpty) return ErrorCode.NON_EMPTY_GROUP;
  deleteAllOffsets(context, step, groupId);
  deleteGroup(context, step, group);
  return ErrorCode.NONE;
}

/** The answer that gives every group the same error. */
export function deleteGroupsError(groupIds: readonly string[], errorCode: number): DeletedGroup[] {
  return groupIds.map((groupId) => ({ groupId, errorCode }));
}

/** Takes away an empty group. Until the log says so it is dead: whoever wants to join has to try again. */
export function deleteGroup(context: CoordinatorContext, step: Step, group: Group): void {
  if (group.type === "consumer") appendConsumerGroupTombstones(step, group);
  else deleteClassicGroup(context, step, group);
}

/** Whether nobody is in the group, or about to be. */
export function isUnused(group: Group): boolean {
  return group.isEmpty && (group.type === "consumer" || group.pendingMembers.size === 0);
}

function deleteClassicGroup(context: CoordinatorContext, step: Step, group: ClassicGroup): void {
  const { stateTimestampMs } = group;
  group.transitionTo("Dead", step.wallMs);
  if (group.isInLog) appendGroupTombstone(step, group.groupId);
  step.whenCommitted({
    committed: () => forgetGroup(context, group),
    failed: () => group.transitionTo("Empty", stateTimestampMs),
  });
}

/** Forgets a group that came into being for a request which was then refused. */
export function discardIfUnused(context: CoordinatorContext, group: ClassicGroup): void {
  if (group.isDisposable && !context.offsets.hasAny(group.groupId)) forgetGroup(context, group);
}

/** Drops a group from memory. */
export function forgetGroup({ groups, deadlines }: CoordinatorContext, group: ClassicGroup): void {
  deadlines.cancel(group.joinDeadline);
  deadlines.cancel(group.syncDeadline);
  if (groups.get(group.groupId) === group) groups.remove(group.groupId);
}
