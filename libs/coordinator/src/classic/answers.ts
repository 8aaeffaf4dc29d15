import { ErrorCode } from "@ottla/protocol";
import type { JoinGroupAnswer, SyncGroupAnswer } from "../group-requests.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { type ClassicMember, NO_BYTES } from "./classic-member.ts";

/** JoinGroup refused. */
export function joinError(memberId: string, errorCode: number): JoinGroupAnswer {
  return {
    errorCode,
    generationId: -1,
    protocolName: "",
    leader: "",
    memberId,
    members: [],
  };
}

/** JoinGroup accepted: the group's present generation, and for its leader what every member says. */
export function joinAnswer(group: ClassicGroup, member: ClassicMember): JoinGroupAnswer {
  return {
    errorCode: ErrorCode.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName ?? "",
    leader: group.leaderId ?? "",
    memberId: member.memberId,
    members: group.isLeader(member.memberId) ? memberList(group) : [],
  };
}

function memberList(group: ClassicGroup): JoinGroupAnswer["members"] {
  const protocolName = group.protocolName ?? "";
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: member.metadataFor(protocolName),
  }));
}

/** SyncGroup refused. */
export function syncError(errorCode: number): SyncGroupAnswer {
  return { errorCode, assignment: NO_BYTES };
}

/** SyncGroup accepted: the member's assignment. */
export function syncAnswer(group: ClassicGroup, member: ClassicMember): SyncGroupAnswer {
  return {
    errorCode: ErrorCode.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  };
}
