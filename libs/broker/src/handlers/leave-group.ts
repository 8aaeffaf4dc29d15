import { type LeaveGroupAnswer, type LeavingMember, leaveGroupError } from "@ottla/coordinator/internal";
import { leaveGroupApi } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";

const FIRST_VERSION_WITH_MEMBERS = 3;

/** LeaveGroup: one member up to v2, any number later. */
export const leaveGroupHandler = (groups: GroupCoordinator) =>
  apiHandler(
    leaveGroupApi,
    {
      minVersion: 0,
      maxVersion: 5,
      errorResponse: (_, { errno }, version) => inVersion(leaveGroupError(errno), version),
    },
    (request, { apiVersion }) => {
      const { groupId, memberId } = request;
      const single: LeavingMember = { memberId, groupInstanceId: null, reason: null };
      const members = apiVersion >= FIRST_VERSION_WITH_MEMBERS ? request.members : [single];
      const answer = groups.ask<LeaveGroupAnswer>(
        groupId,
        (ticket) => ({ type: "leaveGroup", groupId, members, ticket }),
        leaveGroupError,
      );
      return later(answer.then((result) => inVersion(result, apiVersion)));
    },
  );

/** Where there is no list of members, the one member's error stands at the top. */
function inVersion(answer: LeaveGroupAnswer, version: number): LeaveGroupAnswer {
  if (version >= FIRST_VERSION_WITH_MEMBERS) return answer;
  return { errorCode: answer.errorCode || (answer.members?.[0]?.errorCode ?? 0) };
}
