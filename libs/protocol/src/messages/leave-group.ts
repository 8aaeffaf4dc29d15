import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Takes members out of a group; several from v3. */
export const leaveGroupRequest = message(
  { name: "LeaveGroupRequest", validVersions: "0-5", flexibleVersions: "4+" },
  {
    groupId: string(),
    memberId: string({ versions: "0-2" }),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: "3+", default: null }),
        reason: string({ versions: "5+", nullable: "5+", ignorable: true, default: null }),
      },
      { versions: "3+" },
    ),
  },
);

/** Result for each member. */
export const leaveGroupResponse = message(
  { name: "LeaveGroupResponse", validVersions: "0-5", flexibleVersions: "4+" },
  {
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    errorCode: int16(),
    members: array(
      { memberId: string(), groupInstanceId: string({ nullable: "3+" }), errorCode: int16() },
      { versions: "3+" },
    ),
  },
);

export const leaveGroupApi = apiMessage({
  key: 13,
  name: "LeaveGroup",
  request: leaveGroupRequest,
  response: leaveGroupResponse,
});

export interface LeaveGroupRequest extends Infer<typeof leaveGroupRequest> {}
export interface LeaveGroupResponse extends Infer<typeof leaveGroupResponse> {}
