import type { HeartbeatAnswer } from "@ottla/coordinator/internal";
import { ErrorCode, heartbeatApi } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";

/** Heartbeat. */
export const heartbeatHandler = (groups: GroupCoordinator) =>
  apiHandler(heartbeatApi, { minVersion: 0, maxVersion: 4 }, (request) =>
    later(
      groups.ask<HeartbeatAnswer>(
        request.groupId,
        (ticket) => ({ type: "heartbeat", request, ticket }),
        heartbeatError,
      ),
    ),
  );

/** While the group is being loaded a member need not worry: its session begins anew when that is done. */
function heartbeatError(errorCode: number): HeartbeatAnswer {
  return { errorCode: errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : errorCode };
}
