import { type JoinGroupAnswer, joinError } from "@ottla/coordinator/internal";
import { type JoinGroupRequest, joinGroupApi } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import { clientHostOf } from "../groups/client-host.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";

/** JoinGroup: the answer may take as long as the other members do. */
export const joinGroupHandler = (groups: GroupCoordinator) =>
  apiHandler(
    joinGroupApi,
    { minVersion: 0, maxVersion: 9, errorResponse: (request, { errno }) => failed(request, errno) },
    (request, { apiVersion, clientId, connection, signal }) => {
      const client = { apiVersion, clientId, clientHost: clientHostOf(connection) };
      const answer = groups.askForClient<JoinGroupAnswer>(
        request.groupId,
        signal,
        (ticket) => ({ type: "joinGroup", request, client, ticket }),
        (errorCode) => failed(request, errorCode),
      );
      return later(answer);
    },
  );

function failed({ memberId }: JoinGroupRequest, errorCode: number): JoinGroupAnswer {
  return joinError(memberId, errorCode);
}
