import { apiMessage } from "../schema/api.ts";
import { array, bool, bytes, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Enters a group of the classic protocol. */
export const joinGroupRequest = message(
  { name: "JoinGroupRequest", validVersions: "0-9", flexibleVersions: "6+" },
  {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ versions: "1+", ignorable: true, default: -1 }),
    memberId: string(),
    groupInstanceId: string({ versions: "5+", nullable: "5+", default: null }),
    protocolType: string(),
    protocols: array({ name: string(), metadata: bytes() }),
    reason: string({ versions: "8+", nullable: "8+", ignorable: true, default: null }),
  },
);

/** The new generation; the leader also gets all members' subscriptions. */
export const joinGroupResponse = message(
  { name: "JoinGroupResponse", validVersions: "0-9", flexibleVersions: "6+" },
  {
    throttleTimeMs: int32({ versions: "2+", ignorable: true }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string({ versions: "7+", nullable: "7+", ignorable: true, default: null }),
    protocolName: string({ nullable: "7+" }),
    leader: string(),
    skipAssignment: bool({ versions: "9+", default: false }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string({ versions: "5+", nullable: "5+", ignorable: true, default: null }),
      metadata: bytes(),
    }),
  },
);

export const joinGroupApi = apiMessage({
  key: 11,
  name: "JoinGroup",
  request: joinGroupRequest,
  response: joinGroupResponse,
});

export interface JoinGroupRequest extends Infer<typeof joinGroupRequest> {}
export interface JoinGroupResponse extends Infer<typeof joinGroupResponse> {}
