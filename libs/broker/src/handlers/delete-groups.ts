import { type DeletedGroup, deleteGroupsError } from "@ottla/coordinator/internal";
import { deleteGroupsApi } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";

/** DeleteGroups: groups, each once, that are coordinated here and have no members. */
export const deleteGroupsHandler = (groups: GroupCoordinator) =>
  apiHandler(
    deleteGroupsApi,
    {
      minVersion: 0,
      maxVersion: 2,
      errorResponse: ({ groupsNames }, { errno }) => ({
        throttleTimeMs: 0,
        results: deleteGroupsError(groupsNames, errno),
      }),
    },
    ({ groupsNames }) => {
      const deletions = [...new Set(groupsNames)].map((groupId) =>
        groups.ask<readonly DeletedGroup[]>(
          groupId,
          (ticket) => ({ type: "deleteGroups", groupIds: [groupId], ticket }),
          (errorCode) => deleteGroupsError([groupId], errorCode),
        ),
      );
      return later(Promise.all(deletions).then((results) => ({ throttleTimeMs: 0, results: results.flat() })));
    },
  );
