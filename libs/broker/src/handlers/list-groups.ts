import type { ListedGroup } from "@ottla/coordinator/internal";
import { ErrorCode, listGroupsApi } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";

/** ListGroups: the groups that are coordinated here. */
export const listGroupsHandler = (groups: GroupCoordinator) =>
  apiHandler(
    listGroupsApi,
    { minVersion: 0, maxVersion: 5, errorResponse: (_, { errno }) => listError(errno) },
    (request) => {
      const listed = groups.askAll<readonly ListedGroup[]>((ticket) => ({ type: "listGroups", request, ticket }));
      if (listed === null) return listError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
      return later(listed.then((lists) => ({ errorCode: ErrorCode.NONE, groups: lists.flat() })));
    },
  );

function listError(errorCode: number) {
  return { errorCode, groups: [] };
}
