import { apiMessage } from "../schema/api.ts";
import { int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Keeps a member of a classic group alive. */
export const heartbeatRequest = message(
  { name: "HeartbeatRequest", validVersions: "0-4", flexibleVersions: "4+" },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: "3+", nullable: "3+", default: null }),
  },
);

/** Tells the member whether the group is rebalancing. */
export const heartbeatResponse = message(
  { name: "HeartbeatResponse", validVersions: "0-4", flexibleVersions: "4+" },
  { throttleTimeMs: int32({ versions: "1+", ignorable: true }), errorCode: int16() },
);

export const heartbeatApi = apiMessage({
  key: 12,
  name: "Heartbeat",
  request: heartbeatRequest,
  response: heartbeatResponse,
});

export interface HeartbeatRequest extends Infer<typeof heartbeatRequest> {}
export interface HeartbeatResponse extends Infer<typeof heartbeatResponse> {}
