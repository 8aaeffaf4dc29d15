import { type SyncGroupAnswer, syncError } from "@ottla/coordinator/internal";
import { syncGroupApi } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";

/** SyncGroup: the answer comes when the leader has brought its assignment. */
export const syncGroupHandler = (groups: GroupCoordinator) =>
  apiHandler(
    syncGroupApi,
    { minVersion: 0, maxVersion: 5, errorResponse: (_, { errno }) => syncError(errno) },
    (request, { signal }) =>
      later(
        groups.askForClient<SyncGroupAnswer>(
          request.groupId,
          signal,
          (ticket) => ({ type: "syncGroup", request, ticket }),
          syncError,
        ),
      ),
  );
