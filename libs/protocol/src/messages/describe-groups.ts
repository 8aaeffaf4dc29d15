import { apiMessage } from "../schema/api.ts";
import { array, bool, bytes, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for the state and members of classic groups. */
export const describeGroupsRequest = message(
  { name: "DescribeGroupsRequest", validVersions: "0-6", flexibleVersions: "5+" },
  { groups: array(string()), includeAuthorizedOperations: bool({ versions: "3+" }) },
);

/** State and members of each group. */
export const describeGroupsResponse = message(
  { name: "DescribeGroupsResponse", validVersions: "0-6", flexibleVersions: "5+" },
  {
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ versions: "6+", nullable: "6+", default: null }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string({ versions: "4+", nullable: "4+", ignorable: true, default: null }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ versions: "3+", default: -2147483648 }),
    }),
  },
);

export const describeGroupsApi = apiMessage({
  key: 15,
  name: "DescribeGroups",
  request: describeGroupsRequest,
  response: describeGroupsResponse,
});

export interface DescribeGroupsRequest extends Infer<typeof describeGroupsRequest> {}
export interface DescribeGroupsResponse extends Infer<typeof describeGroupsResponse> {}
