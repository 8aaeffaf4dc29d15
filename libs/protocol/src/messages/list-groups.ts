import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for the groups of this coordinator. */
export const listGroupsRequest = message(
  { name: "ListGroupsRequest", validVersions: "0-5", flexibleVersions: "3+" },
  { statesFilter: array(string(), { versions: "4+" }), typesFilter: array(string(), { versions: "5+" }) },
);

/** Groups of this coordinator. */
export const listGroupsResponse = message(
  { name: "ListGroupsResponse", validVersions: "0-5", flexibleVersions: "3+" },
  {
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ versions: "4+", ignorable: true }),
      groupType: string({ versions: "5+", ignorable: true }),
    }),
  },
);

export const listGroupsApi = apiMessage({
  key: 16,
  name: "ListGroups",
  request: listGroupsRequest,
  response: listGroupsResponse,
});

export interface ListGroupsRequest extends Infer<typeof listGroupsRequest> {}
export interface ListGroupsResponse extends Infer<typeof listGroupsResponse> {}
