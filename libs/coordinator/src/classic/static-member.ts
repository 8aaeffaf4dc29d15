import { ErrorCode } from "@ottla/protocol";
import type { GroupRequest } from "../group-requests.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import { joinAnswer, joinError, syncError } from "./answers.ts";
import type { ClassicGroup } from "./classic-group.ts";
import type { ClassicMember, MemberDetails } from "./classic-member.ts";
import { appendGroupMetadata } from "./group-metadata-record.ts";
import { completeJoinIfPossible, prepareRebalance, rebalance } from "./rebalance.ts";
import { endSession, startSession } from "./sessions.ts";

type JoinGroup = Extract<GroupRequest, { type: "joinGroup" }>;

/** From this version on the leader can be told that the assignment stands as it is (KIP-814). */
const SKIP_ASSIGNMENT_VERSION = 9;

/**
 * A static member has come back without its id, as after a restart (KIP-345): it gets a new id and the place of the
 * old one, whose holder is fenced. In a stable group whose protocol stays the same nobody else notices.
 */
export function replaceStaticMember(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  replaced: ClassicMember,
  memberId: string,
  details: MemberDetails,
  join: JoinGroup,
): void {
  const { ticket } = join;
  const leaderBefore = group.leaderId;
  fence(context, step, group, replaced);
  const member = group.replaceMember(replaced, memberId);
  group.updateMember(member, details);
  group.putJoin(member, ticket);
  startSession(context, step, group, memberId, details.sessionTimeoutMs);
  const reason = `static member ${member.groupInstanceId} came back as ${memberId}`;
  if (group.state === "Stable" && group.selectProtocol() === group.protocolName) {
    storeReplacement(context, step, group, replaced, member, leaderBefore, join);
  } else if (group.state === "CompletingRebalance") {
    // The leader may be assigning partitions to the old id just now.
    prepareRebalance(context, step, group, reason);
  } else if (group.state === "PreparingRebalance") {
    completeJoinIfPossible(context, step, group);
  } else {
    rebalance(context, step, group, reason);
  }
}

/** Two consumers with one instance id: the one that came later has it. */
function fence(context: CoordinatorContext, step: Step, group: ClassicGroup, replaced: ClassicMember): void {
  const joinTicket = group.takeJoin(replaced);
  if (joinTicket !== null) step.reply(joinTicket, joinError(replaced.memberId, ErrorCode.FENCED_INSTANCE_ID));
  if (replaced.syncTicket !== null) step.reply(replaced.syncTicket, syncError(ErrorCode.FENCED_INSTANCE_ID));
  replaced.syncTicket = null;
  endSession(context, group, replaced.memberId);
}

/** The new id must be in the log before the member hears of it; if it cannot be stored, the old one holds again. */
function storeReplacement(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  replaced: ClassicMember,
  member: ClassicMember,
  leaderBefore: string | null,
  join: JoinGroup,
): void {
  const { generationId } = group;
  // If a rebalance has begun meanwhile, the member's request has become part of that.
  const isStillWaiting = () =>
    group.state === "Stable" && group.generationId === generationId && member.joinTicket === join.ticket;
  appendGroupMetadata(step, group, currentAssignments(group));
  step.whenCommitted({
    committed: (later) => {
      if (!isStillWaiting()) return;
      group.takeJoin(member);
      startSession(context, later, group, member.memberId, member.details.sessionTimeoutMs);
      later.reply(join.ticket, replacementAnswer(group, member, leaderBefore, join.client.apiVersion));
    },
    failed: (later, errorCode) => {
      if (!isStillWaiting()) return;
      group.takeJoin(member);
      later.reply(join.ticket, joinError("", errorCode));
      undoReplacement(context, later, group, replaced, member);
    },
  });
}

function undoReplacement(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  replaced: ClassicMember,
  member: ClassicMember,
): void {
  endSession(context, group, member.memberId);
  const restored = group.replaceMember(member, replaced.memberId);
  group.updateMember(restored, replaced.details);
  startSession(context, step, group, restored.memberId, restored.details.sessionTimeoutMs);
}

function currentAssignments(group: ClassicGroup): Map<string, Uint8Array> {
  const assignments = new Map<string, Uint8Array>();
  for (const member of group.members.values()) assignments.set(member.memberId, member.assignment);
  return assignments;
}

/** An older client that is told it leads would assign anew; it is given its former id as the leader's instead. */
function replacementAnswer(
  group: ClassicGroup,
  member: ClassicMember,
  leaderBefore: string | null,
  apiVersion: number,
) {
  const answer = joinAnswer(group, member);
  if (apiVersion >= SKIP_ASSIGNMENT_VERSION) return { ...answer, skipAssignment: group.isLeader(member.memberId) };
  return { ...answer, leader: leaderBefore ?? "", members: [] };
}
