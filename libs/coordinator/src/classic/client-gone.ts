import type { GroupRequest } from "../group-requests.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { ClassicGroup } from "./classic-group.ts";
import type { ClassicMember } from "./classic-member.ts";
import { removeMember } from "./rebalance.ts";
import { keepSessionAlive } from "./sessions.ts";

type ClientGone = Extract<GroupRequest, { type: "clientGone" }>;

/**
 * The connection on which a member waits has gone. The member stays, and still counts as joined, so that the others
 * do not wait for it; its session begins to run out, and within it the client may come back and pick up its place.
 * A client that was not told its id cannot come back: its member is out at once.
 */
export function clientGone(context: CoordinatorContext, step: Step, { groupId, ticket }: ClientGone): void {
  const group = context.groups.classic(groupId);
  const member = group && memberWaitingWith(group, ticket);
  if (group === undefined || member === undefined) return;
  if (member.joinTicket === ticket) member.joinTicket = null;
  if (member.syncTicket === ticket) member.syncTicket = null;
  if (!member.isIdKnown) removeMember(context, step, group, member, `new member ${member.memberId} disconnected`);
  else keepSessionAlive(context, step, group, member.memberId);
}

function memberWaitingWith(group: ClassicGroup, ticket: ClientGone["ticket"]): ClassicMember | undefined {
  for (const member of group.members.values()) {
    if (member.joinTicket === ticket || member.syncTicket === ticket) return member;
  }
  return undefined;
}
