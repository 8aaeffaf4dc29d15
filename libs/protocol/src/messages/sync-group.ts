import { apiMessage } from "../schema/api.ts";
import { array, bytes, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Brings the leader's assignments to the coordinator, and asks for one's own. */
export const syncGroupRequest = message(
  { name: "SyncGroupRequest", validVersions: "0-5", flexibleVersions: "4+" },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: "3+", nullable: "3+", default: null }),
    protocolType: string({ versions: "5+", nullable: "5+", ignorable: true, default: null }),
    protocolName: string({ versions: "5+", nullable: "5+", ignorable: true, default: null }),
    assignments: array({ memberId: string(), assignment: bytes() }),
  },
);

/** The member's own assignment. */
export const syncGroupResponse = message(
  { name: "SyncGroupResponse", validVersions: "0-5", flexibleVersions: "4+" },
  {
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    errorCode: int16(),
    protocolType: string({ versions: "5+", nullable: "5+", ignorable: true, default: null }),
    protocolName: string({ versions: "5+", nullable: "5+", ignorable: true, default: null }),
    assignment: bytes(),
  },
);

export const syncGroupApi = apiMessage({
  key: 14,
  name: "SyncGroup",
  request: syncGroupRequest,
  response: syncGroupResponse,
});

export interface SyncGroupRequest extends Infer<typeof syncGroupRequest> {}
export interface SyncGroupResponse extends Infer<typeof syncGroupResponse> {}
