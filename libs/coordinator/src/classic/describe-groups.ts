import { ErrorCode } from "@ottla/protocol";
import type { DescribedGroup, GroupRequest, ListedGroup } from "../group-requests.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { type ClassicMember, NO_BYTES } from "./classic-member.ts";

type DescribeGroups = Extract<GroupRequest, { type: "describeGroups" }>;
type ListGroups = Extract<GroupRequest, { type: "listGroups" }>;

/** From this version on a client is told when there is no such group (KIP-1043); before, it looked like a dead one. */
const GROUP_ID_NOT_FOUND_VERSION = 6;

/** DescribeGroups: state and members of classic groups, as they are in memory at this moment. */
export function describeGroups(
  context: CoordinatorContext,
  step: Step,
  { groupIds, apiVersion, ticket }: DescribeGroups,
): void {
  const described = groupIds.map((groupId) => {
    const group = context.groups.get(groupId);
    if (group === undefined) return describeAbsent(groupId, apiVersion, "not found");
    return group.type === "classic" ? describe(group) : describeAbsent(groupId, apiVersion, "is not a classic group");
  });
  step.reply(ticket, described);
}

function describeAbsent(groupId: string, apiVersion: number, problem: string): DescribedGroup {
  const dead = { groupId, groupState: "Dead", protocolType: "", protocolData: "", members: [] };
  if (apiVersion < GROUP_ID_NOT_FOUND_VERSION) return { ...dead, errorCode: ErrorCode.NONE };
  return { ...dead, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} ${problem}.` };
}

/** The answer that gives a group an error. */
export function describeGroupError(groupId: string, errorCode: number): DescribedGroup {
  return { errorCode, groupId, groupState: "", protocolType: "", protocolData: "", members: [] };
}

function describe(group: ClassicGroup): DescribedGroup {
  const protocolName = group.state === "Stable" ? (group.protocolName ?? "") : "";
  return {
    errorCode: ErrorCode.NONE,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? "",
    protocolData: protocolName,
    members: [...group.members.values()].map((member) => describeMember(member, protocolName)),
  };
}

/** Assignments are of the last stable generation; subscriptions are told only while the protocol is settled. */
function describeMember(member: ClassicMember, protocolName: string): DescribedGroup["members"][number] {
  return {
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.details.clientId,
    clientHost: member.details.clientHost,
    memberMetadata: protocolName === "" ? NO_BYTES : member.metadataFor(protocolName),
    memberAssignment: member.assignment,
  };
}

/** ListGroups: the groups in one of the states and of one of the types asked for; no filter means any. */
export function listGroups(context: CoordinatorContext, step: Step, { request, ticket }: ListGroups): void {
  const states = filterOf(request.statesFilter);
  const types = filterOf(request.typesFilter);
  const listed: ListedGroup[] = [];
  for (const group of context.groups.values()) {
    if (states.size > 0 && !states.has(group.state.toLowerCase())) continue;
    if (types.size > 0 && !types.has(group.type)) continue;
    listed.push({
      groupId: group.groupId,
      protocolType: group.protocolType ?? "",
      groupState: group.state,
      groupType: group.type,
    });
  }
  step.reply(ticket, listed);
}

function filterOf(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.trim().toLowerCase()));
}
