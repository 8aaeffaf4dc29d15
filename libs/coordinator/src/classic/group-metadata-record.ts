import type { GroupMetadataValue } from "@ottla/protocol/internal";
import type { GroupRecord } from "../records/group-record.ts";
import type { Step } from "../shard/step.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { type ClassicMember, NO_BYTES } from "./classic-member.ts";

export type Assignments = ReadonlyMap<string, Uint8Array>;

/**
 * Appends what the log is to know of the group: its generation and its members with these assignments.
 * Members that `assignments` leaves out get an empty one.
 */
export function appendGroupMetadata(step: Step, group: ClassicGroup, assignments: Assignments): void {
  step.append(groupMetadataRecord(group, assignments));
  group.isInLog = true;
}

/** Appends that the group is no more. */
export function appendGroupTombstone(step: Step, groupId: string): void {
  step.append({ type: "groupMetadata", key: { group: groupId }, value: null });
}

function groupMetadataRecord(group: ClassicGroup, assignments: Assignments): GroupRecord {
  const { protocolName } = group;
  const members = [...group.members.values()].map((member) =>
    storedMember(member, member.metadataFor(protocolName ?? ""), assignments.get(member.memberId) ?? NO_BYTES),
  );
  return {
    type: "groupMetadata",
    key: { group: group.groupId },
    value: {
      protocolType: group.protocolType ?? "",
      generation: group.generationId,
      protocol: protocolName,
      leader: group.leaderId,
      currentStateTimestamp: group.stateTimestampMs,
      members,
    },
  };
}

function storedMember(
  { memberId, groupInstanceId, details }: ClassicMember,
  subscription: Uint8Array,
  assignment: Uint8Array,
): GroupMetadataValue["members"][number] {
  return {
    memberId,
    groupInstanceId,
    clientId: details.clientId,
    clientHost: details.clientHost,
    rebalanceTimeout: details.rebalanceTimeoutMs,
    sessionTimeout: details.sessionTimeoutMs,
    subscription,
    assignment,
  };
}
